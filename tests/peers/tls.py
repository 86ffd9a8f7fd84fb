"""TLS clients against servers of other makes."""

import hashlib
import subprocess

import tls_servers
from example import Example, check
from peer import Script, program
from probe import Probe
from tls_certificates import Certificates


def chat(probe, server):
    """A line each way; `server` shows what it is sent, and sends what is written to it."""
    seen = len(server.said())
    probe.ok("send", "from the client")
    server.says("from the client", seen)
    server.write("from the server\n")
    probe.expect("got from the server", "recv")


# ---- OpenSSL ----

def versions(probe, certificates):
    for version, option in (("1.2", "-tls1_2"), ("1.3", "-tls1_3")):
        with tls_servers.s_server(certificates.identity("good"), option) as server:
            probe.begin(f"ca {certificates.ca}")
            probe.ok("connect", "localhost", server.port)
            facts = probe.facts()
            check(facts.startswith(f"TLS {version} suite=TLS_") and "alpn=- name=localhost" in facts, facts)
            chat(probe, server)
            probe.ok("close")

            other = "1.3" if version == "1.2" else "1.2"
            probe.begin(f"ca {certificates.ca}", f"versions {other} {other}")
            probe.fails("EN_ETLS_ALERT", ("protocol_version (70)", "en_tls_options_set_versions", "handshake"),
                        "connect", "localhost", server.port)


# Who shows which certificate to whom dials what, and what comes of it.
REFUSED = (
    ("expired", "localhost", "EN_ETLS_EXPIRED",
     ("CN=expired", "issued by CN=authority", "expired on 2020-02-03", "needs a new one")),
    ("not-yet-valid", "localhost", "EN_ETLS_NOT_YET_VALID", ("CN=not-yet-valid", "before 3000-02-03", "the clock here")),
    ("wrong-name", "localhost", "EN_ETLS_NAME_MISMATCH",
     ('is not for "localhost" but for example.test, another.test', "en_tls_options_set_verified_name")),
    ("address", "localhost", "EN_ETLS_NAME_MISMATCH", 'is not for "localhost" but for 127.0.0.1'),
    ("wrong-name", "127.0.0.1", "EN_ETLS_NAME_MISMATCH", 'is not for "127.0.0.1" but for example.test'),
    ("wildcard", "two.deep.example.test", "EN_ETLS_NAME_MISMATCH", "but for *.example.test"),
    ("wildcard", "example.test", "EN_ETLS_NAME_MISMATCH", "but for *.example.test"),
    ("unknown-issuer", "localhost", "EN_ETLS_UNKNOWN_ISSUER", ("issued by CN=other-authority", "en_tls_options_add_ca_file")),
    ("incomplete", "localhost", "EN_ETLS_UNKNOWN_ISSUER",
     ("issued by CN=intermediate", "does not send its intermediate certificates")),
    ("self-signed", "localhost", "EN_ETLS_SELF_SIGNED",
     ("signed by itself", "en_tls_options_add_pinned_certificate_file")),
    ("authority", "localhost", "EN_ETLS_CA_AS_LEAF", ("CN=authority", "must not be used by a peer")),
    ("client", "client", "EN_ETLS_WRONG_PURPOSE", ("CN=client", "extendedKeyUsage")))
ACCEPTED = (("good", "localhost"), ("good", "127.0.0.1"), ("address", "127.0.0.1"), ("wildcard", "one.example.test"),
            ("chained", "localhost"), ("wrong-name", "another.test"))


def certificates_of_servers(probe, certificates):
    for option in ("-tls1_2", "-tls1_3"):
        for shown, dialled, code, parts in REFUSED:
            with tls_servers.s_server(certificates.identity(shown), option) as server:
                probe.begin(f"ca {certificates.ca}", f"server_name {dialled}")
                for _ in range(2):
                    probe.fails(code, parts, "connect", "127.0.0.1", server.port)
                probe.fails(code, (f"127.0.0.1:{server.port}", "handshake"), "connect", "127.0.0.1", server.port)
                # The server is told, too.
                server.says("alert")
        for shown, dialled in ACCEPTED:
            with tls_servers.s_server(certificates.identity(shown), option) as server:
                probe.begin(f"ca {certificates.ca}", f"server_name {dialled}")
                probe.ok("connect", "127.0.0.1", server.port)
                check(f" name={dialled} " in probe.facts(), probe.facts())
                chat(probe, server)
                probe.ok("close")


