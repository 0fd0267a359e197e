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
        "last block cut off": g.op("DequantizeLinear", i8, blocks, axis=1, block_size=4),
        "last block of rows cut off": g.op(
            "DequantizeLinear",
            u8,
            g.const(rng.random((2, 6))),
            g.const(rng.integers(0, 9, (2, 6)), np.uint8),
            axis=0,
            block_size=3,
        ),
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


@pytest.mark.parametrize("squash", ["Tanh", "Sigmoid"])
def test_squashed_weights(squash, tmp_path):
    """DoReFa's weights: tanh(w) over its greatest magnitude, rounded; with a scale that is the logarithm of one."""
    g, rng = Graph(), np.random.default_rng(13)
    w = g.op(squash, g.const(rng.standard_normal((24, 64))))
    if squash == "Sigmoid":
        w = g.op("Log", g.op("Exp", g.op("Sub", g.op("Mul", w, g.const(2)), g.const(1))))
    w = g.op("Round", g.op("Div", w, g.op("ReduceMax", g.op("Abs", w), keepdims=0)))
    w = g.op("Mul", w, g.op("Exp", g.const(-2.5)))
    y = g.op("MatMul", "x", g.op("Transpose", w, perm=[1, 0]))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]})
    (layer,) = compile_report(path, tmp_path)["bitlinear"]["layers"]
    assert layer["packed_bytes"] > 0
    same_as_reference(path, sample(5, 64), rtol=1e-5, atol=1e-5)


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


def ternary(rng, *shape):
    return rng.integers(-1, 2, shape).astype(np.float32) * np.float32(0.37)


def blockwise(rng, bits, block, n, k):
    """MatMulNBits' three operands of a ternary weight: codes, one scale a block, packed zero points."""
    blocks, per_byte = -(-k // block), 8 // bits
    zero = rng.integers(1, 2**bits - 1, (n, blocks))
    codes = np.repeat(zero, block, 1) + rng.integers(-1, 2, (n, blocks * block))
    shifts = np.arange(per_byte) * bits

    def pack(values, columns):
        values = np.pad(values, ((0, 0), (0, columns * per_byte - values.shape[1])))
        return (values.reshape(n, columns, per_byte) << shifts).sum(-1).astype(np.uint8)

    packed = pack(codes, blocks * block // per_byte).reshape(n, blocks, -1)
    scales = rng.random((n, blocks)).astype(np.float32)
    return packed, scales.ravel(), pack(zero, -(-blocks // per_byte)).ravel()


def microsoft(g, op_type, *inputs, **attributes):
    return g.op(op_type, *inputs, domain="com.microsoft", **attributes)


def n_bits(g, rng, bits, block=16, k=64, **attributes):
    packed, scales, zeros = blockwise(rng, bits, block, 24, k)
    operands = [g.const(packed, np.uint8), g.const(scales), g.const(zeros, np.uint8)]
    return microsoft(g, "MatMulNBits", "x", *operands, K=k, N=24, bits=bits, block_size=block, **attributes)


# What the node is: (graph on x [batch, 64], columns of the result, activation bits).
PRODUCTS = {
    "right": lambda g, r: g.op("MatMul", "x", g.const(ternary(r, 64, 24))),
    "left": lambda g, r: g.op(
        "Transpose", g.op("MatMul", g.const(ternary(r, 24, 64)), g.op("Transpose", "x", perm=[1, 0])), perm=[1, 0]
    ),
    "gemm": lambda g, r: g.op(
        "Gemm", "x", g.const(ternary(r, 24, 64)), g.const(r.random((1, 24))), transB=1, alpha=0.3, beta=1.7
    ),
    "gemm, scalar": lambda g, r: g.op("Gemm", "x", g.const(ternary(r, 64, 24)), g.const(0.7), beta=-2.0),
    "gemm, transA": lambda g, r: g.op(
        "Gemm", g.op("Transpose", "x", perm=[1, 0]), g.const(ternary(r, 64, 24)), transA=1
    ),
    "gemm, addend": lambda g, r: g.op(
        "Gemm", "x", g.const(ternary(r, 64, 24)), g.op("ReduceMax", "x", g.const([1], np.int64)), beta=0.5
    ),
    "einsum": lambda g, r: g.op("Einsum", "x", g.const(ternary(r, 24, 64)), equation="ij,kj->ik"),
    "einsum, moved": lambda g, r: g.op(
        "Einsum", g.const(ternary(r, 64, 24)), g.op("Transpose", "x", perm=[1, 0]), equation="kn,k...->...n"
    ),
    "fused": lambda g, r: microsoft(g, "FusedMatMul", "x", g.const(ternary(r, 24, 64)), transB=1, alpha=0.3),
    "two bits": lambda g, r: n_bits(g, r, 2),
    "four bits": lambda g, r: n_bits(g, r, 4),
    "four bits, half a block": lambda g, r: n_bits(g, r, 4, block=128),
    "fused gemm": lambda g, r: microsoft(
        g, "FusedGemm", "x", g.const(ternary(r, 64, 24)), g.const(r.random(24)), activation="Relu"
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name, tmp_path):
    g = Graph()
    y = PRODUCTS[name](g, np.random.default_rng(5))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]}, opset=20)
    found = compile_report(path, tmp_path)["bitlinear"]
    assert found["found"] == 1 and found["rejected"] == []
    assert found["layers"][0]["weight_error"] < 1e-7
    for batch in (1, 5):
        same_as_reference(path, sample(batch, 64), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("quantize", ["off", "all"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_floats(name, quantize, tmp_path):
    """Without recognition all stay float; asked for, all become layers, whatever they are written as."""
    g = Graph()
    y = PRODUCTS[name](g, np.random.default_rng(5))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]}, opset=20)
    assert compile_report(path, tmp_path, quantize=quantize)["bitlinear"]["found"] == (quantize == "all")
    same_as_reference(path, sample(5, 64), rtol=1e-4, atol=1e-4)


def integer_product(g, rng, kind, weights, operands):
    """DynamicQuantizeLinear, MatMulInteger by `weights`, and the scale behind it."""
    node = helper.make_node("DynamicQuantizeLinear", ["x"], ["codes", "scale", "zero"], name="node_quantize")
    g.nodes.append(node)
    zero = {np.int8: 0, np.uint8: 128}[kind]
    w, z = g.const(weights + zero, kind), g.const(zero, kind)
    acc = g.op("MatMulInteger", "codes", w, *(["zero", z] if operands == 4 else ["", z]))
    return g.op("Mul", g.op("Cast", acc, to=1), "scale"), acc


@pytest.mark.parametrize("operands", [3, 4])
@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("kind", [np.int8, np.uint8], ids=["i8", "u8"])
def test_integer_products(kind, levels, operands, tmp_path):
    """Ternary weights become a layer, others stay integers; both give onnxruntime's sums, exactly."""
    rng = np.random.default_rng(6)
    g = Graph()
    y, acc = integer_product(g, rng, kind, rng.integers(-levels, levels + 1, (64, 24)), operands)
    exact = g.op("Cast", acc, to=1)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24], exact: ["batch", 24]})
    found = compile_report(path, tmp_path)["bitlinear"]
    assert found["found"] == (levels == 1)
    if levels == 2:
        assert "distinct magnitudes" in found["rejected"][0]["reason"]
    for seed in range(3):
        x = sample(5, 64, seed)
        same_as_reference(path, x, rtol=1e-6, atol=1e-6)
        theirs = ties.reference(path).run(None, {"x": x})[1]
        np.testing.assert_array_equal(bm.load(path.with_suffix(".so"))(x)[1], theirs)


