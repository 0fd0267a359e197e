"""Passes and ops say what they do, count what they did, and are tested under their own flag."""

import re

from tree import text, with_suffix

PASS = re.compile(r'^def (\w+)\s*:\s*Pass<"([^"]+)"[^{]*\{(.*?)^\}', re.MULTILINE | re.DOTALL)
OP = re.compile(r"^def (Bit_\w+|\w+Op)\s*:\s*\w+<\"(\w+)\"[^{]*\{(.*?)^\}", re.MULTILINE | re.DOTALL)


def passes():
    for path in with_suffix(".td"):
        for match in PASS.finditer(text(path)):
            yield path, *match.groups()


def every_run():
    return "\n".join(text(p) for p in with_suffix(".mlir", ".test"))


def test_passes_describe_themselves():
    wrong = []
    for path, name, flag, body in passes():
        if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", flag):
            wrong.append(f"{path}: {flag} is not kebab-case")
        for field in ("summary", "description"):
            if not re.search(rf"\blet {field} =", body):
                wrong.append(f"{path}: {name} has no {field}")
    assert not wrong, "\n".join(wrong)


def test_passes_count_what_they_did():
    wrong = [f"{path}: {name}" for path, name, _, body in passes() if len(re.findall(r"\bStatistic<", body)) < 2]
    assert not wrong, "expects a pair of statistics, done and declined\n" + "\n".join(wrong)


def test_passes_are_tested_by_their_flag():
    runs = every_run()
    wrong = [f"{path}: --{flag}" for path, _, flag, _ in passes() if not re.search(rf"[-(,]{flag}\b", runs)]
    assert not wrong, "\n".join(wrong)


def test_ops_have_a_summary_and_a_description():
    wrong = []
    for path in with_suffix(".td"):
        # ONNX's schemas describe its ops; what is Microsoft's is described at its operators' page.
        if "Dialect/Bit" not in str(path):
            continue
        for name, mnemonic, body in OP.findall(text(path)):
            if not re.search(r"\blet summary =", body) or not re.search(r"\blet description =", body):
                wrong.append(f"{path}: {name} ({mnemonic})")
    assert not wrong, "\n".join(wrong)


def test_long_entry_points_are_split():
    """runOnOperation says what is legal and calls the patterns; it is at most 25 lines."""
    wrong = []
    for path in with_suffix(".cpp", ".h"):
        for match in re.finditer(
            r"^( *)void runOnOperation\(\) (?:final|override) \{\n(.*?)^\1\}", text(path), re.M | re.S
        ):
            if match.group(2).count("\n") > 25:
                wrong.append(f"{path}: {match.group(2).count(chr(10))} lines")
    assert not wrong, "\n".join(wrong)
