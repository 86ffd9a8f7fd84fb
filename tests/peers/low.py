"""The examples of the low level: pipes, coroutines, and a server that speaks TLS."""

import contextlib
import json
import socket
import ssl
import subprocess
import threading

from example import WRAPPER, Example, check
from peer import LOOPBACK, PATIENCE
from tls_certificates import Certificates


def pipe_endpoint(path):
    example = Example(path)
    words = "how\nnow\n\nbrown cow\n"
    check(example.run(given=words) == "sed: how\nsed: now\nsed: \nsed: brown cow\n", "what sed answers")
    check(example.run("cat", given=words) == words, "what cat answers")
    check(example.run("sh", "-c", "cat; echo last", given="one\n") == "one\nlast\n", "what comes after the end")
    # It ends before it has answered: the packet is broken off, or cannot be sent.
    example.complains("pipe_endpoint: ", "true", given="one\n")
    example.complains("in the middle of a packet", "printf", "half", given="")
    example.run("sh", "-c", "cat; exit 3", given="", status=1)


class Both:
    """A server that answers each of two connections only when both have said something."""

    def __enter__(self):
        self._listener = socket.create_server((LOOPBACK, 0))
        self._listener.settimeout(PATIENCE)
        self.host, self.port = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def _serve(self):
        with contextlib.ExitStack() as stack:
            files = []
            for _ in range(2):
                connection = stack.enter_context(self._listener.accept()[0])
                connection.settimeout(PATIENCE)
                files.append(stack.enter_context(connection.makefile("rwb", 0)))
            while all(lines := [file.readline() for file in files]):
                for file, line in zip(files, lines):
                    file.write(line)

    def __exit__(self, *_):
        self._thread.join()
        self._listener.close()


def coroutine_wait(path):
    example = Example(path)
    with Both() as server:
        got = example.run(server.host, server.port)
        port = server.port
    for name in ("first", "second"):
        lines = [line for line in got.splitlines() if line.startswith(name)]
        check(lines == [f"{name}: hello {round} from {name}" for round in (1, 2, 3)], got)
    said = example.run(LOOPBACK, port, status=1)
    check(said.count(f"{LOOPBACK}:{port}") == 2, f"both complain about the address:\n{said}")


@contextlib.contextmanager
def tls_echo(path, complaint, *words):
    """The server: it must end by itself, with `complaint` in its error output, or with none."""
    with subprocess.Popen([*WRAPPER, path, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as server:
        try:
            yield int(server.stdout.readline().rsplit(":", 1)[1])
            printed, complained = server.communicate(timeout=PATIENCE)
        except BaseException:
            server.kill()
            raise
    check(server.returncode == 0, f"the server: status {server.returncode}\n{printed}{complained}")
    check(complaint in complained and bool(complaint) == bool(complained), complained)


def say(context, port, *pieces):
    """What the server answers to these bytes, and the end of TLS both ways."""
    with socket.create_connection((LOOPBACK, port), PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            answers = [answer(secure, piece) for piece in pieces]
            secure.unwrap()
            return answers


def answer(secure, question):
    secure.sendall(question)
    said = b""
    while True:
        said += secure.recv(65536)
        with contextlib.suppress(ValueError):
            return json.loads(said)


def tls_server(path, folder):
    certificates = Certificates(folder)
    chain, key = certificates.identity("good")
    context = ssl.create_default_context(cafile=certificates.ca)
    with tls_echo(path, "", "-n", 2, chain, key) as port:
        wanted = [{"you said": {"n": 1}}, {"you said": [2, "x" * 20000]}]
        got = say(context, port, b'{"n": 1}', json.dumps([2, "x" * 20000]).encode())
        check(got == wanted, got)
        check(say(context, port, b"null ") == [{"you said": None}], "null")
    # Who does not trust it says so; who cuts the connection is told of.
    with tls_echo(path, "[EN_ETLS_ALERT]", "-n", 1, chain, key) as port:
        try:
            say(ssl.create_default_context(), port)
            check(False, "a stranger's certificate was taken")
        except ssl.SSLCertVerificationError:
            pass
    with tls_echo(path, "[EN_ETLS_TRUNCATED]", "-n", 1, chain, key) as port:
        with socket.create_connection((LOOPBACK, port), PATIENCE) as plain:
            secure = context.wrap_socket(plain, server_hostname="localhost")
            secure.shutdown(socket.SHUT_WR)
            while secure.recv(4096):  # what the server still says goes undeciphered
                pass
            secure.close()
    with tls_echo(path, "[EN_ETLS_NO_CERTIFICATE]", "-n", 1, "-a", certificates.ca, chain, key) as port:
        with socket.create_connection((LOOPBACK, port), PATIENCE) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="localhost") as secure:
                    secure.recv(1)
                    check(False, "nobody has asked for a certificate")
            except ssl.SSLError:
                pass
    example = Example(path)
    example.complains("[EN_ENOENT", "/nowhere/chain.pem", key)
    example.complains("usage", status=2)
