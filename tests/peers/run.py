"""Runs an example program, or a test program, against the real server that it is made for.

    run.py redis|dns_tcp|dns_udp EXAMPLE
    run.py quickstart|fanout EXAMPLE ECHO_SERVER
    run.py dbus|syslog TEST
    run.py pipe_endpoint|coroutine_wait|line_server|keep_connected EXAMPLE
    run.py nginx|tls_poll|dns_tls|tls_server EXAMPLE CERTIFICATES
    run.py openssl|gnutls PROBE CERTIFICATES
    run.py redis_tls EXAMPLE PROBE CERTIFICATES
    run.py glib|libuv|libevent EXAMPLE CERTIFICATES
    run.py asyncio PYTHON SCRIPT LIBRARY CERTIFICATES

EASYNET_WRAPPER, if set, is a command that the program is run under, such as valgrind.
"""

import sys

import peer
from dns import dns_tcp, dns_udp
from dns_tls import dns_tls
from example import Example, check
from https import nginx, tls_poll
from lines import keep_connected, line_server
from loops import c_loop, python_loop
from low import coroutine_wait, pipe_endpoint, tls_server
from peer import Failure
from tls import gnutls, openssl, redis_tls

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
        places = (server.host, server.port), ("-s", server.path)
        for place in places:
            redis_at(example, place)
        server.stop()
        example.complains(f"{server.host}:{server.port}", *places[0], "PING")
        example.complains(server.path, *places[1], "PING")


def redis_at(example, place):
    example.expect(SESSION, *place)
    example.expect("> DBSIZE\n(integer) 0\n", *place, "DBSIZE")
    large = "x" * 100000
    example.expect(f"> SET large {large}\nOK\n", *place, "SET", "large", large)
    example.expect(f'> GET large\n"{large}"\n', *place, "GET", "large")
    example.expect('> SET odd a"b\\c\u00e9\nOK\n', *place, "SET", "odd", 'a"b\\c\u00e9')
    example.expect('> GET odd\n"a\\"b\\\\c\\xc3\\xa9"\n', *place, "GET", "odd")
    example.expect("> FLUSHALL\nOK\n", *place, "FLUSHALL")
    script = "return {1, {2, {3, {}}, false}, redis.status_reply('fine'), redis.error_reply('BAD luck')}"
    example.expect(f'> EVAL "{script}" 0\n1) (integer) 1\n2) 1) (integer) 2\n   2) 1) (integer) 3\n'
                   "      2) (empty array)\n   3) (nil)\n3) fine\n4) (error) BAD luck\n",
                   *place, "EVAL", script, 0)


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
    example.complains("usage", "-s", status=2)
    example.complains("no port", "127.0.0.1", "65536", status=2)
    example.complains("no port", "127.0.0.1", "6379x", status=2)


# ---- The project's own echo server ----

def quickstart(path, echo_path):
    example = Example(path)
    with peer.echo_server(echo_path) as server:
        got = example.run(server.host, server.port)
        check("{" in got and "}" in got, f"no JSON in what quickstart prints:\n{got}")
        server.stop()
        got = example.run(server.host, server.port, status=1)
        check(f"{server.host}:{server.port}" in got, f"the address is not in the complaint:\n{got}")


def fanout(path, echo_path):
    example = Example(path)
    with peer.echo_server(echo_path) as server:
        got = example.run(server.host, server.port, 300, 2)
        check("300 of 300 connected" in got, f"not all are connected:\n{got}")
        check("99% within" in got, f"no percentiles:\n{got}")
        server.stop()
        example.complains(f"{server.host}:{server.port}", server.host, server.port, 3, 1)


# ---- Test programs: they look at everything themselves ----

def dbus(path):
    with peer.dbus_daemon() as server:
        print(Example(path).run(server.path))


def syslog(path):
    with peer.rsyslogd() as server:
        print(Example(path).run(server.path, peer.log_path(server.path)))


def main():
    tests = {"redis": redis, "dns_tcp": dns_tcp, "dns_udp": dns_udp, "quickstart": quickstart,
             "fanout": fanout, "pipe_endpoint": pipe_endpoint, "coroutine_wait": coroutine_wait,
             "line_server": line_server, "keep_connected": keep_connected,
             "tls_server": tls_server,
             "dbus": dbus, "syslog": syslog, "openssl": openssl, "gnutls": gnutls, "redis_tls": redis_tls,
             "nginx": nginx, "tls_poll": tls_poll, "dns_tls": dns_tls, "glib": c_loop, "libuv": c_loop, "libevent": c_loop, "asyncio": python_loop}
    try:
        tests[sys.argv[1]](*sys.argv[2:])
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
    print("ok")


main()
