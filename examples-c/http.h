/*
 * Responses of HTTP/1.1 (RFC 9112) as packets, for tls_client.c.
 *
 * A packet is one response as it came: the head, then the body, whose end is where Content-Length
 * says, behind the last chunk, or where the stream ends. Interim responses (1xx) are left out.
 */
#ifndef HTTP_H
#define HTTP_H

#include <easynet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_RESPONSE_SIZE ((size_t)64 << 20)
#define MAX_HEAD_SIZE ((size_t)64 << 10)
#define MAX_CHUNK_LINE_SIZE 4096

enum { BODY_SIZED, BODY_CHUNKED, BODY_TO_END };

/* Text within what was received; no zero ends it. */
typedef struct {
    const char *at;
    size_t size;
} text_t;

typedef struct {
    int status;
    text_t reason;
    int body;      /* how its end is found */
    size_t length; /* of a BODY_SIZED */
    size_t size;   /* of the head, with the empty line behind it */
    int is_last;   /* the server ends the connection behind the response */
} head_t;

/* ---- Text ---- */

static int bad(const char *why)
{
    en_set_error_message(why);
    return EN_EBADMSG;
}

static text_t trim(text_t text)
{
    while (text.size > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text.at++, text.size--;
    while (text.size > 0 && strchr(" \t\r", text.at[text.size - 1]) != NULL)
        text.size--;
    return text;
}

static int is_text(text_t text, const char *other)
{
    return text.size == strlen(other) && strncasecmp(text.at, other, text.size) == 0;
}

/* Takes what stands before `separator`, or all there is, from the front of `rest`. */
static text_t take_until(text_t *rest, char separator)
{
    const char *end = rest->size > 0 ? memchr(rest->at, separator, rest->size) : NULL;
    const text_t taken = {rest->at, end != NULL ? (size_t)(end - rest->at) : rest->size};
    const size_t used = taken.size + (end != NULL);

    rest->at += used;
    rest->size -= used;
    return taken;
}

/* Whether a list with commas has the word. */
static int has_word(text_t list, const char *word)
{
    while (list.size > 0) {
        if (is_text(trim(take_until(&list, ',')), word))
            return 1;
    }
    return 0;
}

/* Reads a number that is all of the text, no larger than a response may be. */
static int read_size(text_t text, unsigned base, size_t *size)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    *size = 0;
    for (i = 0; i < text.size; i++) {
        const int lower = text.at[i] >= 'A' && text.at[i] <= 'F' ? text.at[i] + 32 : text.at[i];
        const char *digit = memchr(digits, lower, base);
        if (digit == NULL)
            return bad("what should be the size of a body is no number");
        *size = *size * base + (size_t)(digit - digits);
        if (*size > MAX_RESPONSE_SIZE)
            return bad("the body is larger than this program takes");
    }
    return text.size > 0 ? EN_OK : bad("the size of a body is missing");
}

/* ---- The head ---- */

static int read_status_line(text_t line, head_t *head)
{
    const text_t version = take_until(&line, ' ');
    const text_t status = take_until(&line, ' ');
    size_t number;

    if (version.size != 8 || memcmp(version.at, "HTTP/1.", 7) != 0)
        return bad("this is no answer of HTTP/1: is a web server at this port?");
    if (status.size != 3 || read_size(status, 10, &number) < 0 || number < 100)
        return bad("the answer has no status of three digits");
    head->is_last = version.at[7] == '0';
    head->status = (int)number;
    head->reason = trim(line);
    return EN_OK;
}

/* Where bodies end is what attackers like to make ambiguous: two different lengths are refused, and
 * a transfer coding wins over any length. */
static int read_header(text_t name, text_t value, head_t *head, int *has_length)
{
    size_t length;

    if (is_text(name, "Connection")) {
        if (has_word(value, "close"))
            head->is_last = 1;
        else if (has_word(value, "keep-alive"))
            head->is_last = 0;
    } else if (is_text(name, "Transfer-Encoding")) {
        if (!is_text(value, "chunked"))
            return bad("the body is coded in a way that was not asked for");
        head->body = BODY_CHUNKED;
    } else if (is_text(name, "Content-Length")) {
        if (read_size(value, 10, &length) < 0)
            return EN_EBADMSG;
        if (*has_length && length != head->length)
            return bad("the body has two different lengths");
        *has_length = 1;
        head->length = length;
    }
    return EN_OK;
}

