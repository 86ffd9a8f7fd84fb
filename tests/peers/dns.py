"""The DNS examples, against dnsmasq and against answers that nobody sends but an enemy."""

import struct

import peer
from example import Example, check

# ---- dnsmasq ----


def real_server(example, look_up_large):
    with peer.dnsmasq() as server:
        place = (server.host, server.port)
        for wanted, *question in (
                ("host.test. 0 A 192.0.2.1\n", "host.test"),
                ("host.test. 0 A 192.0.2.1\n", "HOST.test.", "a"),
                ("host.test. 0 AAAA 2001:db8::1\n", "host.test", "AAAA"),
                ("alias.test. 0 CNAME host.test.\n", "alias.test", "CNAME"),
                ("alias.test. 0 CNAME host.test.\nhost.test. 0 A 192.0.2.1\n", "alias.test"),
                ("any.wild.test. 0 A 192.0.2.4\n", "any.wild.test", 1),
                ("mail.test. 0 MX 10 host.test.\n", "mail.test", "MX"),
                ("1.2.0.192.in-addr.arpa. 0 PTR host.test.\n", "1.2.0.192.in-addr.arpa", "PTR")):
            got = example.run(*place, *question)
            check(got.lower() == wanted.lower(), f"{question}: expected\n{wanted}\ngot\n{got}")
        got = example.run(*place, "twice.test")
        check(sorted(got.split("\n")) == ["", "twice.test. 0 A 192.0.2.2", "twice.test. 0 A 192.0.2.3"], got)
        example.expect('text.test. 0 TXT "two words" "say \\"hello\\""\n', *place, "text.test", "TXT")
        look_up_large(example, *place)
        example.complains("no such name", *place, "missing.test")
        example.complains("no record of this type", *place, "twice.test", "AAAA")
        example.complains("name is none", *place, "a..test")
        example.complains("name is none", *place, "a" * 64 + ".test")
        example.complains("name is none", *place, ".".join(["a" * 63] * 4))
        server.stop()
        example.complains(f"{server.host}:{server.port}", *place, "host.test")


# An answer of more than the 512 bytes that a datagram may have for those who do not ask for more.
def large_tcp(example, *place):
    texts = " ".join(f'"{text}"' for text in peer.LARGE_TEXTS)
    example.expect(f"large.test. 0 TXT {texts}\n", *place, "large.test", "TXT")


def large_udp(example, *place):
    example.complains("does not fit into a datagram", *place, "large.test", "TXT")


# ---- Answers by hand ----

def question(name=b"\1a\4test\0", type_=1):
    return name + struct.pack(">HH", type_, 1)


QUERY_SIZE = 12 + len(question())


def message(query, records, count=None, flags=0x8180, id_change=0, questions=(question(),)):
    id_ = struct.unpack_from(">H", query)[0] ^ id_change
    count = len(records) if count is None else count
    return b"".join([struct.pack(">6H", id_, flags, len(questions), count, 0, 0), *questions, *records])


def record(type_, data, name=b"\xc0\x0c", size=None):
    return name + struct.pack(">HHIH", type_, 1, 60, len(data) if size is None else size) + data


def framed(text):
    return struct.pack(">H", len(text)) + text


def tcp(*records, pieces=False, **how):
    def send(query):
        answer = framed(message(query[2:], records, **how))
        return [bytes([byte]) for byte in answer] if pieces else [answer]
    return peer.Script(2 + QUERY_SIZE, send)


def udp(*records, **how):
    return peer.DatagramScript(lambda query: [message(query, records, **how)])


GOOD = record(1, b"\xc0\0\2\1")
PRINTED = "a.test. 60 A 192.0.2.1\n"