def revocation(probe, certificates):
    for shown, code, parts in (
            ("good", None, ()), ("revoked", "EN_ETLS_REVOKED", ("CN=revoked", "has been revoked")),
            ("chained", "EN_ETLS_UNKNOWN_REVOCATION",
             ("CN=chained", "issued by CN=intermediate", "en_tls_options_set_unknown_revocation"))):
        with tls_servers.s_server(certificates.identity(shown)) as server:
            probe.begin(f"ca {certificates.ca}")
            probe.ok("connect", "localhost", server.port)
            probe.ok("close")
            probe.begin(f"ca {certificates.ca}", f"crl {certificates.file('revocation-list.pem')}")
            if code is None:
                probe.ok("connect", "localhost", server.port)
            else:
                probe.fails(code, parts, "connect", "localhost", server.port)


def pins(probe, certificates):
    pem = certificates.identity("unknown-issuer")[0]
    key = subprocess.run([program("openssl", "openssl"), "x509", "-in", pem, "-noout", "-pubkey"],
                         capture_output=True, check=True).stdout
    der = subprocess.run([program("openssl", "openssl"), "pkey", "-pubin", "-outform", "DER"], input=key,
                         capture_output=True, check=True).stdout
    digest = hashlib.sha256(der).hexdigest()
    with tls_servers.s_server(certificates.identity("unknown-issuer")) as server:
        for pin in (f"pin {pem}", f"pin_key {digest}"):
            probe.begin(pin)
            probe.ok("connect", "127.0.0.1", server.port)
            chat(probe, server)
            probe.ok("close")
        probe.begin(f"pin {certificates.identity('good')[0]}")
        probe.fails("EN_ETLS_NOT_PINNED", (digest, "CN=unknown-issuer"), "connect", "localhost", server.port)
    # Tools still make certificates of X.509 version 1.
    for option in ("-tls1_2", "-tls1_3"):
        with tls_servers.s_server(certificates.identity("version-1"), option) as server:
            probe.begin(f"pin {certificates.identity('version-1')[0]}")
            probe.ok("connect", "localhost", server.port)
            chat(probe, server)
            probe.ok("close")
            probe.begin(f"ca {certificates.identity('version-1')[0]}")
            probe.fails("EN_ETLS_BAD_ENCODING", ("CN=version-1", "not X.509 version 3", "pin its certificate"),
                        "connect", "localhost", server.port)


def names(probe, certificates):
    with tls_servers.s_server(certificates.identity("wrong-name"), "-servername", "example.test", "-cert2",
                              certificates.identity("wrong-name")[0], "-key2", certificates.identity("wrong-name")[1],
                              "-servername_fatal") as server:
        probe.begin(f"ca {certificates.ca}", "server_name example.test")
        probe.ok("connect", "127.0.0.1", server.port)
        check("name=example.test" in probe.facts(), probe.facts())
        probe.ok("close")
        # Asked for by another name than the one that is verified: this server minds.
        probe.begin(f"ca {certificates.ca}", "server_name example.test", "sni elsewhere.test")
        probe.fails("EN_ETLS_ALERT", "unrecognized_name (112)", "connect", "127.0.0.1", server.port)
        # None is asked for, and none is looked at.
        probe.begin(f"ca {certificates.ca}", "verified_name example.test", ("sni", ""))
        probe.ok("connect", "127.0.0.1", server.port)
        probe.ok("close")


def client_certificates(probe, certificates):
    def settings(*more):
        return f"ca {certificates.ca}", *more

    for option in ("-tls1_2", "-tls1_3"):
        with tls_servers.s_server(certificates.identity("good"), option, "-Verify", "2", "-CAfile", certificates.ca,
                                  "-verify_return_error") as server:
            for shown in ("client", "version-1-client"):
                probe.begin(*settings("identity " + " ".join(certificates.identity(shown))))
                probe.ok("connect", "localhost", server.port)
                server.says(f"CN = {shown}")
                chat(probe, server)
                probe.ok("close")
            for identity, part in (((), ("certificate_required (116)", "en_tls_options_set_identity_files")
                                    if option == "-tls1_3" else ("handshake_failure (40)", "client certificate")),
                                   (("identity " + " ".join(certificates.identity("other-client")),),
                                    ("unknown_ca (48)", "does not trust the authority of our certificate")),
                                   (("identity " + " ".join(certificates.identity("expired-client")),),
                                    ("certificate_expired (45)", "our certificate has expired"))):
                probe.begin(*settings(*identity))
                refused(probe, server, option, part)


