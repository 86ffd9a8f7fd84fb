"""What is measured: the works, the contenders of each, and the goals."""

BOTH = ("same", "split")
SMALL = 64
LARGE = 65536
# With its header of four bytes it fills a record of TLS.
RECORD = 16380
# What easynet stands on: there is nothing to choose between it and that.
LIMITS = ("plain", "rustls")


class Work:
    """One thing to do, with programs of a family, and the server for it: the reference is first, the
    others are measured against it."""

    def __init__(self, name, family, server, size, pinnings, *contenders, connections=1):
        self.name = name
        self.family = family
        self.server = (*server.split(), size)
        self.pinnings = pinnings
        self.contenders = contenders
        self.connections = connections

    def program(self, contender):
        return f"{contender.kind}_{contender.family or self.family}"

    def server_for(self, contender):
        return (contender.speaks or self.server[0], *self.server[1:])


class Contender:
    """A way to do it, and the goals: a figure, and the ratio not to exceed (or to reach, for a
    rate). Its program may be of another family, and it may speak a protocol of its own."""

    def __init__(self, label, kind, work, goals=None, family=None, speaks=None):
        self.label = label
        self.kind = kind
        self.work = work
        self.goals = goals or {}
        self.family = family
        self.speaks = speaks

    @property
    def is_peer(self):
        return self.kind != "easynet" and self.kind not in LIMITS


def plain(label, work, family=None):
    return Contender("C, " + label, "plain", work, family=family)


def rustls(work):
    return Contender("rustls", "rustls", work)


def openssl(work):
    return Contender("OpenSSL, C", "openssl", work)


def libuv(label, work, family=None):
    return Contender("libuv, " + label, "libuv", work, family=family)


def libevent(work, family=None):
    return Contender("libevent", "libevent", work, family=family)


def asio(label, work):
    return Contender("Boost.Asio, " + label, "asio", work)


def nng(work):
    return Contender("nng, nng_stream", "nng", work)


def nng_pair(work):
    return Contender("nng, pair", "nng", work, family="messages", speaks="nng")


def zeromq(work):
    return Contender("ZeroMQ, pair", "zeromq", work, family="messages", speaks="zeromq")


def easynet(label, work, **goals):
    return Contender("easynet, " + label, "easynet", work, goals)


def loop_echo(connections, **goals):
    return Work(f"Loop echo 64 B, {connections:,} connection" + "s" * (connections > 1), "loop",
                "tcp-listener echo", SMALL, ["same"],
                plain("epoll by hand", "echo"), easynet("recv_start", "echo", **goals),
                libuv("uv_try_write", "echo"), libuv("uv_write", "echo-write"), libevent("echo"),
                asio("async", "echo"), connections=connections)


