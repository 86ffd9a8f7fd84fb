"""Echo servers of all kinds in a thread: TCP, TLS, UDP and Unix."""

import asyncio
import collections
import ssl
import tempfile
import threading

from peer import LOOPBACK, PATIENCE, socket_path


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, echoed):
        self._echoed = echoed

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        self._echoed["udp"] += 1
        self._transport.sendto(data, addr)


class Echo:
    """`places` are where they are, as the examples have it; `echoed` counts lines and datagrams, and
    `accepted` connections."""

    def __init__(self, identity):
        self._identity = identity
        self.places = []
        self.accepted = collections.Counter()
        self.echoed = collections.Counter()

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="easynet-peer-")
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve(ready)))
        self._thread.start()
        ready.wait(PATIENCE)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    async def _serve(self, ready):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*self._identity)
        path = socket_path(self._folder.name)
        servers = {
            "tcp": await asyncio.start_server(self._echo("tcp"), LOOPBACK, 0),
            "tls": await asyncio.start_server(self._echo("tls"), LOOPBACK, 0, ssl=tls),
            "unix": await asyncio.start_unix_server(self._echo("unix"), path),
        }
        datagrams, _ = await self._loop.create_datagram_endpoint(lambda: Datagrams(self.echoed), (LOOPBACK, 0))
        self.places = [f"{name}:{LOOPBACK}:{servers[name].sockets[0].getsockname()[1]}" for name in ("tcp", "tls")]
        self.places += [f"udp:{LOOPBACK}:{datagrams.get_extra_info('sockname')[1]}", f"unix:{path}"]
        ready.set()
        await self._stop.wait()
        for server in servers.values():
            server.close()
        datagrams.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), PATIENCE)

    def _echo(self, name):
        async def serve(reader, writer):
            self.accepted[name] += 1
            try:
                while line := await reader.readline():
                    self.echoed[name] += 1
                    writer.write(line)
            except OSError:
                pass  # the client has had enough
            finally:
                writer.close()

        return serve