/* Reads a head that is complete. */
static int read_head(const char *at, size_t size, head_t *head)
{
    text_t rest = {at, size};
    int has_length = 0, rc;

    memset(head, 0, sizeof(*head));
    head->size = size;
    head->body = BODY_TO_END;
    rc = read_status_line(trim(take_until(&rest, '\n')), head);
    while (rc == EN_OK && rest.size > 0) {
        text_t line = trim(take_until(&rest, '\n'));
        const text_t name = take_until(&line, ':');
        rc = read_header(name, trim(line), head, &has_length);
    }
    if (head->status < 200 || head->status == 204 || head->status == 304) {
        head->body = BODY_SIZED;
        head->length = 0;
    } else if (head->body == BODY_TO_END && has_length) {
        head->body = BODY_SIZED;
    }
    head->is_last |= head->body == BODY_TO_END;
    return rc;
}

/* ---- Chunks ---- */

/* What a look at the next chunk finds, besides errors. */
enum { CHUNK_INCOMPLETE, CHUNK_WHOLE, CHUNK_LAST };

/* Looks at the chunk at the front of `rest`, and takes it if it is there as a whole. */
static int take_chunk(text_t *rest, text_t *data)
{
    text_t behind = *rest, line, size_text;
    size_t size;

    if (rest->size == 0 || memchr(rest->at, '\n', rest->size) == NULL)
        return rest->size > MAX_CHUNK_LINE_SIZE ? bad("a chunk has no size") : CHUNK_INCOMPLETE;
    line = take_until(&behind, '\n');
    size_text = trim(take_until(&line, ';')); /* extensions may follow */
    if (read_size(size_text, 16, &size) < 0)
        return EN_EBADMSG;
    if (size > 0 && behind.size < size + 2)
        return CHUNK_INCOMPLETE;
    if (size > 0 && memcmp(behind.at + size, "\r\n", 2) != 0)
        return bad("a chunk does not end where its size says");
    data->at = behind.at;
    data->size = size;
    rest->at = behind.at + (size > 0 ? size + 2 : 0);
    rest->size = behind.size - (size > 0 ? size + 2 : 0);
    return size > 0 ? CHUNK_WHOLE : CHUNK_LAST;
}

/* ---- The protocol ---- */

/* How far the response was looked through: what arrives later is looked at once. */
typedef struct {
    size_t start; /* interim responses before it */
    size_t at;
    int has_head;
    int has_chunks; /* all of them: trailers follow */
    head_t head;
} http_state_t;

static int http_new_state(void **state, void *user_data)
{
    (void)user_data;
    *state = calloc(1, sizeof(http_state_t));
    if (*state != NULL)
        return EN_CALLBACK_DONE;
    en_set_error_message("out of memory");
    return EN_EUSER_BASE;
}

static void http_free_state(void *state, void *user_data)
{
    (void)user_data;
    free(state);
}

/* The program gives whole requests, which stay where they are until they are sent. */
static int http_encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    size_t i;

    (void)user_data;
    for (i = 0; i < count; i++) {
        if (en_frame_append_borrowed(frame, parts[i].data, parts[i].size) < 0)
            return EN_EBADMSG;
    }
    return EN_CALLBACK_DONE;
}

/* Moves over the head of the next response that is not an interim one. */
static int walk_head(http_state_t *state, const char *data, size_t size)
{
    while (!state->has_head) {
        const char *line = data + state->at;
        const char *end = state->at < size ? memchr(line, '\n', size - state->at) : NULL;
        if (size - state->start > MAX_HEAD_SIZE &&
            (end == NULL || (size_t)(end - data) - state->start > MAX_HEAD_SIZE))
            return bad("the head of the answer does not end");
        if (end == NULL)
            return EN_DECODE_MORE;
        state->at = (size_t)(end - data) + 1;
        if (end - line > 1 || (end - line == 1 && line[0] != '\r'))
            continue;
        if (read_head(data + state->start, state->at - state->start, &state->head) < 0)
            return EN_EBADMSG;
        if (state->head.status >= 200)
            state->has_head = 1;
        else
            state->start = state->at;
    }
    return EN_DECODE_PACKET;
}

