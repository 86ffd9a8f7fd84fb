"""tls_client, against nginx and against answers that a good server does not give."""

import re
import socket
import ssl
import subprocess
import threading

import tls_servers
from example import WRAPPER, Example, check
from peer import LOOPBACK, PATIENCE
from tls_certificates import Certificates
from tls_servers import PAGES

# ---- nginx ----


def fetch(path, *words):
    """What it prints, in bytes."""
    done = subprocess.run([*WRAPPER, path, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=PATIENCE * 5, check=False)
    check(done.returncode == 0 and not done.stderr, f"{words}: status {done.returncode}, {done.stderr!r}")
    return done.stdout


def real_server(path, certificates):
    example = Example(path)
    with tls_servers.nginx(certificates.identity("good")) as server:
        place = ("-c", certificates.ca, "localhost", server.port)
        pages(path, server, place)
        connections(example, server, place)
        example.complains("EN_ETLS_UNKNOWN_ISSUER: ", "-c", certificates.other, *place[2:], "/sized/hello")
        example.complains("leads to no trusted authority", "-c", certificates.other, *place[2:], "/moved")
        example.complains("EN_ENOENT: ", "-c", "/nowhere/ca.pem", *place[2:], "/")
        server.stop()
        example.complains("EN_ECONNREFUSED: ", *place, "/sized/hello")
        example.complains(f":{server.port}", *place, "/sized/hello")
    for name, wanted in (("expired", "EN_ETLS_EXPIRED: "), ("wrong-name", "EN_ETLS_NAME_MISMATCH: ")):
        with tls_servers.nginx(certificates.identity(name)) as server:
            example.complains(wanted, "-c", certificates.ca, "localhost", server.port, "/sized/hello")


def pages(path, server, place):
    """Every page comes whole, however its end is told, and one behind the other."""
    uris = {where: [f"/{where}/{name}" for name in PAGES] for where in ("sized", "chunked", "endless", "brief")}
    new = fetch(path, *place, "/nothing").split(b"\n")[0] + b"\n"
    check(new.startswith(b"-- TLS 1.3, TLS_") and new.endswith(b", localhost, new session --\n"), new)
    again = new.replace(b"new", b"resumed")
    for where in uris:
        before, wanted = new, b""
        for uri, body in zip(uris[where], PAGES.values()):
            wanted += before + b"-- %s: 200 OK --\n" % uri.encode() + body
            # What is empty has a length in any case.
            keeps = where in ("sized", "chunked") or (where == "endless" and not body)
            before = b"" if keeps else again
        got = fetch(path, *place, *uris[where])
        check(got == wanted, f"{where}: {len(got)} bytes, not {len(wanted)}, or others; {got[:500]!r}")
    server.says(f"answered {uris['chunked'][-1]} with 200 as request {len(PAGES)} over TLSv1.3 "
                f"for localhost:{server.port}")


def connections(example, server, place):
    """One connection for all, as long as the server keeps it; a new one resumes the session."""
    def announced(*uris, status=0):
        printed = example.run(*place, *uris) if status == 0 else example.output_of(*place, *uris, status=status)
        return [line[3:-3] for line in printed.split("\n") if line.startswith("-- ")]

    new, again = [announced("/sized/hello")[0].replace("new", kind) for kind in ("new", "resumed")]
    seen = len(server.said())
    got = announced("/sized/hello", "/chunked/hello", "/nothing", "/moved", "/sized/empty")
    check(got == [new, "/sized/hello: 200 OK", "/chunked/hello: 200 OK", "/nothing: 204 No Content",
                  "/moved: 301 Moved Permanently", "/sized/empty: 200 OK"], got)
    server.says("answered /sized/empty with 200 as request 5", seen)
    got = announced("/brief/hello", "/endless/hello", "/sized/hello")
    check(got == [new, "/brief/hello: 200 OK", again, "/endless/hello: 200 OK", again, "/sized/hello: 200 OK"], got)
    got = announced("/sized/missing", "/sized/hello", status=1)
    check(got == [new, "/sized/missing: 404 Not Found", "/sized/hello: 200 OK"], got)


# ---- Answers by hand ----

class SecureScript:
    """A server over TLS that gives each connection the next of these answers, byte by byte if they are
    short. Without `farewell` connections end without the end of TLS."""

    def __init__(self, certificates, answers, farewell=True):
        self._answers = answers
        self._farewell = farewell
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificates.identity("good"))

    def __enter__(self):
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def _serve(self):
        for answer in self._answers:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return  # we are to end
            with connection:
                try:
                    self._give(connection, answer)
                except OSError:
                    pass  # the client has had enough, or asks on

    def _give(self, connection, answer):
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._context.wrap_socket(connection, server_side=True) as secure:
            question = b""
            while b"\r\n\r\n" not in question:
                question += secure.recv(4096)
            size = 1 if len(answer) < 1000 else len(answer)
            for start in range(0, len(answer), size):
                secure.sendall(answer[start:start + size])
            if self._farewell:
                secure.unwrap().close()

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._thread.join()
        self._listener.close()


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def good_answers(path, certificates):
    """One behind the other: the client finds connections ended that it thought were kept."""
    answers = (
            (OK + b"content-length:5\r\n\r\nhello", "200 OK", b"hello"),
            (OK + b"Content-Length: 5 \r\nX: y\r\nContent-Length: 5\r\n\r\nhello", "200 OK", b"hello"),
            (b"HTTP/1.1 200\nContent-Length: 2\n\nhi", "200 ", b"hi"),
            (b"HTTP/1.0 200 Fine, thanks\r\n\r\nto the end", "200 Fine, thanks", b"to the end"),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi",
             "200 OK", b"hi"),
            (CHUNKED + b"5;x=y\r\nhello\r\n0A\r\n, 10 bytes\r\n0\r\nTrailer: x\r\n\r\n", "200 OK", b"hello, 10 bytes"),
            (CHUNKED + b"0\r\n\r\n", "200 OK", b""),
            (OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "200 OK", b"hi"),
            (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 Not Modified", b""))
    with SecureScript(certificates, [answer for answer, _, _ in answers]) as server:
        got = fetch(path, "-c", certificates.ca, LOOPBACK, server.port, *["/"] * len(answers))
    got, connections_made = re.subn(rb"-- TLS [^\n]*\n", b"", got)
    wanted = b"".join(f"-- /: {status} --\n".encode() + body for _, status, body in answers)
    check(got == wanted, f"expected {wanted!r}, got {got!r}")
    check(connections_made == len(answers), f"{connections_made} connections")


def bad_answers(path, certificates):
    """What is cut, or tries to be two things at once."""
    complains(path, certificates, (
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "EN_EBADMSG"), (b"HTTP/2 200 OK\r\n\r\n", "no answer of HTTP/1"),
            (b"HTTP/1.1 OK\r\n\r\n", "no status"), (b"HTTP/1.1 2x0 OK\r\n\r\n", "no status"),
            (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "two different lengths"),
            (OK + b"Content-Length: -1\r\n\r\n", "no number"), (OK + b"Content-Length:\r\n\r\n", "missing"),
            (OK + b"Content-Length: 99999999999999999999999\r\n\r\n", "larger"),
            (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "not asked for"),
            (CHUNKED + b"x\r\n", "no number"), (CHUNKED + b"\r\n", "missing"), (CHUNKED + b"2\r\nabc\r\n", "does not end"),
            (CHUNKED + b"f" * 30 + b"\r\n", "larger"), (CHUNKED + b"0" * 5000, "no size"),
            (OK + b"X: " + b"y" * 70000, "does not end"),
            (OK + b"Content-Length: 5\r\n\r\nhell", "EN_ETRUNCATED"), (CHUNKED + b"2\r\nhi\r\n", "EN_ETRUNCATED"),
            (CHUNKED + b"0\r\n", "EN_ETRUNCATED"), (OK, "EN_ETRUNCATED"), (b"", "EN_ECONNABORTED")))
    # A body up to the end is whole only if TLS says the end.
    complains(path, certificates, (
        (OK + b"\r\nto the e", "EN_ETLS_TRUNCATED"), (OK + b"Content-Length: 5\r\n\r\nhell", "EN_ETLS_TRUNCATED")),
        farewell=False)


