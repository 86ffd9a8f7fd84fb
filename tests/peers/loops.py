"""The examples that run easynet in a loop of another make: a hundred connections of all kinds."""

import asyncio
import os
import re
import resource
import sys
import time

from echo import Echo
from example import WRAPPER, Example, check
from tls_certificates import Certificates

CONNECTIONS, ROUNDS, TICKS = 100, 10, 20


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def traffic(example, certificates):
    """Lets the example talk to all servers; what it prints."""
    start, cpu = time.monotonic(), children_cpu()
    with Echo(Certificates(certificates).identity("good")) as echo:
        got = example.run(*echo.places)
        each = CONNECTIONS // len(echo.places)
        check(f"{CONNECTIONS} connections, {ROUNDS} round trips each" in got, f"no summary:\n{got}")
        check(echo.accepted == {name: each for name in ("tcp", "tls", "unix")}, f"connections: {echo.accepted}")
        check(echo.echoed == {name: each * ROUNDS for name in ("tcp", "tls", "udp", "unix")},
              f"round trips: {echo.echoed}")
        places = echo.places
    took, cpu = time.monotonic() - start, children_cpu() - cpu
    # It sleeps while there is nothing to do. Valgrind does not.
    check(WRAPPER or cpu < took / 2, f"{cpu:.2f} s of work in {took:.2f} s: a busy loop")
    for place in places[:2] + places[3:]:
        example.complains(place.partition(":")[2], place)
    return got


def trusting(certificates):
    os.environ["SSL_CERT_FILE"] = Certificates(certificates).ca


def c_loop(path, certificates):
    """A program that also counts what a timer of the other loop has ticked."""
    trusting(certificates)
    example = Example(path)
    ticks = re.search(r"ticked (\d+) times", traffic(example, certificates))
    check(ticks and int(ticks[1]) >= 5, "the other loop has not gone on")
    example.complains("usage", status=2)
    example.complains("a place is", "tcp:nowhere")


async def impatient(example, library):
    """What receives bring that are cancelled in the moment in which their packet has come."""
    async def count(_reader, writer):
        writer.writelines(b"%d\n" % number for number in range(TICKS))
        writer.close()

    async with await asyncio.start_server(count, "127.0.0.1", 0) as server:
        loop = example.Loop(library)
        clients = example.Clients(loop)
        client = clients.open(f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}")
        finish = loop._finish

        def finish_and_cancel(*arguments):
            finish(*arguments)
            task.cancel()

        loop._finish = finish_and_cancel
        got, cancelled = [], 0
        while len(got) + cancelled < 2 * TICKS:
            task = asyncio.ensure_future(loop.receive(client))
            try:
                got.append(await task)
            except asyncio.CancelledError:
                cancelled += 1
        clients.close()
        loop.close()
    return got


def python_loop(python, script, library, certificates):
    trusting(certificates)
    traffic(Example(python, script, library), certificates)
    sys.path.insert(0, os.path.dirname(script))
    got = asyncio.run(asyncio.wait_for(impatient(__import__("asyncio_loop"), library), 60))
    check(got == [b"%d" % number for number in range(TICKS)], f"{len(got)} of {TICKS} packets came")
