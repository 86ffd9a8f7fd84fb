"""Runs an example program against the real server that it is made for.

    run.py redis|dns EXAMPLE
    run.py quickstart EXAMPLE ECHO_SERVER

EASYNET_WRAPPER, if set, is a command that the example is run under, such as valgrind.
"""

import os
import shlex
import struct
import subprocess
import sys

import peer
from peer import PATIENCE, Failure

WRAPPER = shlex.split(os.environ.get("EASYNET_WRAPPER", ""))


def check(condition, what):
    if not condition:
        raise Failure(what)


class Example:
    def __init__(self, path):
        self._path = path

    def run(self, *words, status=0):
        """What it prints: to the output if `status` is 0, else to the error output."""
        done = subprocess.run(WRAPPER + [self._path, *map(str, words)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE * 5, check=False)
        said = f"{' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}"
        check(done.returncode == status, f"expected status {status}, got {said}")
        check(status != 0 or not done.stderr, f"errors without a bad status: {said}")
        return done.stderr if status else done.stdout

    def expect(self, wanted, *words):
        got = self.run(*words)
        check(got == wanted, f"{' '.join(map(str, words))}: expected\n{wanted}\ngot\n{got}")

    def complains(self, wanted, *words, status=1):
        got = self.run(*words, status=status)
        check(wanted in got and got.count("\n") == 1,
              f"{' '.join(map(str, words))}: expected one line with \"{wanted}\", got\n{got}")


# ---- Redis ----

SESSION = """\
> PING
PONG
> SET easynet:greeting "hello, redis"
OK
> GET easynet:greeting
"hello, redis"
> GET easynet:nothing
(nil)
> DEL easynet:fruit easynet:visits
(integer) 0
> LPUSH easynet:fruit apple pear plum
(integer) 3
> LRANGE easynet:fruit 0 -1
1) "plum"
2) "pear"
3) "apple"
> LPUSH easynet:greeting "a string is no list"
(error) WRONGTYPE Operation against a key holding the wrong kind of value
-- 8 commands in one go --
> INCR easynet:visits
(integer) 1
> MULTI
OK
> INCR easynet:visits
QUEUED
> LRANGE easynet:fruit 0 -1
QUEUED
> LRANGE easynet:nothing 0 -1
QUEUED
> GET easynet:nothing
QUEUED
> EXEC
1) (integer) 2
2) 1) "plum"
   2) "pear"
   3) "apple"
3) (empty array)
4) (nil)
> DEL easynet:greeting easynet:fruit easynet:visits
(integer) 3
"""


def redis_server(example):
    with peer.redis() as server:
        place = (server.host, server.port)
        example.expect(SESSION, *place)
        example.expect("> DBSIZE\n(integer) 0\n", *place, "DBSIZE")
        large = "x" * 100000
        example.expect(f"> SET large {large}\nOK\n", *place, "SET", "large", large)
        example.expect(f'> GET large\n"{large}"\n', *place, "GET", "large")
        example.expect('> SET odd a"b\\c\u00e9\nOK\n', *place, "SET", "odd", 'a"b\\c\u00e9')
        example.expect('> GET odd\n"a\\"b\\\\c\\xc3\\xa9"\n', *place, "GET", "odd")
        script = "return {1, {2, {3, {}}, false}, redis.status_reply('fine'), redis.error_reply('BAD luck')}"
        example.expect(f'> EVAL "{script}" 0\n1) (integer) 1\n2) 1) (integer) 2\n   2) 1) (integer) 3\n'
                       "      2) (empty array)\n   3) (nil)\n3) fine\n4) (error) BAD luck\n",
                       *place, "EVAL", script, 0)
        server.stop()
        example.complains(f"{server.host}:{server.port}", *place, "PING")


def redis_script(example):
    """Answers that a real server gives on a bad day only."""

    def answers(*pieces):
        return peer.Script(1, lambda _question: pieces)

    def whole(answer, printed):
        one_by_one = [bytes([byte]) for byte in answer]
        for pieces in ([answer], one_by_one):
            with answers(*pieces) as server:
                example.expect("> PING\n" + printed, server.host, server.port, "PING")

    whole(b"*2\r\n*-1\r\n*2\r\n$0\r\n\r\n:-9223372036854775808\r\n",
          '1) (nil)\n2) 1) ""\n   2) (integer) -9223372036854775808\n')

    deep = b"*1\r\n" * 32 + b":7\r\n"
    with answers(deep) as server:
        check("(integer) 7" in example.run(server.host, server.port, "PING"), "32 arrays in each other")

    for answer, wanted in (
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is this a Redis server?"),
            (b"\0\r\n", "is this a Redis server?"),
            (b":12x\r\n", "none"), (b":\r\n", "none"), (b":9223372036854775808\r\n", "none"),
            (b"$-2\r\n", "out of range"), (b"*99999999999\r\n", "out of range"),
            (b"$3\r\nabcde\r\n", "does not end"), (b"$3\r\nabcx\n", "does not end"), (b"\n", "line"), (b"+OK\n", "line"),
            (b"*1\r\n" * 33, "nested"), (b"*2147483647\r\n:1\r\n", "in the middle"), (b"$5\r\nab", "in the middle"),
            (b"", "ended")):
        with answers(answer) as server:
            example.complains(wanted, server.host, server.port, "PING")


def redis(path):
    example = Example(path)
    redis_server(example)
    redis_script(example)
    example.complains("usage", status=2)
    example.complains("no port", "127.0.0.1", "65536", status=2)
    example.complains("no port", "127.0.0.1", "6379x", status=2)


# ---- DNS ----

def dns_server(example):
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
        example.complains("no such name", *place, "missing.test")
        example.complains("no record of this type", *place, "twice.test", "AAAA")
        example.complains("name is none", *place, "a..test")
        example.complains("name is none", *place, "a" * 64 + ".test")
        example.complains("name is none", *place, ".".join(["a" * 63] * 4))
        server.stop()
        example.complains(f"{server.host}:{server.port}", *place, "host.test")


QUESTION = b"\1a\4test\0" + struct.pack(">HH", 1, 1)


def dns_message(query, records, count=None, flags=0x8180, id_change=0):
    id_ = struct.unpack_from(">H", query, 2)[0] ^ id_change
    message = struct.pack(">6H", id_, flags, 1, len(records) if count is None else count, 0, 0) + QUESTION
    message += b"".join(records)
    return struct.pack(">H", len(message)) + message


def dns_record(type_, data, name=b"\xc0\x0c", size=None):
    return name + struct.pack(">HHIH", type_, 1, 60, len(data) if size is None else size) + data


def dns_script(example):
    """Answers that nobody sends but an enemy."""
    size = 2 + 12 + len(QUESTION)

    def answers(*records, pieces=False, **how):
        def send(query):
            message = dns_message(query, records, **how)
            return [bytes([byte]) for byte in message] if pieces else [message]
        return peer.Script(size, send)

    good = dns_record(1, b"\xc0\0\2\1")
    for server in (answers(good), answers(good, pieces=True)):
        with server:
            example.expect("a.test. 60 A 192.0.2.1\n", server.host, server.port, "a.test")
    odd = dns_record(16, b"\3a\"\0\0\1\\")
    with answers(odd, dns_record(99, b"xyz"), dns_record(5, b"\3b.c\xc0\x0c")) as server:
        example.expect('a.test. 60 TXT "a\\"\\000" "" "\\\\"\na.test. 60 TYPE99 (3 bytes)\n'
                       "a.test. 60 CNAME b\\.c.a.test.\n", server.host, server.port, "a.test")

    itself = size - 2  # where the first record begins in the message
    pointer = struct.pack(">H", 0xc000 | itself)
    damaged = (
        answers(good, count=2),                               # fewer records than promised
        answers(dns_record(1, b"\1\2\3")),                    # too short for an address
        answers(dns_record(1, b"\1\2\3\4\5")),                # too long for one
        answers(dns_record(1, b"", size=4)),                  # data behind the end
        answers(dns_record(1, b"", size=65535)),
        answers(dns_record(16, b"\5ab")),                     # a text longer than its record
        answers(dns_record(15, b"\0")),                       # no room for the number
        answers(dns_record(5, b"\1x")),                       # a name without an end
        answers(dns_record(5, b"\xc0")),                      # half a pointer
        answers(dns_record(1, b"\1\2\3\4", name=pointer)),    # a name that points to itself
        answers(dns_record(1, b"\1\2\3\4", name=b"\1x" + pointer)),
        answers(dns_record(1, b"\1\2\3\4", name=b"\xff\xff")),  # ... behind the end
        answers(dns_record(1, b"\1\2\3\4", name=b"\x40" + b"x" * 64 + b"\0")),  # a kind of label that is none
        answers(dns_record(1, b"\1\2\3\4", name=(b"\x3f" + b"x" * 63) * 4 + b"\0")),  # too long
        answers(b"\xc0"),
        answers(count=65535))
    for number, server in enumerate(damaged):
        with server:
            got = example.run(server.host, server.port, "a.test", status=1)
            check("the answer is damaged" in got, f"damaged answer {number}: {got}")

    for server, wanted in (
            (answers(good, id_change=1), "no answer"), (answers(good, flags=0x0180), "no answer"),
            (answers(flags=0x8182), "the server failed"), (answers(flags=0x8185), "refuses"),
            (answers(flags=0x818b), "code 11"),
            (peer.Script(size, lambda _query: [b"\0\4abcd"]), "no answer"),
            (peer.Script(size, lambda _query: [b"\0\0"]), "no answer"),
            (peer.Script(size, lambda _query: [b"\0\x10half of it"]), "in the middle"),
            (peer.Script(size, lambda _query: []), "ended")):
        with server:
            example.complains(wanted, server.host, server.port, "a.test")


def dns(path):
    example = Example(path)
    dns_server(example)
    dns_script(example)
    example.complains("usage", "127.0.0.1", 53, status=2)
    example.complains("port is none", "127.0.0.1", 0, "a.test", status=2)
    example.complains("type is none", "127.0.0.1", 53, "a.test", "NONE", status=2)


# ---- The project's own echo server ----

def quickstart(path, echo_path):
    example = Example(path)
    with peer.echo_server(echo_path) as server:
        got = example.run(server.host, server.port)
        check("{" in got and "}" in got, f"no JSON in what quickstart prints:\n{got}")
        server.stop()
        got = example.run(server.host, server.port, status=1)
        check(f"{server.host}:{server.port}" in got, f"the address is not in the complaint:\n{got}")


def main():
    tests = {"redis": redis, "dns": dns, "quickstart": quickstart}
    try:
        tests[sys.argv[1]](*sys.argv[2:])
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
    print("ok")


main()