STREAM = [
    Work("TCP ping-pong 64 B", "stream", "tcp echo", SMALL, ["same"],
         plain("SO_RCVTIMEO", "ping-pong"),
         easynet("5 s time-out", "ping-pong", p50=1.03, calls=1),
         asio("sync, no time-out", "ping-pong"), libuv("uv_try_write", "ping-pong"),
         libevent("ping-pong", family="loop"), nng("ping-pong"), nng_pair("ping-pong"),
         zeromq("ping-pong")),
    Work("TCP ping-pong 64 B, two cores", "stream", "tcp echo", SMALL, ["split"],
         plain("SO_RCVTIMEO", "ping-pong"),
         easynet("5 s time-out", "ping-pong", p50=1.03, calls=1),
         plain("50 µs of looking first", "ping-pong-busy"),
         easynet("busy poll 50 µs", "ping-pong-busy", p50=0.30),
         asio("sync, no time-out", "ping-pong"), libuv("uv_try_write", "ping-pong"),
         nng("ping-pong"), zeromq("ping-pong")),
    Work("TCP receive 64 B", "stream", "tcp source", SMALL, BOTH,
         plain("64 KiB buffer", "receive"),
         easynet("recv_packet", "receive", cpu=2.2),
         easynet("recv_packets of 64", "receive-batches", cpu=1.2),
         asio("sync, framing by hand", "receive"),
         libuv("framing by hand", "receive", family="loop"), libevent("receive", family="loop"),
         nng("receive"), nng_pair("receive"), zeromq("receive")),
    Work("TCP send 64 B, one each", "stream", "tcp sink", SMALL, BOTH,
         plain("send", "send"),
         easynet("send_packet", "send", cpu=1 / 0.97, rate=0.97),
         asio("sync", "send"), libuv("uv_try_write", "send"), nng("send"), nng_pair("send")),
    Work("TCP send 64 B, buffered", "stream", "tcp sink", SMALL, BOTH,
         plain("64 KiB buffer", "send-buffered"),
         easynet("write buffer 64 KiB", "send-buffered", cpu=1 / 0.8, rate=0.8),
         asio("sync, 64 KiB buffer", "send-buffered"), libuv("64 KiB buffer", "send-buffered"),
         libevent("send-buffered", family="loop"), zeromq("send-buffered")),
    Work("TCP send 64 B, together", "stream", "tcp sink", SMALL, BOTH,
         plain("sendmsg of 64", "send-batches"),
         easynet("send_packets of 64", "send-batches", cpu=1.0, rate=1.0),
         asio("sync, write_some of 64", "send-batches"), libuv("uv_try_write of 64", "send-batches")),
    Work("TCP receive 64 KiB", "stream", "tcp source", LARGE, BOTH,
         plain("512 KiB buffer", "receive-large"),
         easynet("recv_packet", "receive-large", rate=0.97),
         asio("sync, 512 KiB buffer", "receive-large"), libuv("512 KiB buffer", "receive-large"),
         nng("receive-large"), nng_pair("receive-large"), zeromq("receive-large")),
    Work("TCP send 64 KiB, one each", "stream", "tcp sink", LARGE, BOTH,
         plain("sendmsg", "send-large"),
         easynet("send_packet", "send-large", rate=0.97),
         asio("sync", "send-large"), libuv("uv_try_write", "send-large"),
         nng("send-large"), nng_pair("send-large"), zeromq("send-large")),
    Work("TCP send 64 KiB, together", "stream", "tcp sink", LARGE, BOTH,
         plain("sendmsg of 4", "send-large-batches"),
         easynet("send_packets of 4", "send-large-batches", rate=1.0),
         asio("sync, write_some of 4", "send-large-batches"),
         libuv("uv_try_write of 4", "send-large-batches"), nng("send-large-batches")),
    Work("Unix ping-pong 64 B", "stream", "unix echo", SMALL, ["same"],
         plain("SO_RCVTIMEO", "unix-ping-pong"),
         easynet("5 s time-out", "unix-ping-pong", p50=1.03, calls=1),
         asio("sync, no time-out", "unix-ping-pong"), libuv("uv_try_write", "unix-ping-pong")),
]

DATAGRAM = [
    Work("UDP ping-pong 64 B", "datagram", "udp echo", SMALL, ["same"],
         plain("SO_RCVTIMEO", "ping-pong"),
         easynet("5 s time-out", "ping-pong", p50=1.03, calls=1),
         asio("sync, no time-out", "ping-pong"), libuv("uv_udp_try_send", "ping-pong")),
    Work("UDP receive 64 B, one each", "datagram", "udp source", SMALL, BOTH,
         plain("recv", "receive"),
         easynet("recv_packet", "receive", cpu=1 / 0.97, rate=0.97),
         asio("sync", "receive"), libuv("uv_udp_recv_start", "receive")),
    # On two cores the server, which has to cut as much as it sends, is the slower one.
    Work("UDP receive 64 B, offload", "datagram", "udp source", SMALL, ["same"],
         plain("recvmsg, UDP_GRO", "receive-coalesced"),
         easynet("recv_packet", "receive-coalesced", cpu=1 / 0.5, rate=0.5),
         easynet("recv_packets of 64", "receive-batches", cpu=1 / 0.85, rate=0.85)),
    Work("UDP send 64 B, one each", "datagram", "udp sink", SMALL, BOTH,
         plain("send", "send"),
         easynet("send_packet", "send", cpu=1 / 0.97, rate=0.97),
         asio("sync", "send"), libuv("uv_udp_try_send", "send")),
    Work("UDP send 64 B, together", "datagram", "udp sink", SMALL, BOTH,
         plain("UDP_SEGMENT of 64", "send-batches"),
         easynet("send_packets of 64", "send-batches", cpu=1 / 0.85, rate=0.85)),
]

