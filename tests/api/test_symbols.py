"""The shared library exports what the list says, and the list says what the header declares.

    test_symbols.py LIBRARY INCLUDE_FOLDER
"""

import pathlib
import re
import subprocess
import sys
import unittest

import header

INCLUDE = pathlib.Path(sys.argv.pop())
LIBRARY = sys.argv.pop()
VERSION = header.version()
LIST = pathlib.Path(__file__).with_name("symbols.txt")


def number(version):
    return tuple(int(part) for part in version.split("."))


class Symbols(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lines = [line.split() for line in LIST.read_text().splitlines() if not line.startswith("#")]
        cls.listed = [line[0] for line in cls.lines]

    def test_list_is_sorted_and_whole(self):
        self.assertEqual(self.listed, sorted(set(self.listed)))
        for line in self.lines:
            self.assertEqual(len(line), 2, f"a symbol and a version: {line}")
            self.assertRegex(line[1], r"^\d+\.\d+\.\d+$")
            self.assertLessEqual(number(line[1]), number(VERSION), f"{line[0]} comes from the future")

    def test_list_is_the_header(self):
        declared = header.functions((INCLUDE / "easynet.cdef.h").read_text())
        self.assertEqual(sorted(function.name for function in declared), self.listed)

    def test_list_is_the_library(self):
        shown = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True, check=True)
        exported = [re.sub(r"@.*", "", line.split()[-1]) for line in shown.stdout.splitlines()]
        self.assertEqual(sorted(exported), self.listed)


unittest.main()
