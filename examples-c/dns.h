/*
 * DNS messages for dns_tcp.c, dns_tls.c and dns_udp.c: the arguments, the query, the answer and its
 * print. RFC 1035. Who includes this has defined PROGRAM, its name in complaints, and USAGE if it
 * takes more arguments.
 */
#ifndef DNS_H
#define DNS_H

#include <arpa/inet.h>
#include <easynet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>

#ifndef USAGE
#define USAGE "SERVER PORT NAME [TYPE]"
#endif

#define HEADER_SIZE 12
#define MAX_NAME_SIZE 255 /* on the wire */
#define MAX_LABEL_SIZE 63
#define MAX_QUERY_SIZE (HEADER_SIZE + MAX_NAME_SIZE + 4)
#define NAME_TEXT_SIZE (4 * MAX_NAME_SIZE + 1) /* each byte may become \DDD */
#define CLASS_IN 1
#define IS_RESPONSE 0x8000

enum {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_PTR = 12,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_AAAA = 28
};

static const struct {
    const char *name;
    unsigned number;
} types[] = {
    {"A", TYPE_A},     {"AAAA", TYPE_AAAA}, {"CNAME", TYPE_CNAME}, {"NS", TYPE_NS},
    {"PTR", TYPE_PTR}, {"MX", TYPE_MX},     {"TXT", TYPE_TXT},
};

/* A message, and how far it is read. Reading behind the end makes it bad, and answers zeros. */
typedef struct {
    const uint8_t *data;
    size_t size;
    size_t at;
    int bad;
} reader_t;

typedef struct {
    unsigned id;
    unsigned flags;
    unsigned questions;
    unsigned answers;
} header_t;

typedef struct {
    char name[NAME_TEXT_SIZE];
    unsigned type;
    unsigned class;
} question_t;

typedef struct {
    char name[NAME_TEXT_SIZE];
    unsigned type;
    unsigned class;
    unsigned long ttl;
    size_t size; /* of the data, which begins at the reader */
} record_t;

/* ---- Reading ---- */

static const uint8_t *read_bytes(reader_t *reader, size_t size)
{
    const uint8_t *bytes = reader->data + reader->at;

    if (reader->bad || reader->size - reader->at < size) {
        reader->bad = 1;
        return NULL;
    }
    reader->at += size;
    return bytes;
}

static unsigned read_u8(reader_t *reader)
{
    const uint8_t *bytes = read_bytes(reader, 1);

    return bytes != NULL ? bytes[0] : 0;
}

static unsigned read_u16(reader_t *reader)
{
    const unsigned high = read_u8(reader);

    return high << 8 | read_u8(reader);
}

static unsigned long read_u32(reader_t *reader)
{
    const unsigned long high = read_u16(reader);

    return high << 16 | read_u16(reader);
}

/* Writes bytes as name servers' files have them: \. for a dot inside a label, \DDD for the odd. */
static char *escape(char *text, const uint8_t *bytes, size_t size, const char *special)
{
    size_t i;

    for (i = 0; i < size; i++) {
        if (bytes[i] < ' ' || bytes[i] > '~') {
            text += sprintf(text, "\\%03u", bytes[i]);
        } else {
            if (strchr(special, bytes[i]) != NULL)
                *text++ = '\\';
            *text++ = (char)bytes[i];
        }
    }
    return text;
}

/*
 * Reads a name into NAME_TEXT_SIZE bytes. A pointer must lead to what stands before it, and the
 * whole name is limited: so it ends, whatever the server sends.
 */
static void read_name(reader_t *reader, char *text)
{
    reader_t label = *reader;
    size_t wire_size = 1, before = reader->at;
    int jumped = 0;
    char *end = text;

    for (;;) {
        const unsigned length = read_u8(&label);
        if (length >= 0xc0) {
            const size_t target = (size_t)(length & 0x3f) << 8 | read_u8(&label);
            if (!jumped)
                reader->at = label.at;
            jumped = 1;
            label.bad |= target >= before;
            label.at = before = label.bad ? label.at : target;
        } else if (length > 0) {
            const uint8_t *bytes = read_bytes(&label, length);
            wire_size += length + 1;
            label.bad |= length > MAX_LABEL_SIZE || wire_size > MAX_NAME_SIZE;
            if (!label.bad) {
                end = escape(end, bytes, length, ".\\");
                *end++ = '.';
            }
        }
        if (label.bad || length == 0)
            break;
    }
    if (end == text)
        *end++ = '.';
    *end = '\0';
    if (!jumped)
        reader->at = label.at;
    reader->bad |= label.bad;
}