/* Moves over lines behind the last chunk, up to the empty one. */
static int walk_trailers(http_state_t *state, text_t rest)
{
    while (rest.size > 0 && memchr(rest.at, '\n', rest.size) != NULL) {
        const text_t line = take_until(&rest, '\n');
        state->at += line.size + 1;
        if (trim(line).size == 0)
            return EN_DECODE_PACKET;
    }
    return EN_DECODE_MORE;
}

static int walk_chunks(http_state_t *state, const char *data, size_t size)
{
    text_t rest = {data + state->at, size - state->at}, chunk;

    while (!state->has_chunks) {
        const int rc = take_chunk(&rest, &chunk);
        state->at = size - rest.size;
        if (rc < 0)
            return rc;
        if (rc == CHUNK_INCOMPLETE)
            return EN_DECODE_MORE;
        state->has_chunks = rc == CHUNK_LAST;
    }
    return walk_trailers(state, rest);
}

static int walk_body(http_state_t *state, const char *data, size_t size, int end_of_stream)
{
    switch (state->head.body) {
    case BODY_CHUNKED:
        return walk_chunks(state, data, size);
    case BODY_SIZED:
        if (size - state->at < state->head.length)
            return EN_DECODE_MORE;
        state->at += state->head.length;
        return EN_DECODE_PACKET;
    default:
        /* With TLS an end is one that the server has said: the library tells a cut from it. */
        state->at = size;
        return end_of_stream ? EN_DECODE_PACKET : EN_DECODE_MORE;
    }
}

static int http_decode(const uint8_t *data, size_t size, int end_of_stream, size_t *used,
                       en_slice_t *packet, void *state, void *user_data)
{
    http_state_t *walk = state;
    int rc = walk_head(walk, (const char *)data, size);

    (void)user_data;
    if (rc == EN_DECODE_PACKET)
        rc = walk_body(walk, (const char *)data, size, end_of_stream);
    if (rc == EN_DECODE_MORE)
        return rc;
    *used = size; /* nobody can know where the next response begins behind a bad one */
    if (rc == EN_DECODE_PACKET) {
        *used = walk->at;
        packet->data = data + walk->start;
        packet->size = walk->at - walk->start;
    }
    memset(walk, 0, sizeof(*walk));
    return rc;
}

static int http_protocol_new(en_stream_protocol_t **out)
{
    en_stream_protocol_callbacks_t callbacks;

    memset(&callbacks, 0, sizeof(callbacks));
    callbacks.struct_size = sizeof(callbacks);
    callbacks.encode = http_encode;
    callbacks.decode = http_decode;
    callbacks.new_state = http_new_state;
    callbacks.free_state = http_free_state;
    return en_stream_protocol_new(out, &callbacks, MAX_RESPONSE_SIZE, NULL, NULL);
}

/* ---- Responses ---- */

/* Reads the head of a response that `http_decode` has let through. */
static void read_response(const en_packet_t *packet, head_t *head)
{
    const char *at = (const char *)packet->data;
    text_t rest = {at, packet->size};

    while (trim(take_until(&rest, '\n')).size > 0)
        continue;
    read_head(at, packet->size - rest.size, head);
}

static void print_body(const en_packet_t *packet, const head_t *head)
{
    text_t rest = {(const char *)packet->data + head->size, packet->size - head->size}, chunk;

    if (head->body != BODY_CHUNKED) {
        fwrite(rest.at, 1, rest.size, stdout);
        return;
    }
    while (take_chunk(&rest, &chunk) == CHUNK_WHOLE)
        fwrite(chunk.at, 1, chunk.size, stdout);
}

#endif
