"""The sweep refuses a header with something in it that it has no rule for, and a rule for nothing.

    test_generator.py INCLUDE_FOLDER
"""

import pathlib
import sys
import unittest

import header
import sweep
from rules_families import all_rules

CDEF = (pathlib.Path(sys.argv.pop()) / "easynet.cdef.h").read_text()
RULES = all_rules([function.name for function in header.functions(CDEF)])
OTHERS = {name: rule for name, rule in RULES.items() if name != "en_cancel_trigger"}


class Generator(unittest.TestCase):
    def refuses(self, cdef, rules, reason):
        with self.assertRaisesRegex(sweep.Unruly, reason):
            sweep.program(header.functions(cdef), rules)

    def test_every_function_is_called(self):
        text = sweep.program(header.functions(CDEF), RULES)
        for name in RULES:
            self.assertIn(f"{name}(", text)

    def test_every_argument_is_garbage_once(self):
        text = sweep.program(header.functions(CDEF), RULES)
        for function in header.functions(CDEF):
            for parameter in function.parameters:
                self.assertIn(f'"{function.name}: {parameter.name} is ', text)

    def test_function_without_rule(self):
        self.refuses(CDEF + "int en_new_thing(void *thing);", RULES, "en_new_thing is in the header")

    def test_rule_without_function(self):
        self.refuses(CDEF, RULES | {"en_old_thing": RULES["en_cancel_trigger"]}, "en_old_thing has a rule")

    def test_parameter_without_rule(self):
        changed = CDEF.replace("int en_cancel_trigger(en_cancel_t *cancel);",
                               "int en_cancel_trigger(en_cancel_t *cancel, int how);")
        self.assertNotEqual(changed, CDEF)
        self.refuses(changed, RULES, "en_cancel_trigger names")

    def test_integer_that_became_a_pointer(self):
        changed = CDEF.replace("const char *en_strerror(int code);", "const char *en_strerror(int *code);")
        self.assertNotEqual(changed, CDEF)
        self.refuses(changed, RULES, "is no Number")


unittest.main()
