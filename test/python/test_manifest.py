"""A library says which levels it has and what each of its layers uses at them."""

import json
import subprocess

import graphs
import numpy as np
import pytest

import bit_mlir as bm
from bit_mlir.compiler import compile_file
from bit_mlir.paths import tool

LEVELS = ["avx512vnni", "avxvnni", "x86-64-v3"]
PRODUCTS = {"avx512vnni": "x86.vnni_p2", "avxvnni": "x86.avxvnni_p2", "x86-64-v3": "x86.avx2_p2"}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Five layers, three of them equal, and a float product."""
    folder = tmp_path_factory.mktemp("manifest")
    rng = np.random.default_rng(0)
    g = graphs.Graph()
    x = g.op("MatMul", "x", g.const(rng.standard_normal((40, 320))))
    for n, k in ((320, 320), (320, 320), (320, 320), (2112, 320), (64, 2112)):
        x = g.op("Relu", graphs.bitlinear(g, x, k, n, rng))
    g.save(folder / "model.onnx", {"x": ["batch", 40]}, {x: ["batch", 64]})
    compile_file(folder / "model.onnx", folder / "model.so", level=LEVELS, report=folder / "report.json")
    return folder / "model.so"


def test_layers_have_a_use_at_each_level(library):
    manifest = bm.load(library, level="x86-64-v3").report
    assert manifest["levels"] == LEVELS
    layers = manifest["bitlinear"]["layers"]
    assert [(layer["k"], layer["n"]) for layer in layers] == [(320, 320)] * 3 + [(320, 2112), (2112, 64)]
    for layer in layers:
        assert [use["level"] for use in layer["levels"]] == LEVELS
        assert {use["level"]: use["kernel"] for use in layer["levels"]} == PRODUCTS
        assert {use["layout"] for use in layer["levels"]} == {"p2"}
        assert all(use["tile_tokens"] >= 1 for use in layer["levels"])
        assert layer["kernel"] == PRODUCTS["avx512vnni"]
        tables = {use["level"]: use["table_tokens"] for use in layer["levels"]}
        # By the kernels' own limits on rows.
        assert tables["avxvnni"] == 0
        assert tables["x86-64-v3"] == (16 if layer["n"] >= 256 else 0)
        assert tables["avx512vnni"] == (32 if layer["n"] >= 2048 else 0)
    assert set(manifest["kernels"]) == set(LEVELS)
    for level, kernels in manifest["kernels"].items():
        assert PRODUCTS[level] in kernels
        assert any(name.endswith("_panel") for name in kernels)


def test_report_says_the_same(library):
    report = json.loads(library.with_name("report.json").read_text())
    manifest = bm.load(library, level="x86-64-v3").report
    assert manifest.items() <= report.items()


def test_bit_run_prints_it(library):
    def run(*options):
        command = [tool("bit-run"), library, "--level", "x86-64-v3", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    lines = run().splitlines()
    begin = lines.index("layers   5")
    assert " and 2 like it: 320 -> 320, " in lines[begin + 1]
    assert lines[begin + 1].endswith("bits a weight, layout p2, 8-bit activations a token")
    assert [line.split(":")[0] for line in lines[begin + 2 : begin + 5]] == [
        f"    {level} {kernel}" for level, kernel in PRODUCTS.items()
    ]
    assert lines[begin + 4].endswith(" tokens, tables from 16")
    kernels = lines[lines.index("kernels") + 1 :]
    assert [line.split(":")[0].strip() for line in kernels] == LEVELS
    assert json.loads(run("--json"))["manifest"] == bm.load(library, level="x86-64-v3").report
