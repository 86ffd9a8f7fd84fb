"""Writes a C program that calls every function of the header with NULL for each pointer and garbage
for each integer. Functions and rules (rules.py, rules_families.py, rules_tls.py) must be the same: who adds one adds the other.

    sweep.py EASYNET_CDEF_H OUTPUT
"""

import pathlib
import sys
from dataclasses import dataclass

import header
from rules import ANY, FAILURE, OK, Buffer, Given, Handle, Number, Output, Size, invalid
from rules_families import all_rules

GARBAGE = {
    "int": ("INT_MIN", "-1", "0", "1", "INT_MAX"),
    "int32_t": ("INT32_MIN", "-1", "0", "1", "INT32_MAX"),
    "int64_t": ("INT64_MIN", "-1", "0", "1", "INT64_MAX"),
    "uint16_t": ("0", "1", "UINT16_MAX"),
    "uint32_t": ("0", "1", "UINT32_MAX"),
    "uint64_t": ("0", "1", "UINT64_MAX"),
    "size_t": ("0", "1", "SIZE_MAX"),
}


class Unruly(Exception):
    """Header and rules do not fit together."""


@dataclass
class Case:
    what: str
    changed: dict  # arguments that are not the valid ones
    expected: object = OK
    number: object = None  # the Number whose `good` decides, with its value
    value: str = None
    type: str = None
    before: str = ""  # a statement in front of the call
    within: str = "NULL"  # what runs the case inside a callback


def check_rules(functions, rules):
    declared = {function.name: function for function in functions}
    for name in declared.keys() - rules.keys():
        raise Unruly(f"{name} is in the header, but has no rule in tests/api/rules.py")
    for name in rules.keys() - declared.keys():
        raise Unruly(f"{name} has a rule in tests/api/rules.py, but is not in the header")
    for name, function in declared.items():
        names = {parameter.name for parameter in function.parameters}
        if names != rules[name].parameters.keys():
            raise Unruly(f"the rule of {name} names {sorted(rules[name].parameters)}, the header {sorted(names)}")
        for parameter in function.parameters:
            kind = rules[name].parameters[parameter.name]
            if (parameter.integer is not None) != isinstance(kind, (Number, Size)):
                raise Unruly(f"{name}: {parameter.name} ({parameter.type}) is no {type(kind).__name__}")


def cases_of_pointer(name, kind, result):
    null = {name: "NULL"}
    if isinstance(kind, (Output, Handle)):
        yield Case(f"{name} is NULL", null, invalid(name))
    elif isinstance(kind, Buffer):
        yield Case(f"{name} is NULL", null, invalid(name))
        for size in ("1", "SIZE_MAX"):
            yield Case(f"{name} is NULL, {kind.size} {size}", null | {kind.size: size}, invalid(name))
        yield Case(f"{name} is NULL, {kind.size} 0", null | {kind.size: "0"}, kind.empty)
    else:
        may_fail = result in ("code", "value")
        yield Case(f"{name} is NULL", null, kind.null or (invalid(name) if may_fail else OK))
    for number, (argument, expected) in enumerate(getattr(kind, "variants", ())):
        yield Case(f"{name} is bad ({number})", {name: argument}, expected)


def cases_of_integer(name, kind, type_):
    if isinstance(kind, Size):
        for value, expected in kind.smaller:
            yield Case(f"{name} is {value}", {name: value}, expected)
        return
    for value in dict.fromkeys(GARBAGE[type_] + kind.extra):
        yield Case(f"{name} is {value}", {name: value}, ANY, kind, value, type_)


# Whose own protocol callbacks run a case: the client or endpoint that the function is of.
OWN = {"en_client_": "tcp", "en_tcp_client_": "tcp", "en_udp_client_": "udp", "en_unix_stream_client_": "stream",
       "en_unix_datagram_client_": "datagram", "en_stream_endpoint_": "stream_endpoint",
       "en_datagram_endpoint_": "datagram_endpoint", "en_async_client_": "async_tcp",
       "en_async_tcp_client_": "async_tcp", "en_async_udp_client_": "async_udp",
       "en_async_unix_stream_client_": "async_unix_stream", "en_async_unix_datagram_client_": "async_unix_datagram",
       "en_async_stream_endpoint_": "async_stream_endpoint", "en_async_datagram_endpoint_": "async_datagram_endpoint"}
# What these may call.
ALLOWED_WITHIN = ("as_client", "as_async_client", "close", "abort", "is_closed", "is_closing", "fileno", "loop",
                  "get_local_address", "get_remote_address", "get_local_name", "get_peer_name",
                  "get_peer_credentials", "max_recv_size", "get_stats")


