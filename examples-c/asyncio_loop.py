#!/usr/bin/env python3
"""easynet in Python's asyncio, with nothing but ctypes: `Loop` is the piece to be lifted out, and a
hundred connections show it at work.

    asyncio_loop.py LIBRARY PLACE...

LIBRARY is libeasynet.so; a PLACE is tcp:HOST:PORT, tls:HOST:PORT, udp:HOST:PORT or unix:PATH of an
echo server. The connections are dealt out to them in turn. Each sends a line, waits for it to come
back, pauses, and begins again.
"""

import asyncio
import collections
import contextlib
import ctypes
import sys

CONNECTIONS, ROUNDS, PAUSE, TIMEOUT_MS = 100, 10, 0.1, 20000


class Packet(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("owner", ctypes.c_void_p)]


Done = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)
Received = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(Packet), ctypes.c_void_p)


def easynet(path):
    """The library; functions answer their code, or raise OSError with the message."""
    library = ctypes.CDLL(path)
    library.en_last_error_message.restype = ctypes.c_char_p

    def check(code, _function, _arguments):
        if code < 0:
            raise failure(library, code)
        return code

    class Functions:
        def __getattr__(self, name):
            function = getattr(library, name)
            if name.endswith("_free") or name == "en_packet_release":
                function.restype = None
            elif "_as_" in name:
                function.restype = ctypes.c_void_p
            else:
                function.errcheck = check
            setattr(self, name, function)
            return function

    return Functions(), library


def failure(library, code):
    return OSError(-code, library.en_last_error_message().decode())


# ---- The loop on asyncio ----

class Loop:
    """An en_loop_t that the running asyncio loop runs, and operations that can be awaited."""

    def __init__(self, path):
        self.en, self._library = easynet(path)
        self.handle = ctypes.c_void_p()
        self.en.en_loop_new(ctypes.byref(self.handle))
        self._asyncio = asyncio.get_running_loop()
        self._fd = self.en.en_loop_fd(self.handle)
        self._asyncio.add_reader(self._fd, self.en.en_loop_run_once, self.handle, ctypes.c_int64(0))
        # What is under way, by a number that goes around as the user data.
        self._waiting = {}
        self._numbers = 0
        # By client, packets that came when their receive had been cancelled.
        self._kept = collections.defaultdict(collections.deque)
        self._done = Done(lambda status, number: self._finish(number, status, None))
        self._received = Received(self._on_packet)

    def _on_packet(self, status, packet, number):
        data = None
        if packet:
            data = ctypes.string_at(packet.contents.data, packet.contents.size)
            self.en.en_packet_release(packet)
        self._finish(number, status, data)

    def _finish(self, number, status, result):
        future = self._waiting.pop(number)
        if status < 0:
            future.set_exception(failure(self._library, status))
        else:
            future.set_result(result)

    async def _complete(self, function, *arguments, callback, keep):
        """Calls the function, and waits until its callback comes, also if that is cancelled: what comes
        even so is handed to `keep`."""
        self._numbers += 1
        number, operation = self._numbers, ctypes.c_uint64()
        function(*arguments, callback, ctypes.c_void_p(number), ctypes.byref(operation))
        future = self._waiting[number] = self._asyncio.create_future()
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if not future.done():
                self.en.en_loop_cancel(self.handle, operation)
            while not future.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            if future.exception() is None:
                keep(future.result())
            raise

    async def send(self, client, data, timeout_ms=TIMEOUT_MS):
        await self._complete(self.en.en_async_client_send_packet, client, data, ctypes.c_size_t(len(data)),
                             ctypes.c_int64(timeout_ms), callback=self._done, keep=lambda _: None)

    async def receive(self, client, timeout_ms=TIMEOUT_MS):
        """The next packet, for one task at a time. Being cancelled loses none."""
        kept = self._kept[client.value]
        if kept:
            return kept.popleft()
        return await self._complete(self.en.en_async_client_recv_packet, client, ctypes.c_int64(timeout_ms),
                                    callback=self._received, keep=kept.append)

    def forget(self, client):
        """A client is about to be freed."""
        self._kept.pop(client.value, None)

    def close(self):
        self._asyncio.remove_reader(self._fd)
        self.en.en_loop_free(self.handle)


# ---- The program ----

def made(function, *arguments):
    """What the function puts where its first argument points."""
    out = ctypes.c_void_p()
    function(ctypes.byref(out), *arguments)
    return out


class Clients:
    """Makes clients for places."""

    def __init__(self, loop):
        self.en, self.loop = loop.en, loop
        self.line = made(self.en.en_stream_protocol_new_line, ctypes.c_int(0), ctypes.c_size_t(0))
        self.raw = made(self.en.en_datagram_protocol_new_raw, ctypes.c_size_t(0))
        self.tls = None
        self.frees = [(self.en.en_stream_protocol_free, self.line), (self.en.en_datagram_protocol_free, self.raw)]

    def open(self, place):
        """A view of a client for the place."""
        family, _, where = place.partition(":")
        host, _, port = where.rpartition(":")
        if family == "tls" and self.tls is None:
            self.tls = self.tls_options()
        if family == "unix":
            return self.client("unix_stream", "new_path", where.encode(), self.line, None)
        place = host.encode(), ctypes.c_uint16(int(port))
        if family == "udp":
            return self.client("udp", "new", *place, self.raw, None)
        return self.client("tcp", "new", *place, self.line, self.tls if family == "tls" else None)

    def client(self, family, how, *arguments):
        prefix = f"en_async_{family}_client_"
        client = made(getattr(self.en, prefix + how), self.loop.handle, *arguments)
        self.frees.append((getattr(self.en, prefix + "free"), client))
        view = ctypes.c_void_p(getattr(self.en, prefix + "as_async_client")(client))
        self.frees.append((self.loop.forget, view))
        return view

    def tls_options(self):
        config = made(self.en.en_tls_config_new_client, None)
        options = made(self.en.en_tcp_options_new)
        self.frees.append((self.en.en_tcp_options_free, options))
        self.en.en_tcp_options_set_tls(options, config, None)
        self.en.en_tls_config_free(config)
        return options

    def close(self):
        for free, what in reversed(self.frees):
            free(what)


async def talk(loop, client, number):
    for turn in range(ROUNDS):
        line = f"round {turn} of connection {number}".encode()
        await loop.send(client, line)
        answer = await loop.receive(client)
        if answer != line:
            raise ValueError(f"what came back is not what was sent: {answer}")
        await asyncio.sleep(PAUSE)


async def main(library, *places):
    loop = Loop(library)
    clients = Clients(loop)
    try:
        connections = [clients.open(places[i % len(places)]) for i in range(CONNECTIONS)]
        await asyncio.gather(*(talk(loop, client, i) for i, client in enumerate(connections)))
        print(f"{CONNECTIONS} connections, {ROUNDS} round trips each")
    finally:
        clients.close()
        loop.close()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: asyncio_loop.py LIBRARY PLACE...")
    try:
        asyncio.run(main(*sys.argv[1:]))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
