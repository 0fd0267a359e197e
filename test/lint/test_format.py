"""Formatting: LLVM's for C and C++, ruff's for Python."""

import subprocess
import sys

from tree import C_SUFFIXES, ROOT, tracked, with_suffix

CLANG_FORMAT = "/usr/lib/llvm-22/bin/clang-format"


def run(*command):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def python_files():
    """Also the scripts whose first line calls Python."""
    scripts = [p for p in tracked() if p.suffix == "" and (ROOT / p).read_bytes()[:64].startswith(b"#!")]
    with_shebang = [p for p in scripts if b"python" in (ROOT / p).read_bytes().split(b"\n")[0]]
    return with_suffix(".py") + with_shebang


def test_clang_format():
    run(CLANG_FORMAT, "-n", "--Werror", *with_suffix(*C_SUFFIXES))


def test_ruff_check():
    run(sys.executable, "-m", "ruff", "check", "--no-cache", *python_files())


def test_ruff_format():
    run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", *python_files())


def test_shell_scripts_parse():
    scripts = [p for p in tracked() if (ROOT / p).read_bytes().startswith((b"#!/usr/bin/env bash", b"# shellcheck"))]
    assert scripts
    for path in scripts:
        run("bash", "-n", path)
