"""What the headers declare: functions with their parameters, and the comments above them."""

import pathlib
import re
from dataclasses import dataclass, field

from pycparser import c_ast, c_generator, c_parser

STANDARD_TYPES = """
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t;
typedef unsigned long uint64_t; typedef int int32_t; typedef long int64_t; typedef unsigned long size_t;
"""


CARGO_TOML = pathlib.Path(__file__).parents[2] / "Cargo.toml"


def version():
    """The version of the project."""
    return re.search(r'^version = "(.*)"$', CARGO_TOML.read_text(), flags=re.M)[1]


@dataclass
class Parameter:
    name: str
    type: str  # such as "const en_slice_t *"

    @property
    def is_pointer(self):
        return "*" in self.type

    @property
    def integer(self):
        """The type, if the parameter is an integer."""
        return self.type if re.fullmatch(r"int|size_t|u?int\d+_t", self.type) else None


@dataclass
class Function:
    name: str
    result: str
    parameters: list = field(default_factory=list)
    comment: str = ""


def _text_of(type_):
    return c_generator.CGenerator().visit(type_)


def _parameter(declaration):
    name = declaration.name
    if name is None:
        return Parameter("", _text_of(declaration))
    text = re.sub(rf"\b{name}\b", "", _text_of(declaration))
    return Parameter(name, " ".join(text.split()))


def functions(cdef):
    """Every function of the header without directives, in its order."""
    text = re.sub(r"/\*.*?\*/", " ", cdef, flags=re.S)
    found = []
    for item in c_parser.CParser().parse(STANDARD_TYPES + text).ext:
        if isinstance(item, c_ast.Decl) and isinstance(item.type, c_ast.FuncDecl):
            arguments = item.type.args.params if item.type.args else []
            parameters = [_parameter(argument) for argument in arguments]
            if len(parameters) == 1 and parameters[0].type == "void":
                parameters = []
            result = re.sub(rf"\b{item.name}\b.*", "", _text_of(item.type), flags=re.S)
            found.append(Function(item.name, " ".join(result.split()), parameters))
    return found


def comments(header):
    """The comment of each function, as plain text, by its name."""
    found = {}
    for comment, name in re.findall(r"/\*\*((?:(?!\*/).)*)\*/\s*\n[^\n;{}#]*?\b(en_\w+)\([^;{}]*\);", header, flags=re.S):
        found[name] = "\n".join(re.sub(r"^\s*\* ?", "", line) for line in comment.strip().split("\n"))
    return found