def refused(probe, server, option, parts):
    """TLS 1.3 lets the client finish first, so it hears of it with the first receive."""
    if option == "-tls1_2":
        probe.fails("EN_ETLS_ALERT", (*parts, "handshake"), "connect", "localhost", server.port)
    else:
        probe.ok("connect", "localhost", server.port)
        probe.fails("EN_ETLS_ALERT", parts, "recv")
        probe.fails("EN_ETLS_ALERT", parts, "recv")


def application_protocols(probe, certificates):
    with tls_servers.s_server(certificates.identity("good"), "-alpn", "second,third") as server:
        probe.begin(f"ca {certificates.ca}", "alpn first", "alpn second")
        probe.ok("connect", "localhost", server.port)
        check(" alpn=second " in probe.facts(), probe.facts())
        probe.ok("close")
        probe.begin(f"ca {certificates.ca}")
        probe.ok("connect", "localhost", server.port)
        check(" alpn=- " in probe.facts(), probe.facts())
        probe.ok("close")
        probe.begin(f"ca {certificates.ca}", "alpn first")
        probe.fails("EN_ETLS_ALERT", "no_application_protocol (120)", "connect", "localhost", server.port)


def resumption(probe, certificates):
    def connect(port, kind):
        probe.ok("connect", "localhost", port)
        check(probe.facts().endswith(kind), f"expected a {kind} session: {probe.facts()}")
        # Tickets come with what is received.
        chat(probe, server)
        probe.ok("close")

    for option in ("-tls1_2", "-tls1_3"):
        with tls_servers.s_server(certificates.identity("good"), option) as server:
            probe.begin(f"ca {certificates.ca}")
            connect(server.port, "new")
            connect(server.port, "resumed")
            connect(server.port, "resumed")
            probe.begin(f"ca {certificates.ca}")
            connect(server.port, "new")
            probe.begin(f"ca {certificates.ca}", "session_cache 0")
            connect(server.port, "new")
            connect(server.port, "new")
        with tls_servers.s_server(certificates.identity("good"), option, "-no_ticket", "-no_cache") as server:
            probe.begin(f"ca {certificates.ca}")
            connect(server.port, "new")
            connect(server.port, "new")


def key_updates(probe, certificates):
    with tls_servers.s_server(certificates.identity("good"), "-tls1_3") as server:
        probe.begin(f"ca {certificates.ca}")
        probe.ok("connect", "localhost", server.port)
        chat(probe, server)
        for command in "kKkK":  # ours follows after K
            server.write(f"{command}\n")
            chat(probe, server)
        probe.ok("close")


def ends(probe, certificates):
    good = certificates.identity("good")

    def connect(server, *settings):
        probe.begin(f"ca {certificates.ca}", *settings)
        probe.ok("connect", "localhost", server.port)
        chat(probe, server)

    for option in ("-tls1_2", "-tls1_3"):
        with tls_servers.s_server(good, option) as server:
            # After q the server ends the connection without a word about the end of TLS.
            connect(server)
            server.write("q\n")
            for _ in range(2):
                probe.fails("EN_ETLS_TRUNCATED", "close_notify", "recv")
            probe.ok("close")
            connect(server, "standard_compatible 0")
            server.write("q\n")
            for _ in range(2):
                probe.fails("EN_ECONNABORTED", "ended", "recv")
            probe.ok("close")
            # Only both directions can be ended.
            connect(server)
            probe.fails("EN_EOPNOTSUPP", "TLS cannot end one direction", "send_eof")
            chat(probe, server)
            server.stop()
            probe.fails("EN_ETLS_TRUNCATED", "close_notify", "recv")
            probe.fails("EN_ECONNREFUSED", f":{server.port}", "connect", "localhost", server.port)
        # A page, and then the end, which is said.
        with tls_servers.s_server(good, option, "-www") as server:
            probe.begin(f"ca {certificates.ca}")
            probe.ok("connect", "localhost", server.port)
            probe.ok("send", "GET / HTTP/1.0")
            probe.expect("got HTTP/1.0 200 ok", "recv")
            while (got := probe.do("recv")).startswith("got "):
                pass
            check(got.startswith("EN_ECONNABORTED: ") and "ended" in got, got)
            probe.fails("EN_ECONNABORTED", "ended", "recv")


