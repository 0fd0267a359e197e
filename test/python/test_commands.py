"""python -m bit_mlir: the tools by way of the package, and where the package looks for them."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import bit_mlir as bm
from bit_mlir import compiler, paths

BUILD = pathlib.Path(bm.__file__).parents[2]
FAKE = BUILD / "test/fake_model.so"


def command(*arguments, **variables):
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "python"), **variables}
    words = [sys.executable, "-m", "bit_mlir", *map(str, arguments)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_help_and_wrong_commands():
    assert "compile" in command("--help").stdout and command("--help").returncode == 0
    assert command().returncode == 2
    done = command("train")
    assert done.returncode == 2 and "expected compile, run, bench or report" in done.stderr
    assert command("--version").stdout == f"bit_mlir {bm.__version__}\n"


def test_run_is_bit_run():
    done = command("run", FAKE)
    assert done.returncode == 0, done.stderr
    assert "x" in done.stdout and "bias" in done.stdout


def test_bench_is_bit_run_with_random_inputs(tmp_path):
    done = command("bench", FAKE, "--dim", "batch=2", "--json")
    # The hand-written model refuses random indices, with its node's name; what counts is that bit-run ran it.
    assert "node 'pick'" in done.stderr or "us" in json.loads(done.stdout)


def test_report(tmp_path):
    layer = {"name": "fc1", "n": 8, "k": 4, "bits_per_weight": 2.0, "activation_bits": 8, "kernel": "generic.p2"}
    layers = {"found": 1, "packed": 1, "layers": [layer], "rejected": [{"node": "mm", "reason": "17 levels"}]}
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"model": "m.onnx", "bitlinear": layers, "sizes": {"source": 10}}))
    done = command("report", path)
    assert done.returncode == 0, done.stderr
    for words in (
        "m.onnx: 1 layers found, 1 packed",
        "fc1",
        "generic.p2",
        "left alone: mm: 17 levels",
        "source 10 bytes",
    ):
        assert words in done.stdout
    assert command("report", FAKE).returncode == 0
    assert command("report", tmp_path / "none.json").returncode == 1
    assert command("report").returncode == 2


def test_tools_are_found_beside_the_package_or_where_the_variable_says(tmp_path, monkeypatch):
    assert pathlib.Path(paths.tool("bit-run")).resolve() == (BUILD / "bin/bit-run").resolve()
    mine = tmp_path / "bit-run"
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    monkeypatch.setenv("BIT_MLIR_BIN", str(tmp_path))
    assert paths.tool("bit-run") == str(mine)
    with pytest.raises(bm.Error, match="bit-walk is neither in"):
        paths.tool("bit-walk")


def test_keywords_become_options():
    given = {"dim": {"batch": 1, "sequence": None}, "level": ["x86-64-v3", "avx512vnni"], "verbose": True, "j": 2}
    assert compiler.arguments({**given, "quantize": "off", "name": None, "report": pathlib.Path("r.json")}) == [
        "--dim=batch=1",
        "--dim=sequence=?",
        "--level=x86-64-v3,avx512vnni",
        "--verbose",
        "-j",
        "2",
        "--quantize=off",
        "--report=r.json",
    ]


def test_compile_errors_carry_the_whole_message(tmp_path):
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model at all")
    with pytest.raises(bm.CompileError, match="bad.onnx") as info:
        bm.compile(bad)
    assert info.value.exit_code == 1
    with pytest.raises(bm.CompileError, match="no-such-option") as info:
        bm.compile(bad, no_such_option=True)
    assert info.value.exit_code == 2
    with pytest.raises(TypeError, match="example_inputs"):
        bm.compile(bad, [1.0])
