"""Products that read the same codes, in one kernel: the bits of a library that has one kernel a product."""

import json
import re
import subprocess

import numpy as np
import pytest
import wholes
from graphs import Graph, quantize_activation

import bit_mlir as bm
from bit_mlir.compiler import arguments, compile_file
from bit_mlir.paths import tool

LEVELS = ["avx512vbmi", "avx512vnni", "avxvnni", "x86-64-v3"]
K = 256


def ternary(rng, n):
    return rng.integers(-1, 2, (K, n)).astype(np.float32) * np.float32(0.37)


def product(g, codes, n, seed):
    return g.op("MatMul", codes, g.const(ternary(np.random.default_rng(seed), n)))


def save_projections(path, sizes, m):
    """A model with a product of each of `sizes`; each has a quantizer of its own, as exporters write them."""
    g = Graph()
    products = [product(g, quantize_activation(g, "x"), n, i) for i, n in enumerate(sizes)]
    # One of them is no output, but what an output is made of.
    products[-1] = g.op("Transpose", products[-1], perm=[1, 0])
    shapes = [[m, n] for n in sizes[:-1]] + [[sizes[-1], m]]
    return g.save(path, {"x": [m, K]}, dict(zip(products, shapes)))


def save_gate(path, act, n, m, *, kept):
    """act(gate) * up of two products, their results outputs, too, where they are `kept`."""
    g = Graph()
    gate, up = (product(g, quantize_activation(g, "x"), n, i) for i in range(2))
    if act == "squared ReLU":
        relu = g.op("Relu", gate)
        active = g.op("Mul", relu, relu)
    elif act == "SiLU":
        active = g.op("Mul", gate, g.op("Sigmoid", gate))
    else:
        half = g.op("Add", g.op("Erf", g.op("Mul", gate, g.const(2**-0.5))), g.const(1.0))
        active = g.op("Mul", g.op("Mul", gate, half), g.const(0.5))
    outputs = {g.op("Mul", active, up): [m, n]} | ({gate: [m, n], up: [m, n]} if kept else {})
    return g.save(path, {"x": [m, K]}, outputs)


def count_kernels(path, **options):
    """How many kernels main_graph calls with one product, and with several."""
    words = arguments({"emit": "llvm", "level": "avx512vnni", **options})
    command = [tool("bit-opt"), path, *words, "-o", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(len(re.findall(rf"call @{name}(_\d+)?\.avx512vnni\(", text)) for name in KERNELS)


KERNELS = ("packed_matmul", "packed_matmuls")


def compile_both(path, **options):
    """The libraries with and without siblings."""
    libraries = []
    for siblings in ("true", "false"):
        libraries.append(path.with_name(f"{path.stem}_{siblings}.so"))
        report = libraries[-1].with_suffix(".json")
        compile_file(path, libraries[-1], group_siblings=siblings, report=report, **options)
    return libraries


def run(library, x, level, threads):
    """The outputs, none where the machine or the library has no such level."""
    try:
        model = bm.load(library, threads=threads, level=level)
    except bm.Error:
        return None
    y = model(*x)
    return list(y) if isinstance(y, (list, tuple)) else [y]


def check(path, inputs, **options):
    """Equal bits with and without siblings, for each of `inputs`, at all levels and with one thread and two.

    Returns the library with siblings.
    """
    joint, alone = compile_both(path, **options)
    ran = set()
    for x in inputs:
        for level in LEVELS:
            expected = run(alone, x, level, 1)
            if expected is None:
                continue
            for threads in (1, 2):
                y = run(joint, x, level, threads)
                assert len(y) == len(expected)
                for own, other in zip(y, expected):
                    assert own.shape == other.shape
                    assert own.tobytes() == other.tobytes(), (level, threads)
            ran.add(level)
    assert "x86-64-v3" in ran
    return joint


def rows(m):
    counts = (1, 2, 40, 0, 131) if m == "m" else (m,)
    return [[np.random.default_rng(m).standard_normal((m, K)).astype(np.float32)] for m in counts]


# Grouped-query attention, equal sizes, fewer rows than a block, one row; more tokens than tables are for.
@pytest.mark.parametrize("m", [1, 2, 40, "m"])
@pytest.mark.parametrize("sizes", [(640, 128, 128), (320, 320, 320), (300, 70, 33), (1, 64)], ids=str)
def test_projections(tmp_path, sizes, m):
    path = save_projections(tmp_path / "model.onnx", sizes, m)
    assert count_kernels(path) == (0, 1)
    assert count_kernels(path, group_siblings="false") == (len(sizes), 0)
    check(path, rows(m))


@pytest.mark.parametrize("m", [1, 2, 40, "m"])
@pytest.mark.parametrize("act", ["squared ReLU", "SiLU", "GELU"])
@pytest.mark.parametrize("n", [60, 300])
def test_gates(tmp_path, act, n, m):
    path = save_gate(tmp_path / "model.onnx", act, n, m, kept=False)
    assert count_kernels(path) == (0, 1)
    check(path, rows(m))


def test_gates_that_are_outputs(tmp_path):
    path = save_gate(tmp_path / "model.onnx", "squared ReLU", 640, "m", kept=True)
    assert count_kernels(path) == (0, 1)
    check(path, rows("m"))


def test_dense_weights_stay_alone(tmp_path):
    """Their tables lie on the caller's stack."""
    path = save_projections(tmp_path / "model.onnx", (640, 128, 128), 1)
    assert count_kernels(path, packing="dense") == (3, 0)
    check(path, rows(1), packing="dense")


# Layers of two decoders, with past keys and values as outputs between the kernels, tokens known and unknown.
@pytest.mark.parametrize("dims", [{}, {"batch": 1, "sequence": 1}], ids=["dynamic", "one token"])
@pytest.mark.parametrize("name", ["llama_bitlinear_past", "bitnet_past"])
def test_decoders(tmp_path, name, dims):
    module, inputs, symbols = wholes.make(name)
    path = wholes.export(module, inputs, symbols, tmp_path / "model.onnx")
    # Two layers: q, k, v; o; gate, up; down.
    assert count_kernels(path, dim=dims) == (4, 4)
    given = [tensor.numpy() for tensor in inputs.values()]
    if dims:
        given = [given[0][:1, :1], *(past[:1] for past in given[1:])]
    check(path, [given], dim=dims)
    layers = json.loads((tmp_path / "model_true.json").read_text())["bitlinear"]["layers"]
    assert len(layers) == 14 and all(layer["kernel"].endswith("p2") for layer in layers)
