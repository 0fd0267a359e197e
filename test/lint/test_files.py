"""Size, licence line and words of the tracked files."""

import re
import statistics

from tree import C_SUFFIXES, ROOT, text, tracked, with_suffix

SPDX = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
MAX_LINES = {".td": 400, ".mlir": 800, **{suffix: 800 for suffix in (".cpp", ".c", ".h", ".hpp", ".py")}}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|TBD)\b|not (yet )?implemented", re.IGNORECASE)
MACHINE = re.compile(r"/(root|work|home/[a-z]+)/[a-zA-Z.]")
DUMPING_GROUND = re.compile(r"^(utils?|misc|common|helpers?|uncategorized)$", re.IGNORECASE)


def lines(path):
    return text(path).count("\n")


def test_no_file_is_too_long():
    long = [f"{p}: {lines(p)} lines" for p in with_suffix(*MAX_LINES) if lines(p) > MAX_LINES[p.suffix]]
    assert not long, "\n".join(long)


def test_median_file_is_short():
    sizes = [lines(p) for p in with_suffix(".cpp", ".c", ".h")]
    assert statistics.median(sizes) < 200


def test_licence_line():
    missing = []
    for path in with_suffix(".td", *C_SUFFIXES):
        first = text(path).split("\n", 1)[0]
        if SPDX not in first:
            missing.append(str(path))
    assert not missing, "\n".join(missing)


def test_nothing_unfinished():
    found = []
    for path in with_suffix(".td", ".py", ".mlir", ".cmake", ".md", *C_SUFFIXES):
        if path.parts[:2] == ("test", "lint"):
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            if UNFINISHED.search(line):
                found.append(f"{path}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_no_path_of_a_machine():
    found = []
    for path in tracked():
        if path.parts[:2] == ("test", "lint"):
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            if MACHINE.search(line):
                found.append(f"{path}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_no_dumping_ground():
    found = [str(p) for p in with_suffix(".td", *C_SUFFIXES) if DUMPING_GROUND.match(p.stem)]
    assert not found, "\n".join(found)


def test_no_large_file():
    large = [f"{p}: {(ROOT / p).stat().st_size} bytes" for p in tracked() if (ROOT / p).stat().st_size > 400_000]
    assert not large, "\n".join(large)


def test_expected_errors_say_something():
    empty = []
    for path in with_suffix(".mlir"):
        for number, line in enumerate(text(path).splitlines(), 1):
            if re.search(r"expected-(error|warning|remark)[^{]*\{\{\s*\}\}", line):
                empty.append(f"{path}:{number}")
    assert not empty, "\n".join(empty)


def test_command_line_options_only_in_tools():
    """A pass takes an options struct: no mutable option shared by the process."""
    found = [
        str(p)
        for p in with_suffix(".cpp", ".h")
        if p.parts[0] in ("lib", "include") and re.search(r"\bcl::(opt|list|bits)\s*<", text(p))
    ]
    assert not found, "\n".join(found)
