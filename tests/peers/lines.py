"""line_server and keep_connected, against clients and a server that do what is hardest for them."""

import contextlib
import socket
import struct
import tempfile

from example import WRAPPER, Example, check
from peer import LOOPBACK, PATIENCE, Process

# ---- line_server ----

# Far more than the buffers of both sockets hold.
MOST_TAKEN = 64 << 20
LINE = b"x" * 4000 + b"\n"


@contextlib.contextmanager
def line_echo(path):
    """The server: who leaves has it end by SIGTERM, in the midst of what it does."""
    with tempfile.TemporaryDirectory(prefix="easynet-peer-") as folder:
        server = Process([*WRAPPER, path], folder)
        try:
            yield int(server.wait_for("listening on").rsplit(":", 1)[1]), server
        finally:
            server.stop()
    check(server.status == 0, f"status {server.status}\n{''.join(server.lines)}")


class Client:
    """A client of it."""

    def __init__(self, port):
        self.socket = socket.create_connection((LOOPBACK, port), PATIENCE)
        self._file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self.socket.close()

    def say(self, line):
        self.socket.sendall(line)
        got = self._file.readline()
        check(got == line, f"sent {line!r}, got {got!r}")

    def end(self):
        self.socket.shutdown(socket.SHUT_WR)

    def read(self, count=-1):
        return self._file.read(count)


def push(client, other):
    """Sends without reading until the server takes no more; how many bytes it has taken."""
    client.socket.setblocking(False)
    taken = idle = 0
    pieces = memoryview(LINE * 16)
    while idle < 50 and taken < MOST_TAKEN:
        try:
            taken += client.socket.send(pieces[taken % len(pieces):])
            idle = 0
        except BlockingIOError:
            idle += 1
            other.say(b"the server goes on\n")
    client.socket.setblocking(True)
    client.socket.settimeout(PATIENCE)
    return taken


def line_server(path):
    with line_echo(path) as (port, _), Client(port) as client, Client(port) as other:
        for line in (b"one\n", b"\n", LINE):
            client.say(line)
            other.say(line[1:] or b"two\n")
        taken = push(client, other)
        check(taken < MOST_TAKEN, "a server that never has enough")
        whole = taken // len(LINE)
        check(client.read(whole * len(LINE)) == LINE * whole, f"not all of {taken} bytes comes back")
        client.socket.sendall(LINE[taken % len(LINE):] + LINE * 20)
        client.end()
        check(client.read() == LINE * 21, "what is under way at the end does not come back")
        other.say(b"still there\n")
    with line_echo(path) as (port, server), Client(port) as other:
        with Client(port) as client:
            client.socket.sendall(b"y" * 4097)
            check(client.read() == b"", "an answer to what is no line")
        other.say(b"still there\n")
        with Client(port) as client:
            client.socket.sendall(b"lost\n" * 1000)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.say(b"still there\n")
        # It may be gone before it was accepted.
        check(all("[EN_ENOTCONN" in line for line in server.lines[1:]), server.lines)
        other.socket.sendall(LINE * 100)


# ---- keep_connected ----


def listener_at(port=0):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.settimeout(PATIENCE)
    listener.bind((LOOPBACK, port))
    listener.listen()
    return listener


def serve(listener, data, ends=True):
    connection, _ = listener.accept()
    connection.sendall(data)
    if not ends:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return connection


def keep_connected(path):
    with tempfile.TemporaryDirectory(prefix="easynet-peer-") as folder:
        listener = listener_at()
        port = listener.getsockname()[1]
        program = Process([*WRAPPER, path, LOOPBACK, str(port), "3"], folder)
        try:
            serve(listener, b"one\ntw").close()
            program.wait_for("[EN_ETRUNCATED")
            with serve(listener, b"two\n", ends=False):
                program.wait_for("two")
            program.wait_for("[EN_ECONNRESET")
            listener.close()
            program.wait_for("[EN_ECONNREFUSED")
            with listener_at(port) as listener, serve(listener, b"three\nfour\n"):
                check(program.wait() == 0, program.lines)
        finally:
            program.stop()
        printed = [line for line in program.lines if not line.startswith("keep_connected: ")]
        check(printed == ["one\n", "two\n", "three\n"], program.lines)
    example = Example(path)
    example.complains("usage", status=2)
    example.complains("is not a number", LOOPBACK, 0, status=2)