def complains(path, certificates, answers, **how):
    """Each answer is complained about, in a line with these words."""
    with SecureScript(certificates, [answer for answer, _ in answers], **how) as server:
        got = Example(path).run("-c", certificates.ca, LOOPBACK, server.port, *["/"] * len(answers), status=1)
    lines = got.splitlines()
    check(len(lines) == len(answers), got)
    for line, (answer, wanted) in zip(lines, answers):
        check(wanted in line, f"{answer[:100]!r}: expected \"{wanted}\", got\n{line}")


# ---- The test ----

def nginx(path, folder):
    certificates = Certificates(folder)
    real_server(path, certificates)
    good_answers(path, certificates)
    bad_answers(path, certificates)
    example = Example(path)
    for words in ((), ("localhost", 443), ("-c", "ca.pem", "localhost", 443)):
        example.complains("usage", *words, status=2)
    for words, wanted in ((("localhost", "https", "/"), "no port"), (("localhost", 443, "page"), "no path"),
                          (("localhost", 443, "/a b"), "no path")):
        example.complains(wanted, *words, status=2)


def tls_poll(path, folder):
    """Pages at the same time, in a loop of the example's own."""
    certificates = Certificates(folder)
    example = Example(path)
    with tls_servers.nginx(certificates.identity("good")) as server:
        place = ("-c", certificates.ca, LOOPBACK, server.port)
        paths = [f"/sized/{name}" for name in PAGES] * 5 + ["/sized/missing"]
        lines = example.run(*place, *paths).splitlines()
        check(len(lines) == len(paths), lines)
        for page in paths:
            line = next((line for line in lines if line.startswith(f"-- {page}: ")), "")
            check((" 404 " if page.endswith("missing") else " 200 OK: ") in line, (page, lines))
            body = len(PAGES.get(page.removeprefix("/sized/"), b""))
            check(body <= int(line.split()[-5]) <= body + 2000, (page, body, line))
        example.complains("EN_ETLS_UNKNOWN_ISSUER: ", "-c", certificates.other, *place[2:], "/sized/hello")
        example.complains("File name too long", *place, "/" + "a" * 2000)
        server.stop()
        example.complains("Connection refused", *place, "/sized/hello")
    with SecureScript(certificates, [b"HTTP/1.1 200 OK\r\n\r\nto the e"], farewell=False) as server:
        example.complains("EN_ETLS_TRUNCATED", "-c", certificates.ca, LOOPBACK, server.port, "/")
    for words in ((), ("localhost", 443), ("-c", "ca.pem", "localhost", 443)):
        example.complains("usage", *words, status=2)
    example.complains("EN_ENOENT: ", "-c", "/nowhere/ca.pem", LOOPBACK, 443, "/")