def no_tls(probe, certificates):
    """Who never speaks TLS, or does not go on to."""
    probe.begin(f"ca {certificates.ca}")
    with Script(1, lambda _hello: [b"220 mail.test ESMTP ready\r\n"]) as server:
        probe.fails("EN_ETLS_PROTOCOL", ("is not TLS", "STARTTLS"), "connect", "localhost", server.port)
    with Script(1, lambda _hello: []) as server:
        probe.fails("EN_ECONNABORTED", "in the midst of the TLS handshake", "connect", "localhost", server.port)
    with tls_servers.s_server(certificates.identity("good")) as server:
        probe.ok("connect", "localhost", server.port)
        chat(probe, server)
        server.write("P\n")  # in the clear
        for _ in range(2):
            probe.fails("EN_ETLS_PROTOCOL", "is not TLS", "recv")
        probe.ok("close")


def openssl(path, folder):
    certificates = Certificates(folder)
    with Probe(path) as probe:
        for test in (versions, certificates_of_servers, revocation, pins, names, client_certificates, application_protocols,
                     resumption, key_updates, ends, no_tls):
            test(probe, certificates)


# ---- GnuTLS ----

LARGE = 1 << 20


def gnutls(path, folder):
    certificates = Certificates(folder)
    good = certificates.identity("good")
    with Probe(path) as probe:
        for version, priority in (("1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2"), ("1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3")):
            with tls_servers.gnutls_echo(good, "--disable-client-cert", "--priority", priority) as server:
                probe.begin(f"ca {certificates.ca}")
                for kind in ("new", "resumed"):
                    probe.ok("connect", "localhost", server.port)
                    facts = probe.facts()
                    check(facts.startswith(f"TLS {version} ") and facts.endswith(kind), facts)
                    for text in ("one", "two"):
                        probe.ok("send", text)
                        probe.expect(f"got {text}", "recv")
                    probe.ok("close")
        with tls_servers.gnutls_echo(good, "--require-client-cert", "--verify-client-cert", "--x509cafile",
                                     certificates.ca) as server:
            probe.begin(f"ca {certificates.ca}", "identity " + " ".join(certificates.identity("client")))
            probe.ok("connect", "localhost", server.port)
            probe.ok("send", "who am I")
            probe.expect("got who am I", "recv")
            probe.ok("close")
        with tls_servers.gnutls_echo(certificates.identity("expired"), "--disable-client-cert") as server:
            probe.begin(f"ca {certificates.ca}")
            probe.fails("EN_ETLS_EXPIRED", ("CN=expired", "expired on 2020-02-03"), "connect", "localhost", server.port)


# ---- Redis ----

def redis_tls(example_path, probe_path, folder):
    certificates = Certificates(folder)
    good, ca = certificates.identity("good"), certificates.ca
    example = Example(example_path)
    with tls_servers.redis_tls(good, ca, "--tls-auth-clients", "no") as server:
        place = ("-c", ca, "localhost", server.port)
        check("3) \"apple\"" in example.run(*place), "the session does not show what it should")
        large = "x" * 300000
        example.expect(f"> SET large {large[:100000]}\nOK\n", *place, "SET", "large", large[:100000])
        example.expect(f'> GET large\n"{large[:100000]}"\n', *place, "GET", "large")
        example.complains("leads to no trusted authority", "-c", certificates.other, "localhost",
                          server.port, "PING")
        example.complains("/nowhere/ca.pem", "-c", "/nowhere/ca.pem", "localhost", server.port, "PING")
    with tls_servers.redis_tls(good, ca) as server, Probe(probe_path) as probe:
        probe.begin(f"ca {ca}", "identity " + " ".join(certificates.identity("client")))
        probe.ok("connect", "localhost", server.port)
        probe.ok("send", "PING")
        probe.expect("got +PONG", "recv")
        probe.ok("close")
        probe.begin(f"ca {ca}")
        probe.ok("connect", "localhost", server.port)
        probe.fails("EN_ETLS_ALERT", ("certificate_required (116)", "en_tls_options_set_identity_files"), "recv")


