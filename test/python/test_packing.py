"""Layouts of packed weights: the same bits whatever --packing, at each level."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file

LEVELS = ["avx512vbmi", "avx512vnni", "x86-64-v3"]

QUANTIZE = [
    helper.make_node("Abs", ["x"], ["abs"]),
    helper.make_node("ReduceMax", ["abs", "axis"], ["max"], keepdims=1),
    helper.make_node("Max", ["max", "eps"], ["a"]),
    helper.make_node("Div", ["range", "a"], ["scale"]),
    helper.make_node("Mul", ["x", "scale"], ["scaled"]),
    helper.make_node("Round", ["scaled"], ["rounded"]),
    helper.make_node("Clip", ["rounded", "least", "most"], ["codes"]),
    helper.make_node("Div", ["codes", "scale"], ["q"]),
]


def save(path, weights, *, tokens, quantized):
    """x [tokens, K] times ternary weights [K, N], plus a bias, through Relu."""
    k, n = weights.shape
    values = [("w", weights), ("b", np.linspace(-1, 1, n, dtype=np.float32)), ("axis", np.array([-1]))]
    numbers = {"eps": 1e-5, "range": 127, "least": -128, "most": 127}
    values += [(name, np.float32(number)) for name, number in numbers.items()]
    product = [
        helper.make_node("MatMul", ["q" if quantized else "x", "w"], ["r"]),
        helper.make_node("Add", ["r", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    nodes = (QUANTIZE if quantized else []) + product
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [tokens, k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [tokens, n])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values if name in used],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


def compile_both(path, packing, **options):
    """The libraries of 2 bits and of `packing`, and the latter's layer in the report."""
    libraries = [str(path).replace("onnx", f"{name}.so") for name in ("2bit", packing)]
    compile_file(path, libraries[0], packing="2bit", **options)
    report = str(path).replace("onnx", "json")
    compile_file(path, libraries[1], packing=packing, report=report, **options)
    with open(report) as file:
        (layer,) = json.load(file)["bitlinear"]["layers"]
    return libraries, layer


def ternary(k, n, seed=0):
    return np.random.default_rng(seed).integers(-1, 2, (k, n)).astype(np.float32) * np.float32(0.5)


# Ragged rows, steps and panels, one token and tiles of them, known or not.
@pytest.mark.parametrize("quantized", [False, True], ids=["floats", "codes"])
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("k, n", [(20, 64), (37, 320), (241, 170), (257, 700), (500, 255), (1000, 600)])
def test_dense(tmp_path, k, n, dynamic, quantized):
    weights, rng, ran = ternary(k, n), np.random.default_rng(k), 0
    for tokens in (1,) if dynamic else (1, 5, 35):
        path = tmp_path / f"{tokens}.onnx"
        save(path, weights, tokens="tokens" if dynamic else tokens, quantized=quantized)
        libraries, layer = compile_both(path, "dense")
        assert layer["kernel"].endswith("_t5") or layer["kernel"] == "generic.t5"
        assert layer["packing_declined"] == ""
        padded = -(-n // 64) * 64 * -(-k // 20) * 4
        assert layer["packed_bytes"] == padded
        assert layer["bits_per_weight"] == pytest.approx(8 * padded / (n * k))
        twoBit = bm.load(libraries[0], threads=2)
        for level in LEVELS:
            try:
                dense = bm.load(libraries[1], threads=2, level=level)
            except bm.Error:
                continue  # this CPU is below it
            ran += 1
            for count in (1, 2, 3, 4, 7, 16, 40) if dynamic else (tokens,):
                x = rng.standard_normal((count, k)).astype(np.float32)
                assert dense(x)[0].tobytes() == twoBit(x)[0].tobytes(), (level, count)
    assert ran


def test_dense_agrees_with_the_reference_lowering(tmp_path):
    save(tmp_path / "m.onnx", ternary(300, 200), tokens=3, quantized=True)
    compile_file(tmp_path / "m.onnx", tmp_path / "m.so", packing="dense", verify=4)


@pytest.mark.parametrize(
    "k, n, packing, reason",
    [
        (40, 20, "dense", "its 20 rows of 40 weights would not take less"),
        (15380, 64, "dense", "expects k of at most 15360 for kernel 'generic.t5', got 15380"),
        (300, 2048, "auto", "not all levels have avx512vbmi"),
    ],
)
def test_layers_that_keep_two_bits(tmp_path, k, n, packing, reason):
    save(tmp_path / "m.onnx", ternary(k, n), tokens=1, quantized=True)
    libraries, layer = compile_both(tmp_path / "m.onnx", packing)
    assert layer["packing_declined"] == reason
    assert layer["kernel"].endswith("_p2")
    x = np.random.default_rng(1).standard_normal((1, k)).astype(np.float32)
    twoBit, other = (bm.load(library)(x)[0] for library in libraries)
    assert twoBit.tobytes() == other.tobytes()


def test_tables_read_the_bytes_of_two_bits(tmp_path):
    """40 tokens: 32 by tables of sums, the others by tiles."""
    save(tmp_path / "m.onnx", ternary(256, 2048), tokens=40, quantized=True)
    libraries, layer = compile_both(tmp_path / "m.onnx", "lut")
    assert layer["bits_per_weight"] == 2
    x = np.random.default_rng(0).standard_normal((40, 256)).astype(np.float32)
    twoBit, lut = (bm.load(library)(x)[0] for library in libraries)
    assert lut.tobytes() == twoBit.tobytes()
