/*
 * RESP, the protocol of Redis, made of callbacks; and its values as text.
 *
 * A packet is one whole RESP value, in both directions: "+OK\r\n", "$5\r\nhello\r\n", or an array
 * with everything in it. Packets are handed on where they were received, without a copy.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
#ifndef RESP_H
#define RESP_H

#include <easynet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PACKET_SIZE ((size_t)64 << 20)

/* Arrays in arrays: nobody sends more, and what prints them calls itself. */
#define MAX_DEPTH 32

/* ---- The protocol ---- */

/* How far a value was looked through: what arrives later is looked at once. */
typedef struct {
    size_t size;               /* bytes of the value that are complete */
    size_t depth;              /* arrays around what comes next */
    size_t missing[MAX_DEPTH]; /* elements that each of them still lacks */
} resp_state_t;

static int resp_new_state(void **state, void *user_data)
{
    (void)user_data;
    *state = calloc(1, sizeof(resp_state_t));
    if (*state != NULL)
        return EN_CALLBACK_DONE;
    en_set_error_message("out of memory");
    return EN_EUSER_BASE;
}

static void resp_free_state(void *state, void *user_data)
{
    (void)user_data;
    free(state);
}

/* The program gives whole values, which stay where they are until they are sent. */
static int resp_encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    size_t i;

    (void)user_data;
    for (i = 0; i < count; i++) {
        if (en_frame_append_borrowed(frame, parts[i].data, parts[i].size) < 0)
            return EN_EBADMSG;
    }
    return EN_CALLBACK_DONE;
}

static int bad(const char *why)
{
    en_set_error_message(why);
    return EN_EBADMSG;
}

/* A decimal number that fills `size` bytes. */
static int parse_number(const uint8_t *text, size_t size, long long *number)
{
    const int negative = size > 0 && text[0] == '-';
    long long value = 0;
    size_t i = size > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;

    if (i == size)
        return 0;
    for (; i < size; i++) {
        const int digit = text[i] - '0';
        if (digit < 0 || digit > 9 || value < (LLONG_MIN + digit) / 10)
            return 0;
        value = value * 10 - digit; /* downwards, where there is room for the smallest one */
    }
    if (!negative && value == LLONG_MIN)
        return 0;
    *number = negative ? value : -value;
    return 1;
}

static int is_one_of(uint8_t byte, const char *set)
{
    return byte != '\0' && strchr(set, byte) != NULL;
}

/* Counts an element that is complete, and every array that it completes. */
static void close_element(resp_state_t *state)
{
    while (state->depth > 0 && --state->missing[state->depth - 1] == 0)
        state->depth--;
}

/* Moves over `size` bytes that follow the line, and their line end. */
static int walk_bulk(resp_state_t *state, const uint8_t *rest, size_t there, size_t line,
                     size_t size)
{
    if (there < 2 || there - 2 < size)
        return EN_DECODE_MORE;
    if (rest[size] != '\r' || rest[size + 1] != '\n')
        return bad("a bulk string does not end where its length says");
    state->size += line + size + 2;
    close_element(state);
    return EN_DECODE_PACKET;
}

/* Goes into an array. */
static int walk_array(resp_state_t *state, size_t line, size_t count)
{
    if (state->depth == MAX_DEPTH)
        return bad("arrays are nested too deeply");
    state->missing[state->depth++] = count;
    state->size += line;
    return EN_DECODE_PACKET;
}

/* Moves over one element; `size` bytes are there behind what was already moved over. */
static int walk_element(resp_state_t *state, const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    long long number = 0;
    size_t line;

    if (end == NULL)
        return EN_DECODE_MORE;
    line = (size_t)(end - data) + 1;
    if (line < 3 || end[-1] != '\r')
        return bad("a line is empty or does not end with CR LF");
    if (!is_one_of(data[0], "+-:$*"))
        return bad("a value begins with a byte that RESP does not know: is this a Redis server?");
    if (is_one_of(data[0], ":$*") && !parse_number(data + 1, line - 3, &number))
        return bad("what should be a number is none");
    if (is_one_of(data[0], "$*") && (number < -1 || number > INT_MAX))
        return bad("a length is out of range");

    if (data[0] == '$' && number >= 0)
        return walk_bulk(state, end + 1, size - line, line, (size_t)number);
    if (data[0] == '*' && number > 0)
        return walk_array(state, line, (size_t)number);
    state->size += line;
    close_element(state);
    return EN_DECODE_PACKET;
}

static int resp_decode(const uint8_t *data, size_t size, int end_of_stream, size_t *used,
                       en_slice_t *packet, void *state, void *user_data)
{
    resp_state_t *walk = state;
    int rc;

    (void)end_of_stream;
    (void)user_data;
    do
        rc = walk_element(walk, data + walk->size, size - walk->size);
    while (rc == EN_DECODE_PACKET && walk->depth > 0);

    if (rc == EN_DECODE_MORE)
        return rc;
    *used = size; /* nobody can know where the next value begins behind a bad one */
    if (rc == EN_DECODE_PACKET) {
        *used = walk->size;
        packet->data = data;
        packet->size = walk->size;
    }
    memset(walk, 0, sizeof(*walk));
    return rc;
}

static int resp_protocol_new(en_stream_protocol_t **out)
{
    en_stream_protocol_callbacks_t callbacks;

    memset(&callbacks, 0, sizeof(callbacks));
    callbacks.struct_size = sizeof(callbacks);
    callbacks.encode = resp_encode;
    callbacks.decode = resp_decode;
    callbacks.new_state = resp_new_state;
    callbacks.free_state = resp_free_state;
    return en_stream_protocol_new(out, &callbacks, MAX_PACKET_SIZE, NULL, NULL);
}

/* ---- Values as text ---- */

static void print_string(const uint8_t *text, size_t size)
{
    size_t i;

    putchar('"');
    for (i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            printf("\\%c", text[i]);
        else if (text[i] < ' ' || text[i] > '~')
            printf("\\x%02x", text[i]);
        else
            putchar(text[i]);
    }
    putchar('"');
}

static const uint8_t *print_value(const uint8_t *at, const uint8_t *end, int indent);

static const uint8_t *print_array(const uint8_t *at, const uint8_t *end, long long count,
                                  int indent)
{
    long long i;

    for (i = 1; i <= count; i++) {
        const int width = printf("%*s%lld) ", i == 1 ? 0 : indent, "", i);
        at = print_value(at, end, i == 1 ? indent + width : width);
    }
    return at;
}

/* Prints a value that `resp_decode` has let through; answers where the next one begins. */
static const uint8_t *print_value(const uint8_t *at, const uint8_t *end, int indent)
{
    const uint8_t *next = (const uint8_t *)memchr(at, '\n', (size_t)(end - at)) + 1;
    const uint8_t *text = at + 1;
    const int length = (int)(next - 2 - text);
    long long number = 0;

    parse_number(text, (size_t)length, &number);
    if (at[0] == '*' && number > 0)
        return print_array(next, end, number, indent);
    if (at[0] == '$' && number >= 0) {
        print_string(next, (size_t)number);
        next += number + 2;
    } else if (at[0] == '*' && number == 0) {
        printf("(empty array)");
    } else if (at[0] == '$' || at[0] == '*') {
        printf("(nil)");
    } else {
        printf("%s%.*s",
               at[0] == '-'   ? "(error) "
               : at[0] == ':' ? "(integer) "
                              : "",
               length, text);
    }
    putchar('\n');
    return next;
}

static void print_answer(const en_packet_t *answer)
{
    print_value(answer->data, answer->data + answer->size, 0);
}

#endif