def odd_answers(example, script):
    """Good ones, but unusual; and those that are damaged everywhere."""
    with script(GOOD, questions=[question(b"\1A\4Test\0")]) as server:
        example.expect(PRINTED.replace("a.test", "A.Test"), server.host, server.port, "a.test")
    odd = record(16, b"\3a\"\0\0\1\\")
    with script(odd, record(99, b"xyz"), record(5, b"\3b.c\xc0\x0c")) as server:
        example.expect('a.test. 60 TXT "a\\"\\000" "" "\\\\"\na.test. 60 TYPE99 (3 bytes)\n'
                       "a.test. 60 CNAME b\\.c.a.test.\n", server.host, server.port, "a.test")

    pointer = struct.pack(">H", 0xc000 | QUERY_SIZE)  # to where the first record begins
    damaged = (
        script(GOOD, count=2),                               # fewer records than promised
        script(record(1, b"\1\2\3")),                        # too short for an address
        script(record(1, b"\1\2\3\4\5")),                    # too long for one
        script(record(1, b"", size=4)),                      # data behind the end
        script(record(1, b"", size=65535)),
        script(record(16, b"\5ab")),                         # a text longer than its record
        script(record(15, b"\0")),                           # no room for the number
        script(record(5, b"\1x")),                           # a name without an end
        script(record(5, b"\xc0")),                          # half a pointer
        script(record(1, b"\1\2\3\4", name=pointer)),        # a name that points to itself
        script(record(1, b"\1\2\3\4", name=b"\1x" + pointer)),
        script(record(1, b"\1\2\3\4", name=b"\xff\xff")),    # ... behind the end
        script(record(1, b"\1\2\3\4", name=b"\x40" + b"x" * 64 + b"\0")),  # a kind of label that is none
        script(record(1, b"\1\2\3\4", name=(b"\x3f" + b"x" * 63) * 4 + b"\0")),  # too long
        script(b"\xc0"),
        script(count=65535))
    for number, server in enumerate(damaged):
        with server:
            got = example.run(server.host, server.port, "a.test", status=1)
            check("the answer is damaged" in got, f"damaged answer {number}: {got}")

    for server, wanted in (
            (script(flags=0x8182), "the server failed"), (script(flags=0x8185), "refuses"),
            (script(flags=0x8181, questions=()), "no query"), (script(flags=0x818b), "code 11")):
        with server:
            example.complains(wanted, server.host, server.port, "a.test")


def no_answers(query):
    """What must not be taken for an answer to `query`."""
    return [message(query, [GOOD], id_change=1),
            message(query, [GOOD], flags=0x0180),
            message(query, [GOOD], questions=()),
            message(query, [GOOD], questions=[question(b"\1b\4test\0")]),
            message(query, [GOOD], questions=[question(type_=28)]),
            message(query, [GOOD], questions=[question(), question()]),
            message(query, [])[:QUERY_SIZE - 1], b"abcd", b""]


def no_answers_tcp(example):
    for number in range(len(no_answers(bytes(QUERY_SIZE)))):
        with peer.Script(2 + QUERY_SIZE, lambda query, n=number: [framed(no_answers(query[2:])[n])]) as server:
            example.complains("no answer", server.host, server.port, "a.test")
    for answer, wanted in (([b"\0\x10half of it"], "in the middle"), ([], "ended")):
        with peer.Script(2 + QUERY_SIZE, lambda _query, answer=answer: answer) as server:
            example.complains(wanted, server.host, server.port, "a.test")


def no_answers_udp(example):
    # They are passed over, and do not cost a try.
    with peer.DatagramScript(lambda query: no_answers(query) + [message(query, [GOOD])]) as server:
        example.expect(PRINTED, server.host, server.port, "a.test")
        check(len(server.questions) == 1, f"asked {len(server.questions)} times")

    # The first query is lost: the same again.
    def lossy(query):
        return [message(query, [GOOD])] if len(server.questions) == 2 else []
    with peer.DatagramScript(lossy) as server:
        example.expect(PRINTED, server.host, server.port, "a.test")
        check(server.questions == server.questions[:1] * 2, f"asked {server.questions}")

    # Nobody answers; what is no answer does not make the wait longer.
    with peer.DatagramScript(no_answers) as server:
        example.complains("tried 3 times", server.host, server.port, "a.test")
        check(server.questions == server.questions[:1] * 3, f"asked {server.questions}")


# ---- The tests ----

def usage(example):
    example.complains("usage", "127.0.0.1", 53, status=2)
    example.complains("port is none", "127.0.0.1", 0, "a.test", status=2)
    example.complains("type is none", "127.0.0.1", 53, "a.test", "NONE", status=2)


def dns_tcp(path):
    example = Example(path)
    real_server(example, large_tcp)
    with tcp(GOOD, pieces=True) as server:
        example.expect(PRINTED, server.host, server.port, "a.test")
    odd_answers(example, tcp)
    no_answers_tcp(example)
    usage(example)


def dns_udp(path):
    example = Example(path)
    real_server(example, large_udp)
    odd_answers(example, udp)
    no_answers_udp(example)
    usage(example)
