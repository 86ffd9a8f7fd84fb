"""Numbers never change: those of the constants are what the list says, in both headers, and codes are errno's.

    test_constants.py INCLUDE_FOLDER
"""

import errno
import pathlib
import re
import sys
import unittest

INCLUDE = pathlib.Path(sys.argv.pop())
LIST = pathlib.Path(__file__).with_name("constants.txt")
# Codes that stand for an errno of another name.
RENAMED = {
    "EN_WANT_READ": "EAGAIN",
    "EN_ECLOSED": "EBADFD",
    "EN_EPANIC": "ENOTRECOVERABLE",
    "EN_EFORKED": "EOWNERDEAD",
}
# Those that no errno stands for are beyond all of them.
LAST_ERRNO = -133


def numbers(pattern, name):
    text = (INCLUDE / name).read_text()
    found = re.findall(pattern, text, flags=re.M)
    return {name: int(number) for name, number in found if not name.startswith("EN_VERSION_")}


class Constants(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        lines = [line.split() for line in LIST.read_text().splitlines() if not line.startswith("#")]
        cls.names = [name for name, _ in lines]
        cls.listed = {name: int(number) for name, number in lines}

    def test_list_is_sorted(self):
        self.assertEqual(self.names, sorted(set(self.names)))

    def test_list_is_the_header(self):
        self.assertEqual(numbers(r"^#define (EN_\w+) \(?(-?\d+)\)?$", "easynet.h"), self.listed)

    def test_list_is_the_header_without_directives(self):
        self.assertEqual(numbers(r"^ *(EN_\w+) = \(?(-?\d+)\)?,$", "easynet.cdef.h"), self.listed)

    def test_codes_are_those_of_errno(self):
        for name, number in self.listed.items():
            own = RENAMED.get(name, name.removeprefix("EN_"))
            if hasattr(errno, own):
                self.assertEqual(number, -getattr(errno, own), name)
            elif name.startswith("EN_E") and number < 0:
                self.assertLess(number, LAST_ERRNO, f"{name} has the number of another errno")


unittest.main()