static void read_header(reader_t *reader, header_t *header)
{
    header->id = read_u16(reader);
    header->flags = read_u16(reader);
    header->questions = read_u16(reader);
    header->answers = read_u16(reader);
    read_bytes(reader, 4); /* how many of what comes behind the answers */
}

static void read_question(reader_t *reader, question_t *question)
{
    read_name(reader, question->name);
    question->type = read_u16(reader);
    question->class = read_u16(reader);
}

static void read_record(reader_t *reader, record_t *record)
{
    read_name(reader, record->name);
    record->type = read_u16(reader);
    record->class = read_u16(reader);
    record->ttl = read_u32(reader);
    record->size = read_u16(reader);
    reader->bad |= reader->size - reader->at < record->size;
}

/* ---- Asking ---- */

static void write_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Writes a name as labels; answers their size, 0 if it is no name. */
static size_t write_name(uint8_t *out, const char *name)
{
    size_t size = 0;

    if (strcmp(name, ".") == 0)
        name = "";
    while (*name != '\0') {
        const size_t length = strcspn(name, ".");
        if (length == 0 || length > MAX_LABEL_SIZE || size + length + 2 > MAX_NAME_SIZE)
            return 0;
        out[size] = (uint8_t)length;
        memcpy(out + size + 1, name, length);
        size += length + 1;
        name += length;
        if (*name == '.')
            name++;
    }
    out[size] = 0;
    return size + 1;
}

/* Writes a query with one question; answers its size, 0 if the name is none. */
static size_t write_query(uint8_t *out, unsigned id, const char *name, unsigned type)
{
    const size_t name_size = write_name(out + HEADER_SIZE, name);

    if (name_size == 0)
        return 0;
    memset(out, 0, HEADER_SIZE);
    write_u16(out, id);
    out[2] = 1; /* recursion desired */
    write_u16(out + 4, 1);
    write_u16(out + HEADER_SIZE + name_size, type);
    write_u16(out + HEADER_SIZE + name_size + 2, CLASS_IN);
    return HEADER_SIZE + name_size + 4;
}

/* ---- Printing ---- */

static const char *type_name(unsigned type, char *text, size_t size)
{
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].number == type)
            return types[i].name;
    }
    snprintf(text, size, "TYPE%u", type);
    return text;
}

static void print_address(reader_t *reader, int family, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    const uint8_t *bytes = read_bytes(reader, size);

    if (bytes != NULL && inet_ntop(family, bytes, text, sizeof(text)) != NULL)
        fputs(text, stdout);
}

static void print_texts(reader_t *reader)
{
    char text[4 * 255 + 1];
    const char *space = "";

    while (reader->at < reader->size && !reader->bad) {
        const size_t size = read_u8(reader);
        const uint8_t *bytes = read_bytes(reader, size);
        if (bytes != NULL) {
            *escape(text, bytes, size, "\"\\") = '\0';
            printf("%s\"%s\"", space, text);
        }
        space = " ";
    }
}

/* Prints the data of a record; `data` ends where they do. */
static void print_data(reader_t *data, unsigned type)
{
    char name[NAME_TEXT_SIZE];

    switch (type) {
    case TYPE_A:
        print_address(data, AF_INET, 4);
        break;
    case TYPE_AAAA:
        print_address(data, AF_INET6, 16);
        break;
    case TYPE_MX:
        printf("%u ", read_u16(data));
        /* fall through */
    case TYPE_CNAME:
    case TYPE_NS:
    case TYPE_PTR:
        read_name(data, name);
        fputs(data->bad ? "" : name, stdout);
        break;
    case TYPE_TXT:
        print_texts(data);
        break;
    default:
        printf("(%zu bytes)", data->size - data->at);
        data->at = data->size;
    }
    data->bad |= data->at != data->size;
}

static void print_record(reader_t *reader, const record_t *record)
{
    char type[16];
    reader_t data = *reader;

    data.size = reader->at + record->size;
    printf("%s %lu %s ", record->name, record->ttl, type_name(record->type, type, sizeof(type)));
    print_data(&data, record->type);
    printf("%s\n", data.bad ? "(damaged)" : "");
    reader->at += record->size;
    reader->bad |= data.bad;
}

