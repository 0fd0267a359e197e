"""Norms, functions and residuals before a quantizer, in one loop over rows with it: the bits of loops of their own.

A model that also returns what the quantizer reads keeps those loops, as nobody's rows but an output's are whole.
"""

import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_epilogues import quantize

import bit_mlir as bm
from bit_mlir.compiler import compile_file
from bit_mlir.paths import tool

LEVELS = ["avx512vnni", "x86-64-v3"]

# Of x, of the same shape z, and g along the rows: nodes, whose last one yields r.
BEFORE = {
    "rms": [
        ("Mul", ["x", "x"], "squares"),
        ("ReduceMean", ["squares", "axis"], "mean"),
        ("Add", ["mean", "tiny"], "shifted"),
        ("Sqrt", ["shifted"], "root"),
        ("Div", ["x", "root"], "normal"),
        ("Mul", ["normal", "g"], "r"),
    ],
    "layer": [("LayerNormalization", ["x", "g", "h"], "r")],
    "gelu": [("Gelu", ["x"], "r")],
    "gate": [("Sigmoid", ["x"], "s"), ("Mul", ["x", "s"], "t"), ("Mul", ["t", "z"], "r")],
    "softmax": [("Softmax", ["x"], "r")],
    "residual": [("Add", ["x", "z"], "s"), ("LayerNormalization", ["s", "g", "h"], "r")],
}


def save(path, before, x, n, dims, *, kept):
    """What stands before, a quantizer and a ternary layer; returns the inputs."""
    rng = np.random.default_rng(1)
    k = x.shape[-1]
    nodes = [helper.make_node(op, inputs, [output]) for op, inputs, output in BEFORE[before]]
    # A reshape between the two, as exporters leave before a product of matrices.
    nodes += [helper.make_node("Reshape", ["r", "flat"], ["rows"]), *quantize("rows")]
    nodes.append(helper.make_node("MatMul", ["q", "w"], ["y"]))
    numbers = {"eps": 1e-5, "range": 127, "least": -128, "most": 127, "tiny": 1e-6}
    values = {name: np.float32(number) for name, number in numbers.items()}
    values["w"] = (rng.integers(-1, 2, (k, n)) * np.float32(0.125)).astype(np.float32)
    values["g"], values["h"] = rng.standard_normal((2, k)).astype(np.float32)
    values["axis"], values["flat"] = np.array([-1]), np.array([-1, k])
    used = {name for node in nodes for name in node.input}
    inputs = {"x": x} | ({"z": rng.standard_normal(x.shape).astype(np.float32)} if "z" in used else {})
    outputs = {"y": (None, n)} | ({"r": dims} if kept else {})
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items() if name in used],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return list(inputs.values())


def has_rows(path):
    text = subprocess.run([tool("bit-opt"), path, "--emit=llvm", "-o", "-"], capture_output=True, text=True, check=True)
    return "@quantize_rows" in text.stdout


def check(tmp_path, before, x, dims):
    libraries = []
    for kept in (False, True):
        path = str(tmp_path / f"{kept}.onnx")
        inputs = save(path, before, x, 20, dims, kept=kept)
        assert has_rows(path) == (not kept)
        compile_file(path, path.replace("onnx", "so"))
        libraries.append(path.replace("onnx", "so"))
    ran = 0
    for level in LEVELS:
        for threads in (1, 3):
            try:
                fused, plain = (bm.load(library, threads=threads, level=level) for library in libraries)
            except bm.Error:
                continue
            y, expected = fused(*inputs), plain(*inputs)[0]
            assert (y[0] if isinstance(y, (list, tuple)) else y).tobytes() == expected.tobytes(), (level, threads)
            ran += 1
    assert ran


def rows(*shape):
    """Values with rows of zeros, infinities, NaN and tiny numbers among them."""
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    flat = x.reshape(-1, shape[-1])
    for i, value in enumerate((0, np.inf, np.nan, 1e-41)):
        if len(flat) > 2 * i + 2:
            flat[2 * i + 1, i::3] = value
    return x


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("shape", [(1, 1, 64), (3, 70), (2, 5, 33), (300, 768)], ids=str)
def test_rows(tmp_path, before, shape):
    check(tmp_path, before, rows(*shape), shape)


@pytest.mark.parametrize("before", ["layer", "gate"])
@pytest.mark.parametrize("shape", [(1, 1, 64), (2, 0, 64), (2, 53, 64)], ids=str)
def test_unknown_rows(tmp_path, before, shape):
    check(tmp_path, before, rows(*shape), ("b", "m", 64))
