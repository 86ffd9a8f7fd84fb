"""Servers to talk to: started on a free loopback port, ready when entered, gone when left."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.parse

LOOPBACK = "127.0.0.1"
PATIENCE = 60  # seconds; only ever used up when something is broken


class Failure(Exception):
    """What is wrong, as the person who runs the tests should read it."""


def program(name, package):
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        raise Failure(f"{name} is not installed: apt-get install {package}")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def socket_path(folder):
    return os.path.join(folder, "socket")


def write_config(folder, text):
    """Writes a configuration file; answers where."""
    path = os.path.join(folder, "config")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Process:
    """A program whose output is read while it runs, and whose input can be written to."""

    def __init__(self, command, folder):
        self.lines = []
        self._has_ended = False
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()

    def wait_for(self, text, after=0):
        """The first line with the text, not counting the first `after`; None if the program has
        ended without one."""
        found = []

        def look():
            found[:] = [line for line in self.lines[after:] if text in line]
            return found or self._has_ended

        with self._news:
            if not self._news.wait_for(look, PATIENCE):
                raise Failure(f"the server does not say \"{text}\":\n" + "".join(self.lines))
        return found[0] if found else None

    def write(self, text):
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def wait(self):
        """Its status, when it has ended by itself."""
        return self._process.wait(PATIENCE)

    @property
    def status(self):
        return self._process.returncode

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()


class Server:
    """A process with a port and a temporary folder: `command` is made from the two. `path` is for a
    Unix socket in that folder, if it makes one."""

    def __init__(self, command, ready):
        self._command = command
        self._ready = ready
        self.host = LOOPBACK
        self.port = None

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="easynet-peer-")
        self.path = socket_path(self._folder.name)
        try:
            self._process = self._start()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def _start(self):
        # Somebody else may take the free port first: then another one.
        for _ in range(10):
            self.port = free_port()
            process = Process(self._command(self.port, self._folder.name), self._folder.name)
            try:
                self.ready_line = process.wait_for(self._ready)
                if self.ready_line is not None:
                    return process
            except BaseException:
                process.stop()
                raise
            process.stop()
        raise Failure("the server does not start:\n" + "".join(process.lines))

    def __exit__(self, *_):
        self._process.stop()
        self._folder.cleanup()

    def stop(self):
        self._process.stop()

    def says(self, text, after=0):
        """Waits for a line with the text and answers it."""
        line = self._process.wait_for(text, after)
        if line is None:
            raise Failure(f"the server has ended and did not say \"{text}\":\n" + "".join(self._process.lines))
        return line

    def said(self):
        """The lines so far."""
        return list(self._process.lines)

    def write(self, text):
        self._process.write(text)


def redis():
    path = program("redis-server", "redis-server")

    def command(port, folder):
        return [path, "--port", str(port), "--bind", LOOPBACK, "--unixsocket", socket_path(folder), "--dir", folder,
                "--save", "", "--appendonly", "no", "--daemonize", "no"]

    # The line for the Unix socket is the last one.
    return Server(command, "ready to accept connections at")


LARGE_TEXTS = [letter * 200 for letter in "abc"]
DNS_RECORDS = """
host-record=host.test,192.0.2.1,2001:db8::1
host-record=twice.test,192.0.2.2
host-record=twice.test,192.0.2.3
cname=alias.test,host.test
address=/wild.test/192.0.2.4
mx-host=mail.test,host.test,10
txt-record=text.test,"two words","say \\"hello\\""
txt-record=large.test,""" + ",".join(LARGE_TEXTS) + """
local=/test/
"""


def dnsmasq():
    path = program("dnsmasq", "dnsmasq-base")
    user = pwd.getpwuid(os.getuid()).pw_name

    def command(port, folder):
        config = write_config(folder, f"port={port}\nlisten-address={LOOPBACK}\nbind-interfaces\nno-resolv\n"
                              f"no-hosts\npid-file=\nuser={user}\nlog-facility=-\n{DNS_RECORDS}")
        # Without a fork of its own: it ends with us.
        return [path, "--no-daemon", f"--conf-file={config}"]

    return Server(command, "started, version")


DBUS_LIMITS = ("max_message_unix_fds", "max_incoming_unix_fds", "max_outgoing_unix_fds")


def dbus_daemon():
    path = program("dbus-daemon", "dbus-daemon")

    def command(_port, folder):
        place = urllib.parse.quote(socket_path(folder))
        limits = "".join(f'<limit name="{name}">1000</limit>' for name in DBUS_LIMITS)
        config = write_config(folder, f"""
            <busconfig>
              <type>session</type>
              <listen>unix:path={place}</listen>
              <listen>unix:abstract={place}</listen>
              <auth>EXTERNAL</auth>
              <policy context="default">
                <allow send_destination="*"/>
                <allow receive_sender="*"/>
                <allow own="*"/>
              </policy>
              {limits}
            </busconfig>""")
        return [path, f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog", "--print-address=1"]

    return Server(command, "unix:path=")


def log_path(path):
    return path + ".log"


def rsyslogd():
    """It writes what it is sent into a file: `log_path(server.path)`."""
    path = program("rsyslogd", "rsyslog")

    def command(_port, folder):
        config = write_config(folder, f"""
            global(processInternalMessages="on" maxMessageSize="64k")
            module(load="imuxsock" sysSock.use="off")
            input(type="imuxsock" socket="{socket_path(folder)}" usePIDFromSystem="on" rateLimit.interval="0")
            main_queue(queue.workerThreads="1")
            template(name="plain" type="string" string="%pri% %syslogtag%%msg%\\n")
            if $syslogtag startswith "rsyslogd" then {{
                action(type="omfile" file="/dev/stdout")
                stop
            }}
            action(type="omfile" file="{log_path(socket_path(folder))}" template="plain")
            """)
        return [path, "-n", "-i", "NONE", "-f", config]

    return Server(command, "] start")


def echo_server(path):
    """The one of this project. It chooses its port itself and says which."""

    class Echo(Server):
        def _start(self):
            process = super()._start()
            self.port = int(self.ready_line.strip().rsplit(":", 1)[1])
            return process

    return Echo(lambda _port, _folder: [path], f"listening on {LOOPBACK}:")


class Script:
    """A server that takes one connection, reads `question_size` bytes and sends an answer, in
    pieces, made of what it has read."""

    def __init__(self, question_size, answer):
        self._question_size = question_size
        self._answer = answer

    def __enter__(self):
        self._listener = socket.create_server((LOOPBACK, 0))
        self._listener.settimeout(PATIENCE)
        self.host, self.port = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def _serve(self):
        try:
            with self._listener.accept()[0] as connection:
                connection.settimeout(PATIENCE)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                question = b""
                while len(question) < self._question_size:
                    piece = connection.recv(4096)
                    if not piece:
                        return
                    question += piece
                for piece in self._answer(question):
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
        except OSError:
            pass  # the client has had enough

    def __exit__(self, *_):
        self._listener.close()
        self._thread.join()


class DatagramScript:
    """A server that answers each datagram with those that `answer` makes of it, and keeps what it
    was sent in `questions`."""

    def __init__(self, answer):
        self._answer = answer
        self.questions = []

    def __enter__(self):
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, 0))
        self.host, self.port = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def _serve(self):
        while True:
            question, sender = self._socket.recvfrom(65535)
            if sender == (self.host, self.port):
                return  # our own good-bye
            self.questions.append(question)
            for datagram in self._answer(question):
                self._socket.sendto(datagram, sender)

    def __exit__(self, *_):
        self._socket.sendto(b"", (self.host, self.port))
        self._thread.join()
        self._socket.close()