@pytest.mark.parametrize("k, found", [(768, True), (65793, True), (65794, False)])
@pytest.mark.parametrize("has_sums", [False, True], ids=["floats", "sums"])
def test_integer_products_of_127(has_sums, k, found, tmp_path):
    """Ternary weights as onnxruntime's quantizer leaves them: sums are rounded where the graph rounds them."""
    g, rng = Graph(), np.random.default_rng(12)
    weights = 127 * rng.integers(-1, 2, (k, 3))
    weights[:, 0] = 127
    g.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["codes", "scale", "zero"], name="node_quantize"))
    acc = g.op("MatMulInteger", "codes", g.const(weights, np.int8), "zero")
    outputs = {g.op("Cast", acc, to=1): [2, 3]}
    if has_sums:
        # Whoever reads the integers gets them to the last one.
        mod = g.op("Mod", acc, g.const(1000, np.int32))
        outputs[g.op("Cast", mod, to=1)] = [2, 3]
    path = g.save(tmp_path / "model.onnx", {"x": [2, k]}, outputs)
    report = compile_report(path, tmp_path)["bitlinear"]
    assert report["found"] == (found and not has_sums)
    if not report["found"]:
        assert "may not fit into float32" in report["rejected"][0]["reason"]
    model, reference = bm.load(path.with_suffix(".so")), ties.reference(path)
    for x in (sample(2, k, 0), np.abs(sample(2, k, 1)), np.ones((2, k), np.float32)):
        ours = model(x)
        for a, b in zip(ours if has_sums else [ours], reference.run(None, {"x": x}), strict=True):
            np.testing.assert_array_equal(a, b)