def cases_of_state(function, rule):
    """What a handle answers that is closed, and to its own callbacks."""
    own = next((prefix for prefix in OWN if function.name.startswith(prefix)), None)
    if not {"client", "endpoint", "transport", "iter"} & rule.parameters.keys() or rule.result == "nothing":
        return
    yield Case("it is closed", {}, ANY, before="sweep_close(fx);")
    if own and not {"out", "iter", "info"} & rule.parameters.keys():
        name = function.name.removeprefix(own)
        expected = OK if name in ALLOWED_WITHIN else ("EN_EDEADLK", None)
        yield Case("within its own callback", {}, expected, within=f"sweep_within_{OWN[own]}")


def cases_of(function, rule):
    yield Case("all is well", {})
    yield from cases_of_state(function, rule)
    for parameter in function.parameters:
        kind = rule.parameters[parameter.name]
        if parameter.integer:
            yield from cases_of_integer(parameter.name, kind, parameter.integer)
        else:
            yield from cases_of_pointer(parameter.name, kind, rule.result)


# ---- Text ----

def expectation(expected):
    if expected == OK:
        return "expect_ok(rc);"
    if expected == ANY:
        return "expect_any(rc);"
    if expected == FAILURE:
        return "expect_failure(rc);"
    code, name = expected
    return f"expect_code(rc, {code}, {quote(name) if name else 'NULL'});"


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def judgement(case):
    kind = case.number
    if kind is None or kind.good is None:
        return expectation(case.expected)
    if kind.good == "1":
        return expectation(OK)
    return (f"const {case.type} x = {case.value};\n"
            f"    if ({kind.good})\n        {expectation(OK)}\n    else\n        {expectation(kind.bad)}")


def outputs(rule):
    return [(name, kind) for name, kind in rule.parameters.items() if isinstance(kind, (Output, Handle))]


def declarations(rule):
    for name, kind in outputs(rule):
        pointer = "*" if isinstance(kind, Handle) else ""
        yield f"{kind.type} {pointer}{name};"
        yield f"MARK({name});"
        if isinstance(kind, Output) and kind.room:
            yield f"{name} = {kind.room};"


def aftermath(name, kind):
    """Was the output written when it must be, and only then? Ends what was given."""
    if isinstance(kind, Handle):
        yield f"CHECK((rc < 0) == ({name} == NULL));"
        yield f"if (rc >= 0)\n        {kind.free}({name});"
        return
    if kind.always:
        yield f"CHECK(!IS_MARKED({name}));"
    elif not kind.room:
        yield f"CHECK((rc < 0) == IS_MARKED({name}));"
    if kind.free:
        yield f"if (rc >= 0)\n        {kind.free}(&{name});"


def argument(parameter, kind):
    if isinstance(kind, (Output, Handle)):
        return f"&{parameter.name}"
    return kind.valid


def result_statements(call, rule, case):
    null = "NULL" in case.changed.values()
    if rule.result in ("code", "value"):
        return ["sweep_fail();", f"const int rc = {call};", "check_message(rc);", judgement(case)]
    return ["sweep_fail();", {
        "descriptor": f"CHECK({call} {'==' if null or case.before else '>'} -1);",
        "truth": f"CHECK(({call} & ~1) == 0);",
        "text": f"expect_text({call});",
        "pointer": f"CHECK({call} != NULL);",
        "same": f"CHECK({call} {'==' if null else '!='} NULL);",
        "anything": f"(void){call};",
        "nothing": f"{call};",
    }[rule.result], "check_message(EN_OK);"]


def body(function, rule, case):
    arguments = {parameter.name: argument(parameter, rule.parameters[parameter.name])
                 for parameter in function.parameters} | case.changed
    call = f"{function.name}({', '.join(arguments.values())})"
    yield "(void)fx;"
    yield from filter(None, [rule.before])
    yield from declarations(rule)
    yield from filter(None, [case.before])
    yield from result_statements(call, rule, case)
    yield from filter(None, [rule.after(arguments) if rule.after else None])
    for name, kind in outputs(rule):
        if arguments[name] != "NULL":
            yield from aftermath(name, kind)


def program(functions, rules):
    check_rules(functions, rules)
    text, table = ['#include "sweep.h"\n'], []
    for function in functions:
        rule = rules[function.name]
        for case in cases_of(function, rule):
            name = f"case_{len(table)}"
            statements = "\n    ".join(body(function, rule, case))
            text.append(f"static void {name}(fixture_t *fx)\n{{\n    {statements}\n}}\n")
            within = "sweep_within_tcp" if rule.in_encode else case.within
            table.append(f"    {{{quote(f'{function.name}: {case.what}')}, {name}, {within}}},")
    text.append("const sweep_case_t sweep_cases[] = {\n" + "\n".join(table) + "\n};\n")
    text.append("const size_t sweep_case_count = sizeof(sweep_cases) / sizeof(sweep_cases[0]);\n")
    return "\n".join(text)


def main():
    functions = header.functions(pathlib.Path(sys.argv[1]).read_text())
    try:
        pathlib.Path(sys.argv[2]).write_text(program(functions, all_rules([function.name for function in functions])))
    except Unruly as error:
        sys.exit(f"sweep: {error}")


if __name__ == "__main__":
    main()
