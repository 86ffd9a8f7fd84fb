"""Runs an example program, and looks at what it prints."""

import os
import shlex
import subprocess

from peer import PATIENCE, Failure

WRAPPER = shlex.split(os.environ.get("EASYNET_WRAPPER", ""))


def check(condition, what):
    if not condition:
        raise Failure(what)


class Example:
    """A program, with words that each call of it begins with."""

    def __init__(self, path, *words):
        self._command = [*WRAPPER, path, *words]

    def run(self, *words, status=0, given=""):
        """What it prints: to the output if `status` is 0, else to the error output."""
        done = self._done(*words, status=status, given=given)
        check(status != 0 or not done.stderr, f"{words}: errors without a bad status: {done.stderr}")
        return done.stderr if status else done.stdout

    def output_of(self, *words, status):
        """What it prints to the output, although it fails."""
        return self._done(*words, status=status).stdout

    def _done(self, *words, status, given=""):
        done = subprocess.run([*self._command, *map(str, words)], input=given,
                              capture_output=True, text=True, timeout=PATIENCE * 5, check=False)
        said = f"{' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}"
        check(done.returncode == status, f"expected status {status}, got {said}")
        return done

    def expect(self, wanted, *words):
        got = self.run(*words)
        check(got == wanted, f"{' '.join(map(str, words))}: expected\n{wanted}\ngot\n{got}")

    def complains(self, wanted, *words, status=1, given=""):
        got = self.run(*words, status=status, given=given)
        check(wanted in got and got.count("\n") == 1,
              f"{' '.join(map(str, words))}: expected one line with \"{wanted}\", got\n{got}")
