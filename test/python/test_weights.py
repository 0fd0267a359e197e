"""Weights that a graph computes: what is evaluated at compile time equals what onnxruntime computes."""

import json

import numpy as np
import pytest
import ties
from graphs import Graph, quantize_activation
from onnx import TensorProto, helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file


def compile_report(path, tmp_path, **options):
    """Compiles to a library beside the model and returns its report."""
    report = tmp_path / "report.json"
    compile_file(path, path.with_suffix(".so"), report=report, **options)
    return json.loads(report.read_text())


def sample(batch, k, seed=0):
    return np.random.default_rng(seed).standard_normal((batch, k)).astype(np.float32)


def same_as_reference(path, x, rtol=1e-5, atol=1e-5):
    """All outputs of the compiled model beside onnxruntime's."""
    ours = bm.load(path.with_suffix(".so"))(x)
    theirs = ties.reference(path).run(None, {"x": x})
    for a, b in zip(ours if isinstance(ours, tuple) else [ours], theirs):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def ops_on_integers(g):
    """{what: result} of the operators that unpack bits."""
    rng = np.random.default_rng(0)
    u8 = g.const(rng.integers(0, 256, (4, 6)), np.uint8)
    other = g.const(rng.integers(0, 256, (4, 6)), np.uint8)
    i32 = g.const(rng.integers(-9, 9, (4, 6)), np.int32)
    divisor = g.const(rng.choice([-3, -2, 2, 3], (4, 6)), np.int32)
    shift = g.const(rng.integers(0, 8, (4, 6)), np.uint8)
    less = g.op("Less", u8, other)
    return {
        "right": g.op("BitShift", u8, shift, direction="RIGHT"),
        "left": g.op("BitShift", u8, shift, direction="LEFT"),
        "and": g.op("BitwiseAnd", u8, other),
        "or": g.op("BitwiseOr", u8, other),
        "xor": g.op("BitwiseXor", u8, other),
        "not": g.op("BitwiseNot", u8),
        "div": g.op("Div", i32, divisor),
        "mod": g.op("Mod", i32, divisor),
        "fmod": g.op("Mod", i32, divisor, fmod=1),
        "where": g.op("Where", less, u8, other),
        "logic": g.op("And", less, g.op("Not", g.op("Equal", i32, divisor))),
        "sign": g.op("Sign", i32),
        "narrow": g.op("Cast", i32, to=TensorProto.UINT8),
        "wide": g.op("Cast", u8, to=TensorProto.INT64),
    }


def ops_that_move(g):
    """{what: result} of the operators that move elements; all are 4 x 6."""
    rng = np.random.default_rng(1)
    w = g.const(rng.standard_normal((4, 6)))
    rows = g.const(rng.standard_normal((2, 6)))
    half = g.const(rng.standard_normal((2, 3)))
    indices = g.const(rng.permuted(np.tile(np.arange(6), (4, 1)), axis=1), np.int64)
    return {
        "scatter rows": g.op("ScatterND", w, g.const([[3], [-4]], np.int64), rows),
        "scatter elements": g.op("ScatterElements", w, indices, g.const(np.arange(24).reshape(4, 6)), axis=1),
        "tile": g.op("Tile", half, g.const([2, 2], np.int64)),
        "of shape": g.op("ConstantOfShape", g.const([4, 6], np.int64), value=helper.make_tensor("v", 1, [1], [2.5])),
        "range": g.op("Reshape", g.op("Range", *[g.const(v, np.int64) for v in (3, 51, 2)]), g.const([4, 6], np.int64)),
    }


def ops_that_quantize(g):
    """{what: result} of QuantizeLinear and DequantizeLinear in all their forms."""
    rng = np.random.default_rng(2)
    w = g.const(rng.standard_normal((4, 6)) * 3)
    i8 = g.const(rng.integers(-128, 128, (4, 6)), np.int8)
    u8 = g.const(rng.integers(0, 256, (4, 6)), np.uint8)
    rows, columns = g.const(rng.random(4)), g.const(rng.random(6))
    blocks = g.const(rng.random((4, 2)))
    return {
        "tensor": g.op("DequantizeLinear", i8, g.const(0.3)),
        "zero point": g.op("DequantizeLinear", u8, g.const(0.3), g.const(128, np.uint8)),
        "rows": g.op("DequantizeLinear", i8, rows, g.const(rng.integers(-9, 9, 4), np.int8), axis=0),
        "columns": g.op("DequantizeLinear", u8, columns, g.const(rng.integers(0, 9, 6), np.uint8), axis=-1),
        "blocks": g.op("DequantizeLinear", i8, blocks, axis=1, block_size=3),
        "quantize": g.op("QuantizeLinear", w, g.const(0.05), g.const(3, np.int8)),
        "quantize columns": g.op("QuantizeLinear", w, columns, g.const(np.full(6, 128), np.uint8), axis=1),
    }


