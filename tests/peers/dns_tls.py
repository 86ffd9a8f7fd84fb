"""dns_tls, against unbound."""

import tls_servers
from example import Example
from peer import LOOPBACK
from tls_certificates import Certificates


def lookups(example, server, trust):
    place = (*trust, LOOPBACK, server.port)
    for wanted, *question in (
            ("host.test. 3600 A 192.0.2.1\n", "host.test"),
            ("host.test. 3600 AAAA 2001:db8::1\n", "host.test", "AAAA"),
            ("mail.test. 3600 MX 10 host.test.\n", "mail.test", "MX"),
            ('text.test. 3600 TXT "two words"\n', "text.test", "TXT"),
            ('large.test. 3600 TXT ' + " ".join(f'"{text}"' for text in tls_servers.LARGE_TEXTS) + "\n",
             "large.test", "TXT"),
            ("1.2.0.192.in-addr.arpa. 3600 PTR host.test.\n", "1.2.0.192.in-addr.arpa", "PTR")):
        example.expect(wanted, *place, *question)
    example.complains("no such name", *place, "missing.test")
    example.complains("no record of this type", *place, "twice.test", "AAAA")
    example.complains("name is none", *place, "a..test")


def trust(example, certificates, server):
    by_name, port = ("-n", "localhost"), server.port
    ca, other = ("-c", certificates.ca), ("-c", certificates.other)
    example.complains("leads to no trusted authority", *by_name, *other, LOOPBACK, port, "host.test")
    example.complains('is not for "name.test" but for', *ca, "-n", "name.test", LOOPBACK, port, "host.test")
    example.complains("/nowhere/ca.pem", "-c", "/nowhere/ca.pem", LOOPBACK, port, "host.test")


def dns_tls(path, folder):
    certificates = Certificates(folder)
    example = Example(path)
    with tls_servers.unbound(certificates.identity("good")) as server:
        lookups(example, server, ("-c", certificates.ca, "-n", "localhost"))
        # The certificate has the address, too.
        example.expect("host.test. 3600 A 192.0.2.1\n", "-c", certificates.ca, LOOPBACK, server.port, "host.test")
        trust(example, certificates, server)
        server.stop()
        example.complains(f"{LOOPBACK}:{server.port}", "-c", certificates.ca, LOOPBACK, server.port, "host.test")
    with tls_servers.unbound(certificates.identity("expired")) as server:
        example.complains("expired on", "-c", certificates.ca, "-n", "localhost", LOOPBACK, server.port, "host.test")
    example.complains("usage", status=2)
    example.complains("usage", "-c", certificates.ca, "-n", "localhost", LOOPBACK, 853, status=2)
    example.complains("port is none", "-n", "localhost", LOOPBACK, 0, "a.test", status=2)
    example.complains("type is none", LOOPBACK, 853, "a.test", "NONE", status=2)
