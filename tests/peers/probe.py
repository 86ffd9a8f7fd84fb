"""Talks to tls_probe, a client that does what it is told."""

import queue
import subprocess
import threading

from example import WRAPPER, check
from peer import PATIENCE, Failure


class Probe:
    """Each command is answered by one line: "ok", what was asked for, or a code and a message."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        self._process = subprocess.Popen(WRAPPER + [self._path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True, errors="replace")
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def do(self, *words):
        """Gives a command; answers its answer."""
        self._process.stdin.write("\t".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        try:
            line = self._lines.get(timeout=PATIENCE * 5)
        except queue.Empty:
            raise Failure(f"{words}: the probe does not answer") from None
        if line is None:
            raise Failure(f"{words}: the probe has ended with status {self._process.wait(PATIENCE)}")
        return line

    def expect(self, wanted, *words):
        got = self.do(*words)
        check(got == wanted, f"{words}: expected\n{wanted}\ngot\n{got}")

    def ok(self, *words):
        self.expect("ok", *words)

    def fails(self, code, parts, *words):
        """The code, and all parts of the message."""
        got = self.do(*words)
        check(got.startswith(code + ": "), f"{words}: expected {code}, got\n{got}")
        for part in parts if isinstance(parts, tuple) else (parts,):
            check(part in got, f"{words}: expected \"{part}\" in\n{got}")

    def begin(self, *settings):
        """Forgets everything, sessions too, and sets these; words have spaces between them."""
        self.ok("reset")
        for setting in settings:
            self.ok("set", *(setting.split(" ") if isinstance(setting, str) else setting))

    def facts(self):
        return self.do("facts")

    def __exit__(self, kind, *_):
        self._process.stdin.close()
        try:
            status = self._process.wait(PATIENCE * 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        rest = []
        while not self._lines.empty():
            rest.append(str(self._lines.get()))
        if kind is None:
            check(status == 0, f"the probe ends with status {status}:\n" + "\n".join(rest))
