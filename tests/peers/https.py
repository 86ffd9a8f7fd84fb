"""tls_client, against nginx and against answers that a good server does not give."""

import ssl
import subprocess

import tls_servers
from example import WRAPPER, Example, check
from peer import LOOPBACK, PATIENCE, Script
from tls_certificates import Certificates
from tls_servers import PAGES

# ---- nginx ----


def fetch(path, *words):
    """The lines that announce something, and the rest: the bodies."""
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
        example.complains("EN_ETLS_UNKNOWN_ISSUER: ", "-c", certificates.file("other.pem"), *place[2:], "/sized/hello")
        example.complains("leads to no trusted authority", "-c", certificates.file("other.pem"), *place[2:], "/moved")
        example.complains("EN_ENOENT: ", "-c", "/nowhere/ca.pem", *place[2:], "/")
        server.stop()
        example.complains("EN_ECONNREFUSED: ", *place, "/sized/hello")
        example.complains(f":{server.port}", *place, "/sized/hello")
    for name, wanted in (("expired", "EN_ETLS_EXPIRED: "), ("wrong", "EN_ETLS_NAME_MISMATCH: ")):
        with tls_servers.nginx(certificates.identity(name)) as server:
            example.complains(wanted, "-c", certificates.ca, "localhost", server.port, "/sized/hello")


def pages(path, server, place):
    """Every page comes whole, however its end is told."""
    for where in ("sized", "chunked", "endless", "brief"):
        for name, body in PAGES.items():
            uri = f"/{where}/{name}"
            printed = fetch(path, *place, uri)
            tls, status, got = printed.split(b"\n", 2)
            check(tls.startswith(b"-- TLS 1.3, TLS_") and tls.endswith(b", localhost, new session --"), tls)
            check(status == b"-- %s: 200 OK --" % uri.encode(), status)
            check(got == body, f"{uri}: {len(got)} bytes, not {len(body)}, or others")
            server.says(f"answered {uri} with 200 as request 1 over TLSv1.3 for localhost:{server.port}")


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

class SecureScript(Script):
    """A Script over TLS. Without `farewell` the connection ends without the end of TLS."""

    def __init__(self, certificates, *pieces, farewell=True):
        super().__init__(1, lambda _question: pieces)
        self._farewell = farewell
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificates.identity("good"))

    def _serve(self):
        try:
            connection = self._listener.accept()[0]
            connection.settimeout(PATIENCE)
            with self._context.wrap_socket(connection, server_side=True) as secure:
                question = b""
                while b"\r\n\r\n" not in question:
                    question += secure.recv(4096)
                for piece in self._answer(question):
                    secure.sendall(piece)
                connection = secure.unwrap() if self._farewell else secure
                connection.close()
        except OSError:
            pass  # the client has had enough


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def good_answers(path, certificates):
    for answer, status, body in (
            (OK + b"content-length:5\r\n\r\nhello", "200 OK", b"hello"),
            (OK + b"Content-Length: 5 \r\nX: y\r\nContent-Length: 5\r\n\r\nhello", "200 OK", b"hello"),
            (b"HTTP/1.1 200\nContent-Length: 2\n\nhi", "200 ", b"hi"),
            (b"HTTP/1.0 200 Fine, thanks\r\n\r\nto the end", "200 Fine, thanks", b"to the end"),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi",
             "200 OK", b"hi"),
            (CHUNKED + b"5;x=y\r\nhello\r\n0A\r\n, 10 bytes\r\n0\r\nTrailer: x\r\n\r\n", "200 OK", b"hello, 10 bytes"),
            (CHUNKED + b"0\r\n\r\n", "200 OK", b""),
            (OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "200 OK", b"hi"),
            (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 Not Modified", b"")):
        for pieces in ([answer], [bytes([byte]) for byte in answer]):
            with SecureScript(certificates, *pieces) as server:
                got = fetch(path, "-c", certificates.ca, LOOPBACK, server.port, "/").split(b"\n", 1)[1]
                wanted = f"-- /: {status} --\n".encode() + body
                check(got == wanted, f"{answer!r}: expected {wanted!r}, got {got!r}")


def bad_answers(path, certificates):
    """What is cut, or tries to be two things at once."""
    for answer, wanted in (
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
            (CHUNKED + b"0\r\n", "EN_ETRUNCATED"), (OK, "EN_ETRUNCATED"), (b"", "EN_ECONNABORTED")):
        complains(path, certificates, SecureScript(certificates, answer), wanted)
    # A body up to the end is whole only if TLS says the end.
    for answer in (OK + b"\r\nto the e", OK + b"Content-Length: 5\r\n\r\nhell"):
        complains(path, certificates, SecureScript(certificates, answer, farewell=False), "EN_ETLS_TRUNCATED")


def complains(path, certificates, script, wanted):
    with script as server:
        got = Example(path).run("-c", certificates.ca, LOOPBACK, server.port, "/", status=1)
        check(wanted in got and got.count("\n") == 1, f"expected one line with \"{wanted}\", got\n{got}")


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