/* ---- Complaints ---- */

static int complain(const char *what)
{
    fflush(stdout);
    fprintf(stderr, PROGRAM ": %s\n", what);
    return 1;
}

static int fail(void)
{
    return complain(en_last_error_message());
}

static int fail_with_code(const char *name, unsigned code)
{
    static const char *const reasons[] = {
        "no error",
        "the server says that the query is no query",
        "the server failed",
        "no such name",
        "the server does not know this kind of query",
        "the server refuses to answer",
    };

    if (code < sizeof(reasons) / sizeof(reasons[0]))
        fprintf(stderr, PROGRAM ": %s: %s\n", name, reasons[code]);
    else
        fprintf(stderr, PROGRAM ": %s: the server answers with code %u\n", name, code);
    return 1;
}

/* ---- The lookup ---- */

typedef struct {
    const char *host; /* of the server */
    uint16_t port;
    const char *name;
    unsigned type;
} lookup_t;

typedef struct {
    uint8_t data[MAX_QUERY_SIZE];
    size_t size;
} query_t;

/* A number from 1 to 65535, or 0. */
static unsigned parse_u16(const char *text)
{
    char *end;
    const long value = strtol(text, &end, 10);

    return end != text && *end == '\0' && value >= 1 && value <= 65535 ? (unsigned)value : 0;
}

static unsigned parse_type(const char *text)
{
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcasecmp(types[i].name, text) == 0)
            return types[i].number;
    }
    return parse_u16(text);
}

static int parse_arguments(int argc, char **argv, lookup_t *lookup)
{
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: " PROGRAM " " USAGE "\n");
        return 2;
    }
    lookup->host = argv[1];
    lookup->port = (uint16_t)parse_u16(argv[2]);
    lookup->name = argv[3];
    lookup->type = parse_type(argc == 5 ? argv[4] : "A");
    if (lookup->port == 0 || lookup->type == 0) {
        complain(lookup->port == 0
                     ? "the port is none: give a number from 1 to 65535"
                     : "the type is none: give A, AAAA, CNAME, NS, PTR, MX, TXT or a number");
        return 2;
    }
    return 0;
}

/* The number of a query is random, so that nobody who does not see it can answer in time. */
static int make_query(query_t *query, const lookup_t *lookup)
{
    uint16_t id;

    if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
        return complain("the system has no random numbers");
    query->size = write_query(query->data, id, lookup->name, lookup->type);
    if (query->size == 0)
        return complain("the name is none: labels have from 1 to 63 bytes, all together 255");
    return 0;
}

/* ---- The answer ---- */

static int is_same_question(reader_t *one, reader_t *other)
{
    question_t asked, repeated;

    read_question(one, &asked);
    read_question(other, &repeated);
    return !one->bad && !other->bad && asked.type == repeated.type &&
           asked.class == repeated.class && strcasecmp(asked.name, repeated.name) == 0;
}

/* An answer has the number of the query and repeats its question. Who calls a query no query may
 * leave the question out. */
static int is_answer(const en_packet_t *packet, const query_t *query)
{
    reader_t asked = {query->data, query->size, 0, 0};
    reader_t reader = {packet->data, packet->size, 0, 0};
    header_t query_header, header;

    read_header(&asked, &query_header);
    read_header(&reader, &header);
    if (reader.bad || header.id != query_header.id || (header.flags & IS_RESPONSE) == 0)
        return 0;
    if (header.questions == 0)
        return (header.flags & 0xf) != 0;
    return header.questions == 1 && is_same_question(&asked, &reader);
}

/* Prints the records of what `is_answer` has let through. */
static int print_answer(const en_packet_t *packet, const char *name)
{
    reader_t reader = {packet->data, packet->size, 0, 0};
    header_t header;
    question_t question;
    record_t record;

    read_header(&reader, &header);
    if ((header.flags & 0xf) != 0)
        return fail_with_code(name, header.flags & 0xf);
    read_question(&reader, &question);
    if (header.answers == 0)
        return complain("the name exists, but has no record of this type");
    for (; header.answers > 0 && !reader.bad; header.answers--) {
        read_record(&reader, &record);
        if (!reader.bad)
            print_record(&reader, &record);
    }
    return reader.bad ? complain("the answer is damaged: it ends or points where it must not") : 0;
}

#endif