def test_integer_codes(tmp_path):
    """The b1.58 quantizer's codes as int8 into MatMulInteger: the layer gets the quantizer."""
    g, rng = Graph(), np.random.default_rng(11)
    largest = g.op("ReduceMax", g.op("Abs", "x"), g.const([-1], np.int64), keepdims=1)
    s = g.op("Div", g.const(127.0), g.op("Clip", largest, g.const(1e-5)))
    q = g.op("Clip", g.op("Round", g.op("Mul", "x", s)), g.const(-128.0), g.const(127.0))
    q = g.op("Cast", q, to=TensorProto.INT8)
    acc = g.op("MatMulInteger", q, g.const(rng.integers(-1, 2, (64, 24)), np.int8))
    y = g.op("Div", g.op("Cast", acc, to=1), g.op("Mul", s, g.const(0.7)))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]})
    (layer,) = compile_report(path, tmp_path)["bitlinear"]["layers"]
    assert layer["activation_bits"] == 8
    comparison = ties.Comparison(path)
    for seed in range(3):
        comparison.check(sample(4, 64, seed))


@pytest.mark.parametrize("op_type", ["DynamicQuantizeMatMul", "MatMulIntegerToFloat"])
@pytest.mark.parametrize("bias", [False, True], ids=["", "bias"])
def test_fused_integer_products(op_type, bias, tmp_path):
    """What onnxruntime's optimizer makes of such a product is taken apart again."""
    rng = np.random.default_rng(7)
    g = Graph()
    w = g.const(rng.integers(-1, 2, (64, 24)), np.int8)
    scale, last = g.const(0.3), [g.const(rng.random(24))] if bias else []
    if op_type == "DynamicQuantizeMatMul":
        y = microsoft(g, op_type, "x", w, scale, "", *last)
    else:
        node = helper.make_node("DynamicQuantizeLinear", ["x"], ["codes", "scale", "zero"], name="node_quantize")
        g.nodes.append(node)
        y = microsoft(g, op_type, "codes", w, "scale", scale, "zero", "", *last)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]})
    assert compile_report(path, tmp_path)["bitlinear"]["found"] == 1
    for seed in range(3):
        same_as_reference(path, sample(5, 64, seed), rtol=1e-5, atol=1e-5)


def test_float_weights_of_n_bits(tmp_path):
    """Weights of sixteen levels: the product stays float, and right."""
    rng = np.random.default_rng(8)
    g = Graph()
    packed = g.const(rng.integers(0, 256, (24, 4, 8)), np.uint8)
    y = microsoft(g, "MatMulNBits", "x", packed, g.const(rng.random(96)), K=64, N=24, bits=4, block_size=16)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]})
    found = compile_report(path, tmp_path)["bitlinear"]
    assert found["found"] == 0 and "distinct magnitudes" in found["rejected"][0]["reason"]
    same_as_reference(path, sample(5, 64), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float16, "bfloat16"], ids=str)
def test_halves(dtype, tmp_path):
    """A layer of halves computes in float32 and is rounded once."""
    rng = np.random.default_rng(9)
    g = Graph()
    kind = TensorProto.FLOAT16 if dtype == np.float16 else TensorProto.BFLOAT16
    w = g.op("Cast", g.const(ternary(rng, 64, 24)), to=kind)
    x = g.op("Cast", "x", to=kind)
    y = g.op("Cast", g.op("MatMul", x, w), to=1)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]})
    (layer,) = compile_report(path, tmp_path)["bitlinear"]["layers"]
    assert layer["weight_error"] == 0
    values = sample(5, 64)
    if dtype == np.float16:
        same_as_reference(path, values, rtol=2e-3, atol=2e-3)
        return
    rounded = [onnx_bfloat16(v) for v in (values, ternary(np.random.default_rng(9), 64, 24))]
    expected = onnx_bfloat16(rounded[0].astype(np.float64) @ rounded[1].astype(np.float64))
    np.testing.assert_allclose(bm.load(path.with_suffix(".so"))(values), expected, rtol=8e-3, atol=1e-5)


def onnx_bfloat16(values):
    """`values` rounded to bfloat16, as floats."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def test_replaceable_weight(tmp_path):
    """An initializer that is an input, too, is a default value: whoever calls may pass another one."""
    rng = np.random.default_rng(10)
    g = Graph()
    w = g.const(ternary(rng, 64, 24))
    y = g.op("MatMul", "x", w)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64], w: [64, 24]}, {y: ["batch", 24]})
    assert "callers may replace" in compile_file(path, path.with_suffix(".so"))
    (rejected,) = compile_report(path, tmp_path)["bitlinear"]["rejected"]
    assert rejected["reason"].endswith("whose initializer is a default that callers may replace")
    x, other = sample(5, 64), sample(64, 24, 1)
    theirs = ties.reference(path).run(None, {"x": x, w: other})[0]
    np.testing.assert_allclose(bm.load(path.with_suffix(".so"))(x, other), theirs, rtol=1e-4, atol=1e-4)
