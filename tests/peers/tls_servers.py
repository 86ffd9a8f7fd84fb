"""TLS servers to talk to, each of another make."""

import os
import pwd

from peer import LOOPBACK, Server, program, write_config


def s_server(identity, *options):
    """OpenSSL's: what is written to it goes to the client, what the client sends it says. `identity` is
    a certificate chain and its key."""
    path = program("openssl", "openssl")
    chain, key = identity

    def command(port, _folder):
        return [path, "s_server", "-accept", f"{LOOPBACK}:{port}", "-cert", chain, "-cert_chain", chain,
                "-key", key, *options]

    return Server(command, "ACCEPT")


def gnutls_echo(identity, *options):
    """GnuTLS's, which echoes lines."""
    path = program("gnutls-serv", "gnutls-bin")
    chain, key = identity

    def command(port, _folder):
        # It would keep what it says to itself until it ends.
        return [program("stdbuf", "coreutils"), "-oL", path, "--echo", "--port", str(port),
                "--x509certfile", chain, "--x509keyfile", key, *options]

    return Server(command, "listening on IPv4")


def redis_tls(identity, ca, *options):
    """Redis; clients must have a certificate of `ca` unless an option says otherwise."""
    path = program("redis-server", "redis-server")
    chain, key = identity

    def command(port, folder):
        return [path, "--port", "0", "--tls-port", str(port), "--bind", LOOPBACK, "--tls-cert-file", chain,
                "--tls-key-file", key, "--tls-ca-cert-file", ca, "--dir", folder,
                "--save", "", "--appendonly", "no", "--daemonize", "no", *options]

    return Server(command, "Ready to accept connections")


PAGES = {
    "hello": b"hello, world\n",
    "empty": b"",
    "binary": bytes(range(256)) * 8,
    "large": b"0123456789abcde\n" * (3 << 16),  # 3 MiB
}


def nginx(identity):
    """Serves PAGES from the place /sized with their length, from /chunked in chunks, from /endless up
    to the end of the connection; /brief ends the connection behind each response. It says which request
    of which connection it has answered."""
    path = program("nginx", "nginx")
    chain, key = identity

    def command(port, folder):
        for name, page in PAGES.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(page)
        # What goes through SSI has no length beforehand.
        config = write_config(folder, f"""
            daemon off;
            master_process off;
            pid {folder}/pid;
            error_log stderr notice;
            events {{ }}
            http {{
                log_format brief "answered $request_uri with $status as request $connection_requests "
                                 "over $ssl_protocol for $http_host";
                access_log /dev/stdout brief;
                client_body_temp_path {folder}/body;
                proxy_temp_path {folder}/proxy;
                fastcgi_temp_path {folder}/fastcgi;
                uwsgi_temp_path {folder}/uwsgi;
                scgi_temp_path {folder}/scgi;
                default_type text/html;
                ssl_protocols TLSv1.2 TLSv1.3;
                ssl_certificate {chain};
                ssl_certificate_key {key};
                server {{
                    listen {LOOPBACK}:{port} ssl;
                    location /sized/ {{ alias {folder}/; }}
                    location /chunked/ {{ alias {folder}/; ssi on; }}
                    location /endless/ {{ alias {folder}/; ssi on; chunked_transfer_encoding off; }}
                    location /brief/ {{ alias {folder}/; keepalive_timeout 0; }}
                    location /moved {{ return 301 /sized/hello; }}
                    location /nothing {{ return 204; }}
                }}
            }}""")
        return [path, "-p", folder, "-e", "stderr", "-c", config]

    return Server(command, "getrlimit(RLIMIT_NOFILE)")


LARGE_TEXTS = [letter * 200 for letter in "abcdef"]
DNS_RECORDS = (
    "host.test. A 192.0.2.1", "host.test. AAAA 2001:db8::1", "twice.test. A 192.0.2.2",
    "twice.test. A 192.0.2.3", "mail.test. MX 10 host.test.", 'text.test. TXT "two words"',
    "large.test. TXT " + " ".join(f'"{text}"' for text in LARGE_TEXTS), "1.2.0.192.in-addr.arpa. PTR host.test.")


def unbound(identity):
    """A name server that knows of .test and asks nobody."""
    path = program("unbound", "unbound")
    chain, key = identity

    def command(port, folder):
        records = "".join(f"local-data: '{record}'\n" for record in DNS_RECORDS)
        config = write_config(folder, f"""
server:
interface: {LOOPBACK}@{port}
tls-port: {port}
tls-service-pem: "{chain}"
tls-service-key: "{key}"
do-daemonize: no
use-syslog: no
logfile: ""
verbosity: 1
username: "{pwd.getpwuid(os.getuid()).pw_name if os.getuid() else ''}"
chroot: ""
directory: "{folder}"
pidfile: ""
module-config: "iterator"
num-threads: 1
use-systemd: no
access-control: 127.0.0.0/8 allow
do-not-query-localhost: yes
local-zone: "test." static
{records}
remote-control:
control-enable: no
""")
        return [path, "-d", "-p", "-c", config]

    return Server(command, "start of service")