@pytest.mark.parametrize("make", [ops_on_integers, ops_that_move, ops_that_quantize], ids=lambda f: f.__name__)
def test_evaluated_operators(make, tmp_path):
    """What is left of the graph is one Add an output, and the constants are onnxruntime's."""
    g = Graph()
    outputs = {g.op("Add", "x", g.op("Cast", value, to=1)): [4, 6] for value in make(g).values()}
    path = g.save(tmp_path / "model.onnx", {"x": [4, 6]}, outputs, opset=21)
    text = tmp_path / "model.mlir"
    compile_file(path, text, emit="bit")
    left = {line.split("onnx.")[1].split()[0] for line in text.read_text().splitlines() if " = onnx." in line}
    assert left == {"Constant", "Add"}
    compile_report(path, tmp_path)
    same_as_reference(path, sample(4, 6), rtol=0, atol=0)


def small_integers(dtype, axis, block, rng):
    """Ternary codes of 24 x 64 in `dtype`, with zero points, as an initializer and its DequantizeLinear."""
    signed = not dtype.startswith("U")
    zero = 0 if signed else 1
    codes = rng.integers(-1, 2, (24, 64)) + zero
    shape = {None: (), 0: (24,), 1: (24, 64 // block) if block else (64,)}[axis]
    scale = np.full(shape, 0.25, np.float32) * rng.integers(1, 4, shape)
    return codes, scale.astype(np.float32), np.full(shape, zero)


@pytest.mark.parametrize("dtype", ["INT2", "UINT2", "INT4", "UINT4", "INT8", "UINT8"])
@pytest.mark.parametrize(("axis", "block"), [(None, 0), (0, 0), (1, 16)], ids=["tensor", "axis", "block"])
def test_dequantized_weights(dtype, axis, block, tmp_path):
    codes, scale, zero = small_integers(dtype, axis, block, np.random.default_rng(3))
    g = Graph()
    kind = getattr(TensorProto, dtype)
    names = []
    for name, value in (("codes", codes), ("zero", zero)):
        g.constants[name] = helper.make_tensor(name, kind, value.shape, value.ravel())
        names.append(name)
    attributes = {} if axis is None else {"axis": axis, **({"block_size": block} if block else {})}
    w = g.op("DequantizeLinear", names[0], g.const(scale), names[1], **attributes)
    y = g.op("MatMul", quantize_activation(g, "x"), g.op("Transpose", w, perm=[1, 0]))
    opset = 25 if dtype.endswith("INT2") else 21
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]}, opset=opset)
    found = compile_report(path, tmp_path)["bitlinear"]
    (layer,) = found["layers"]
    assert layer["weight_error"] == 0 and layer["activation_bits"] == 8
    dense = (codes - zero[..., None] if axis == 0 else codes - codes.dtype.type(zero.flat[0])).astype(np.float32)
    dense = dense * (np.repeat(scale, block, 1) if block else scale[:, None] if axis == 0 else scale)
    x = sample(5, 64)
    s = np.float32(127) * (1 / np.maximum(np.abs(x).max(-1, keepdims=True), np.float32(1e-5)))
    expected = (np.clip(np.rint(x * s), -128, 127) / s) @ dense.T
    np.testing.assert_allclose(bm.load(path.with_suffix(".so"))(x), expected, rtol=1e-4, atol=1e-4)


def packed_weight(g, packed):
    """transformers' unpack_weights as torch exports it: 2 bits a code, four row blocks scattered into zeros."""
    rows, k = packed.shape
    w = g.const(packed, np.uint8)
    result = g.const(np.zeros((4 * rows, k)), np.uint8)
    for i in range(4):
        bits = g.op("BitwiseAnd", w, g.const(3 << (2 * i), np.uint8))
        shifted = g.op("BitShift", bits, g.const(2 * i, np.uint8), direction="RIGHT")
        negative = g.op("Cast", g.op("BitwiseOr", shifted, g.const(256 - (1 << (8 - 2 * i)) & 255, np.uint8)), to=3)
        signed = g.op("Where", g.op("Less", bits, g.const(0, np.uint8)), negative, g.op("Cast", shifted, to=3))
        update = g.op("Cast", signed, to=TensorProto.UINT8)
        index = g.const(np.arange(i * rows, (i + 1) * rows)[:, None], np.int64)
        result = g.op("ScatterND", result, index, update)
    return g.op("Sub", g.op("Cast", result, to=1), g.const(1.0))


def test_transformers_packed(tmp_path):
    """The packed uint8 weight, codes into the product, both scales divided out after it."""
    rng = np.random.default_rng(4)
    codes = rng.integers(-1, 2, (48, 64))
    quarters = (codes + 1).reshape(4, 12, 64)
    packed = sum(quarters[i] << (2 * i) for i in range(4))
    g = Graph()
    largest = g.op("ReduceMax", g.op("Abs", "x"), g.const([-1], np.int64), keepdims=1)
    s = g.op("Mul", g.op("Reciprocal", g.op("Clip", largest, g.const(1e-5))), g.const(127.0))
    q = g.op("Clip", g.op("Round", g.op("Mul", "x", s)), g.const(-128.0), g.const(127.0))
    q = g.op("Cast", g.op("Cast", q, to=TensorProto.INT8), to=1)
    y = g.op("MatMul", q, g.op("Transpose", packed_weight(g, packed), perm=[1, 0]))
    y = g.op("Div", y, g.op("Mul", g.const([1.7]), s))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 48]})
    (layer,) = compile_report(path, tmp_path)["bitlinear"]["layers"]
    assert layer["weight_error"] == 0 and layer["activation_bits"] == 8
    comparison = ties.Comparison(path)
    for seed in range(3):
        comparison.check(sample(4, 64, seed))
