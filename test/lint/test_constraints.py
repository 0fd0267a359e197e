"""Constraint numbers agree in definition, verifier and tests, and every message of the bit dialect is tested.

A definition (.td) lists its constraints as (C1), (C2), ...; the verifier that checks one says `// C2` (or `// C1, C2`);
a function in an *invalid*.mlir that breaks it is called @<mnemonic>_c2.
"""

import re

import pytest
from tree import text, tracked

IR = "Dialect/Bit/IR/"
DEFINITION = re.compile(r"^def Bit_(\w+?)(?:Op|Attr)\b(.*?)^}", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\(C(\d+)\)")
VERIFIER = re.compile(
    r"^LogicalResult\s+(\w+?)(?:Op|Attr)::verify\w*\(|^static LogicalResult verify\w+\((\w+)Op op\)", re.MULTILINE
)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
EXPECTED = re.compile(r"expected-error.*?\{\{(.*)\}\}|CHECK.*error: (.*)")


def files(prefix, suffix):
    return [p for p in tracked() if str(p).startswith(prefix) and p.suffix == suffix]


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def in_definitions():
    """Constraint numbers of each op and attribute that has any."""
    result = {}
    for path in files("include/bit/" + IR, ".td"):
        for name, body in DEFINITION.findall(text(path)):
            if NUMBER.search(body):
                result[snake(name)] = {int(number) for number in NUMBER.findall(body)}
    return result


def in_verifiers():
    """Numbers in the comments of each op's verify functions, and of helpers that take the op."""
    result = {}
    for path in files("lib/" + IR, ".cpp"):
        source = text(path)
        for match in VERIFIER.finditer(source):
            body = source[match.end() : source.index("\n}", match.end())]
            found = result.setdefault(snake(match[1] or match[2]), set())
            for comment in re.findall(r"// (C\d+(?:, C\d+)*)", body):
                found |= {int(number) for number in re.findall(r"\d+", comment)}
    return result


def in_tests():
    """Numbers of the functions @<name>_c<number> in the tests of what is invalid."""
    result = {}
    for path in files("test/Dialect/Bit/", ".mlir"):
        if "invalid" in path.name:
            for name, number in re.findall(r"@(\w+)_c(\d+)\b", text(path)):
                result.setdefault(name, set()).add(int(number))
    return result


def messages():
    """The literal pieces of every message of the dialect and its passes, with the file."""
    result = []
    for path in files("lib/Dialect/Bit/", ".cpp"):
        for statement in re.findall(r"emit(?:Op)?Error\((.*?);", text(path), re.DOTALL):
            joined = re.sub(r'"\s*\n\s*"', "", statement)
            pieces = [piece for piece in STRING.findall(joined) if len(piece) > 6]
            if pieces:
                result.append(pytest.param(str(path), pieces, id=f"{path.stem}-{pieces[0][:40]}"))
    return result


def test_the_lint_sees_the_dialect():
    assert len(in_definitions()) >= 9
    assert len(messages()) >= 30


OPS = [
    pytest.param(body, id=name)
    for path in files("include/bit/" + IR, ".td")
    for name, body in re.findall(r"^def Bit_(\w+)Op\b(.*?)^}", text(path), re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize("body", OPS)
def test_op_is_described(body):
    assert "let summary = " in body
    assert "let description = " in body
    assert "```mlir" in body, "an example that test/Docs/examples.test parses"


@pytest.mark.parametrize("name", sorted(in_definitions()))
def test_numbers_agree(name):
    expected = in_definitions()[name]
    assert expected == set(range(1, max(expected) + 1)), "numbers are consecutive"
    assert in_verifiers().get(name) == expected, "the verifier's comments"
    assert in_tests().get(name) == expected, "the tests' names"


@pytest.mark.parametrize("path, pieces", messages())
def test_message_is_tested(path, pieces):
    tests = "\n".join(text(p) for p in files("test/Dialect/Bit/", ".mlir"))
    expected = ["".join(found) for found in EXPECTED.findall(tests)]
    # Alternatives of a condition are in one statement: any of its pieces is enough.
    assert any(piece.strip() in message for piece in pieces for message in expected), f"{path}: {pieces}"