DESCRIPTORS = [
    Work("Unix descriptors in", "descriptors", "unix give", SMALL, BOTH,
         plain("recvmsg", "receive"),
         easynet("recv_packet_with_ancillary", "receive", cpu=1 / 0.9, rate=0.9),
         libuv("uv_accept", "receive")),
    Work("Unix descriptors out", "descriptors", "unix take", SMALL, BOTH,
         plain("sendmsg", "send"),
         easynet("send_packet_with_ancillary", "send", cpu=1 / 0.9, rate=0.9),
         libuv("uv_try_write2", "send")),
]

TLS = [
    Work("TLS ping-pong 64 B", "tls", "tls echo", SMALL, ["same"],
         rustls("ping-pong"), openssl("ping-pong"),
         easynet("5 s time-out", "ping-pong", p50=1.05, cpu=1.05)),
    Work("TLS receive 16 KiB", "tls", "tls source", RECORD, BOTH,
         rustls("receive"), openssl("receive"),
         easynet("recv_packet", "receive", cpu=1.05, rate=1 / 1.05)),
    Work("TLS send 16 KiB, one each", "tls", "tls sink", RECORD, BOTH,
         rustls("send"), openssl("send"),
         easynet("send_packet", "send", cpu=1.05, rate=1 / 1.05)),
    Work("TLS connect, full handshake, echo", "tls", "tls-listener answer", SMALL, ["same"],
         rustls("connect"), openssl("connect"), easynet("no sessions", "connect", cpu=1.05)),
    Work("TLS connect, resumed handshake, echo", "tls", "tls-listener answer", SMALL, ["same"],
         rustls("resume"), openssl("resume"), easynet("one session", "resume", cpu=1.05)),
    Work("TLS connect and keep idle", "tls", "tls-listener keep", SMALL, ["same"],
         rustls("keep"), openssl("keep"), easynet("no sessions", "keep", bytes=9000)),
]

LOOP = [
    Work("Loop ping-pong 64 B", "loop", "tcp echo", SMALL, ["same"],
         plain("SO_RCVTIMEO", "ping-pong-blocking"), easynet("recv_start", "ping-pong", p50=1.10),
         plain("epoll by hand", "ping-pong"), libuv("uv_try_write", "ping-pong"),
         libevent("ping-pong"), asio("async", "ping-pong")),
    Work("Loop Unix ping-pong 64 B", "loop", "unix echo", SMALL, ["same"],
         plain("SO_RCVTIMEO", "unix-ping-pong-blocking"),
         easynet("recv_start", "unix-ping-pong", p50=1.10),
         plain("epoll by hand", "unix-ping-pong"),
         libuv("uv_try_write", "unix-ping-pong", family="stream"),
         asio("async", "unix-ping-pong")),
    Work("Loop UDP ping-pong 64 B", "loop_datagram", "udp echo", SMALL, ["same"],
         plain("SO_RCVTIMEO", "ping-pong", family="datagram"),
         easynet("recv_start", "ping-pong", p50=1.10),
         plain("epoll by hand", "ping-pong"),
         libuv("uv_udp_try_send", "ping-pong", family="datagram"), asio("async", "ping-pong")),
    Work("Loop receive 64 B", "loop", "tcp source", SMALL, BOTH,
         libuv("framing by hand", "receive"), easynet("recv_start", "receive", cpu=1.1),
         easynet("recv_packets of 64", "receive-batches", cpu=1.1),
         plain("epoll by hand", "receive"), libevent("receive"), asio("async", "receive")),
    *(loop_echo(connections, cpu=1 / 0.97) for connections in (1, 100)),
    *(loop_echo(connections, cpu=1 / 0.97, bytes=512) for connections in (1000, 10000)),
]

WORKS = [*STREAM, *DATAGRAM, *DESCRIPTORS, *TLS, *LOOP]
