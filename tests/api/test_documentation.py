"""Every function says what it does, from which threads it may be called, and how it fails."""

import pathlib
import re
import sys
import unittest

import header

INCLUDE = pathlib.Path(sys.argv.pop(1))

THREAD_TAGS = (
    r"Thread-safe[.,]",
    r"One thread at a time[.,]",
    r"Loop thread only[.,]",
    r"Thread of the `\w+` callback only[.,]",
)

# These return int, and it is no code.
NEVER_FAIL = re.compile(r"en_error_is_connection|en_\w+_fileno")

# What a comment need not mention by name: the words of the conventions, told at the types.
CONVENTIONAL = {"out", "timeout_ms", "client", "transport", "endpoint", "options", "address", "cancel", "protocol", "iter", "frame", "user_data",
                "ancillary"}

# Where the comment of another function tells about the same parameters.
TOLD_ELSEWHERE = re.compile(r"those of|see the function of|otherwise as|as `en_|as \w+\(2\) does")

# Parameters that a sentence may tell with other words.
OTHER_WORDS = {"data": {"size", "bytes"}, "one": {"both"}, "other": {"both"}}


def told(name, words):
    """Whether each part of the name begins a word of the comment: `flow_info`, "flow information"."""
    parts = name.removesuffix("_ms").removesuffix("_s").split("_")
    return bool(OTHER_WORDS.get(name, set()) & words) or all(
        any(word.startswith(part) for word in words) for part in parts)


class Documentation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.functions = header.functions((INCLUDE / "easynet.cdef.h").read_text())
        text = (INCLUDE / "easynet.h").read_text()
        cls.comments = header.comments(text)
        cls.codes = set(re.findall(r"^#define (EN_E\w+|EN_WANT_\w+|EN_OK)\b", text, flags=re.M))
        cls.header = text

    def for_each(self, check):
        for function in self.functions:
            with self.subTest(function.name):
                check(function, self.comments.get(function.name, ""))

    def test_something_is_declared(self):
        self.assertGreater(len(self.functions), 50)

    def test_both_headers_declare_the_same(self):
        declared = set(re.findall(r"^[a-z][^\n;{}(]*?\b(en_\w+)\(", self.header, flags=re.M))
        self.assertEqual(declared, {function.name for function in self.functions})

    def test_comment(self):
        def check(_, comment):
            self.assertGreater(len(comment.split("\n\n")[0]), 10, "there is no comment that says what it does")
        self.for_each(check)

    def test_thread_tag(self):
        def check(_, comment):
            tags = [tag for tag in THREAD_TAGS if re.search(rf"^{tag}", comment, flags=re.M)]
            self.assertEqual(len(tags), 1, f"one line begins with one thread tag, here {tags}")
        self.for_each(check)

    def test_result(self):
        def check(function, _):
            self.assertNotEqual(function.result, "int32_t", "a code is an int")
        self.for_each(check)

    def test_types(self):
        """Nothing that languages disagree on: no struct and no enum by value, no long, no bool."""
        callbacks = set(re.findall(r"typedef [\w ]+\(\*(en_\w+)\)\(", self.header))

        def is_plain(type_):
            return type_ in callbacks or re.fullmatch(r"int|size_t|u?int\d+_t", type_) or (
                type_.endswith("*") and "long" not in type_ and "_Bool" not in type_)

        def check(function, _):
            types = [parameter.type for parameter in function.parameters]
            self.assertEqual([type_ for type_ in types if not is_plain(type_)], [])
            self.assertTrue(is_plain(function.result) or function.result == "void", function.result)
        self.for_each(check)

    def test_errors(self):
        def check(function, comment):
            fails = function.result == "int" and not NEVER_FAIL.fullmatch(function.name)
            self.assertEqual("Errors:" in comment, fails, "\"Errors:\" belongs to what can fail, and only there")
        self.for_each(check)

    def test_errors_exist(self):
        def check(_, comment):
            named = re.findall(r"`(EN_E\w+)(?:\.\.\.)?`", comment)
            unknown = [name for name in named
                       if not (name.endswith("_") and any(code.startswith(name) for code in self.codes))
                       and name not in self.codes]
            self.assertEqual(unknown, [])
        self.for_each(check)

    def test_references_exist(self):
        types = set(re.findall(r"\b(en_\w+_t)\b", self.header))
        known = types | {function.name for function in self.functions}

        def check(_, comment):
            self.assertEqual([name for name in re.findall(r"`(en_\w+)`", comment) if name not in known], [])
        self.for_each(check)

    def test_parameters(self):
        def check(function, comment):
            names = [parameter.name for parameter in function.parameters]
            self.assertTrue(all(names), "a parameter has no name")
            own = [name for name in names if name not in CONVENTIONAL]
            if len(own) < 2 or TOLD_ELSEWHERE.search(comment):
                return  # one parameter is what the whole comment is about
            words = {word.lower() for word in re.findall(r"[A-Za-z0-9]+", comment)}
            missing = [name for name in own if not told(name, words)]
            self.assertEqual(missing, [], "parameters that the comment does not mention")
        self.for_each(check)


unittest.main()
