"""A binding made with cffi from the header without directives: one exchange with an echo server.

    test_cffi.py LIBRARY INCLUDE_FOLDER
"""

import pathlib
import socket
import sys
import threading
import unittest

import cffi

import header

INCLUDE = pathlib.Path(sys.argv.pop())
LIBRARY = sys.argv.pop()
VERSION = header.version()


def echo(listener):
    with listener.accept()[0] as connection:
        while data := connection.recv(4096):
            connection.sendall(data)


class Binding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ffi = cffi.FFI()
        cls.ffi.cdef((INCLUDE / "easynet.cdef.h").read_text())
        cls.lib = cls.ffi.dlopen(LIBRARY)

    def start_server(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(60)
        server = threading.Thread(target=echo, args=(listener,))
        server.start()
        self.addCleanup(listener.close)
        self.addCleanup(server.join)
        return listener.getsockname()[1]

    def check(self, code):
        if code < 0:
            name = self.ffi.string(self.lib.en_error_name(code)).decode()
            raise AssertionError(f"{name}: {self.message()}")

    def message(self):
        return self.ffi.string(self.lib.en_last_error_message()).decode()

    def connect(self):
        self.port = self.start_server()
        protocol = self.ffi.new("en_stream_protocol_t **")
        client = self.ffi.new("en_tcp_client_t **")
        self.check(self.lib.en_stream_protocol_new_json(protocol, 0))
        self.addCleanup(self.lib.en_stream_protocol_free, protocol[0])
        self.check(self.lib.en_tcp_client_connect(client, b"127.0.0.1", self.port, protocol[0], self.ffi.NULL))
        self.addCleanup(self.lib.en_tcp_client_free, client[0])
        return client[0]

    def test_exchange(self):
        client = self.connect()
        text = b'{"data": 42}'
        packet = self.ffi.new("en_packet_t *")
        self.check(self.lib.en_tcp_client_send_packet(client, text, len(text), 30000))
        self.check(self.lib.en_tcp_client_recv_packet(client, 30000, packet))
        self.assertEqual(self.ffi.buffer(packet.data, packet.size)[:], text)
        self.lib.en_packet_release(packet)
        self.assertEqual(packet.data, self.ffi.NULL)

    def test_constants_and_failure(self):
        client = self.connect()
        packet = self.ffi.new("en_packet_t *")
        code = self.lib.en_tcp_client_recv_packet(client, self.lib.EN_TIMEOUT_NONE, packet)
        self.assertEqual(code, self.lib.EN_ETIMEDOUT)
        self.assertIn(f"127.0.0.1:{self.port}", self.message())

    def test_version(self):
        lib = self.lib
        text = f"{lib.EN_VERSION_MAJOR}.{lib.EN_VERSION_MINOR}.{lib.EN_VERSION_PATCH}"
        self.assertEqual(text, VERSION)
        self.assertEqual(self.ffi.string(lib.en_version_string()).decode(), VERSION)
        major, minor, patch = map(int, VERSION.split("."))
        self.assertEqual(lib.en_version_number(), major * 1000000 + minor * 1000 + patch)


unittest.main()
