"""onnxruntime's own operators, node by node: what its optimizers and quantizers write, beside onnxruntime itself."""

import numpy as np
import onnx
import pytest
import ties
from onnx import helper, numpy_helper

BATCH, SEQUENCE, HIDDEN, HEADS = 2, 5, 32, 4


def floats(*shape, scale=1.0):
    """Numbers for a float operand."""
    return lambda rng: (rng.standard_normal(shape) * scale).astype(np.float32)


def codes(*shape, dtype=np.uint8):
    """Numbers for a quantized operand."""
    limits = np.iinfo(dtype)
    return lambda rng: rng.integers(limits.min, limits.max + 1, shape).astype(dtype)


def constant(value, dtype=np.float32):
    """An operand that the model holds."""
    return np.asarray(value, dtype)


def ids(high, *shape, dtype=np.int32):
    """Row numbers below `high`."""
    return lambda rng: rng.integers(0, high, shape).astype(dtype)


def node(op, *operands, outputs=("y",), **attributes):
    """A case: operands are None where left out, arrays where constant, and functions of a generator for inputs."""
    return op, operands, outputs, attributes


U8, I8 = np.uint8, np.int8


def point(value, dtype=U8):
    """A zero point."""
    return constant(value, dtype)


def quantized(op, *shape, dtype=U8, scale=0.02, zero=3, **attributes):
    """An operator of one quantized operand."""
    s, z = constant(scale), point(zero, dtype)
    return node(op, codes(*shape, dtype=dtype), s, z, constant(0.013), point(zero + 5, dtype), **attributes)


def two(op, a, b, dtype=U8):
    """An operator of two quantized operands."""
    return node(
        op,
        codes(*a, dtype=dtype),
        constant(0.031),
        point(7, dtype),
        codes(*b, dtype=dtype),
        constant(0.017),
        point(11, dtype),
        constant(0.04 if op == "QLinearAdd" else 0.02),
        point(19, dtype),
    )


def attention(*rest, op="Attention", scale=0.3, **attributes):
    """Attention of one product; `rest` is what follows the bias."""
    weights = constant(np.random.default_rng(7).standard_normal((HIDDEN, 3 * HIDDEN)) * scale)
    bias = constant(np.random.default_rng(8).standard_normal(3 * HIDDEN) * 0.1)
    return node(op, floats(BATCH, SEQUENCE, HIDDEN), weights, bias, *rest, num_heads=HEADS, **attributes)


def lengths(rng):
    """How many keys each row has."""
    return rng.integers(1, SEQUENCE + 1, BATCH).astype(np.int32)


def padding(*shape):
    """A mask that keeps the first key of each row."""

    def draw(rng):
        mask = rng.integers(0, 2, shape).astype(np.int32)
        mask[..., 0] = 1
        return mask

    return draw


def quantized_attention(*rest, dtype=U8, **attributes):
    """The same on codes."""
    rng = np.random.default_rng(9)
    weights = constant(rng.integers(-100, 100, (HIDDEN, 3 * HIDDEN)), I8)
    bias = constant(rng.standard_normal(3 * HIDDEN) * 0.1)
    operands = codes(BATCH, SEQUENCE, HIDDEN, dtype=dtype), weights, bias, constant(0.01), constant(0.004)
    return node("QAttention", *operands, *rest, num_heads=HEADS, **attributes)


def embed(segments=True, mask=True, positions=False, **attributes):
    """The first layer of a BERT."""
    rng = np.random.default_rng(5)
    tables = [constant(rng.standard_normal((n, HIDDEN))) for n in (17, 9, 2)]
    return node(
        "EmbedLayerNormalization",
        ids(17, BATCH, SEQUENCE),
        ids(2, BATCH, SEQUENCE) if segments else None,
        tables[0],
        tables[1],
        tables[2] if segments else None,
        constant(rng.standard_normal(HIDDEN)),
        constant(rng.standard_normal(HIDDEN)),
        ids(2, BATCH, SEQUENCE) if mask else None,
        ids(9, BATCH, SEQUENCE) if positions else None,
        outputs=("y", "mask_index"),
        **attributes,
    )


IMAGE, KERNEL = floats(2, 4, 9, 8), constant(np.random.default_rng(3).standard_normal((6, 4, 3, 3)))
WINDOW = {"kernel_shape": [3, 3], "strides": [2, 1], "pads": [1, 0, 1, 2]}
PAST = floats(2, BATCH, HEADS, 3, HIDDEN // HEADS)
BOTH = ("y", "present")
WEIGHTS = constant(np.random.default_rng(4).integers(-128, 128, (16, 12)), I8)
CONV = (constant(0.02), point(120), constant(KERNEL * 30, I8), constant([0.01, 0.02, 0.03, 0.02, 0.01, 0.05]))
CASES = {
    "FusedConv": node("FusedConv", IMAGE, KERNEL, constant(np.arange(6)), activation="Relu", **WINDOW),
    "FusedConv, no bias": node("FusedConv", IMAGE, KERNEL, activation="Tanh", **WINDOW),
    "FusedConv, sum": node(
        "FusedConv", IMAGE, KERNEL, constant(np.arange(6)), floats(2, 6, 7, 6), activation="Relu", kernel_shape=[3, 3]
    ),
    "FusedConv, LeakyRelu": node("FusedConv", IMAGE, KERNEL, activation="LeakyRelu", activation_params=[0.3]),
    "FusedConv, Clip": node("FusedConv", IMAGE, KERNEL, activation="Clip", activation_params=[-0.5, 1.5]),
    "FusedConv, HardSigmoid": node("FusedConv", IMAGE, KERNEL, activation="HardSigmoid", activation_params=[0.3, 0.4]),
    "FusedGemm": node("FusedGemm", floats(5, 8), floats(8, 6), floats(6), activation="Relu", alpha=0.5, beta=2.0),
    "FusedGemm, LeakyRelu": node(
        "FusedGemm", floats(5, 8), floats(6, 8), transB=1, activation="LeakyRelu", activation_alpha=0.2
    ),
    "TransposeMatMul": node("TransposeMatMul", floats(2, 5, 8), floats(2, 6, 8), transB=1, alpha=0.5),
    "FusedMatMul": node("FusedMatMul", floats(2, 8, 5), floats(2, 8, 6), transA=1),
    "Gelu": node("Gelu", floats(3, 20)),
    "BiasGelu": node("BiasGelu", floats(3, 20), floats(20)),
    "FastGelu": node("FastGelu", floats(3, 20), floats(20)),
    "QuickGelu": node("QuickGelu", floats(3, 20), alpha=1.3),
    "Attention": attention(),
    "Attention, causal": attention(unidirectional=1),
    "Attention, lengths": attention(lengths),
    "Attention, mask": attention(padding(BATCH, SEQUENCE)),
    "Attention, mask of queries": attention(padding(BATCH, SEQUENCE, SEQUENCE), mask_filter_value=-50.0),
    "Attention, past": attention(None, PAST, outputs=BOTH, unidirectional=1),
    "Attention, past and mask": attention(padding(BATCH, SEQUENCE + 3), PAST, outputs=BOTH),
    "Attention, bias": attention(None, None, floats(1, HEADS, SEQUENCE, SEQUENCE), scale=0.25),
    "QAttention": quantized_attention(None, point(128), point(0, I8)),
    "QAttention, causal past": quantized_attention(
        None, point(128), point(0, I8), PAST, outputs=BOTH, unidirectional=1
    ),
    "QAttention, lengths": quantized_attention(lengths, point(128), point(0, I8)),
    "EmbedLayerNormalization": embed(epsilon=1e-5),
    "EmbedLayerNormalization, plain": embed(segments=False, mask=False),
    "EmbedLayerNormalization, positions": embed(positions=True),
    "QLinearAdd": two("QLinearAdd", (2, 3, 20), (3, 1)),
    "QLinearAdd, int8": two("QLinearAdd", (2, 20), (20,), I8),
    "QLinearMul": two("QLinearMul", (4, 20), (4, 20)),
    "QLinearMul, int8": two("QLinearMul", (4, 20), (1,), I8),
    "QLinearSigmoid": quantized("QLinearSigmoid", 3, 40),
    "QLinearSigmoid, int8": quantized("QLinearSigmoid", 3, 40, dtype=I8),
    "QLinearLeakyRelu": quantized("QLinearLeakyRelu", 3, 40, zero=90, alpha=0.2),
    "QLinearSoftmax": quantized("QLinearSoftmax", 3, 4, 10, axis=-1, opset=13),
    "QLinearSoftmax, opset 12": quantized("QLinearSoftmax", 3, 4, 10, axis=1, opset=12, dtype=I8),
    "QLinearAveragePool": quantized("QLinearAveragePool", 2, 3, 9, 8, **WINDOW),
    "QLinearAveragePool, padding": quantized("QLinearAveragePool", 2, 3, 9, 8, count_include_pad=1, **WINDOW),
    "QLinearAveragePool, channels last": quantized("QLinearAveragePool", 2, 9, 8, 3, channels_last=1, **WINDOW),
    "QLinearGlobalAveragePool": quantized("QLinearGlobalAveragePool", 2, 3, 9, 8, channels_last=0),
    "QLinearGlobalAveragePool, channels last": quantized("QLinearGlobalAveragePool", 2, 9, 8, 3, channels_last=1),
    "QLinearConcat": node(
        "QLinearConcat",
        constant(0.02),
        point(9),
        codes(2, 3, 4),
        constant(0.02),
        point(9),
        codes(2, 5, 4),
        constant(0.03),
        point(4),
        axis=1,
    ),
    "QLinearWhere": node(
        "QLinearWhere",
        lambda rng: rng.integers(0, 2, (2, 3, 4)).astype(bool),
        codes(2, 3, 4),
        constant(0.02),
        point(9),
        codes(3, 4),
        constant(0.03),
        point(4),
        constant(0.025),
        point(1),
    ),
    "QLinearConv": node(
        "QLinearConv", codes(2, 4, 9, 8), *CONV, point([0] * 6, I8), constant(0.3), point(100), kernel_shape=[3, 3]
    ),
    "QLinearConv, channels last": node(
        "QLinearConv",
        codes(2, 9, 8, 4),
        *CONV,
        point([0] * 6, I8),
        constant(0.3),
        point(100),
        constant(range(6), np.int32),
        channels_last=1,
        **WINDOW,
    ),
    "NhwcMaxPool": node("NhwcMaxPool", codes(2, 9, 8, 3), **WINDOW),
    "QGemm": node(
        "QGemm", codes(5, 16), constant(0.02), point(100), WEIGHTS, constant(0.01), point(3, I8),
        constant(range(12), np.int32), constant(0.5), point(110),
    ),
    "QGemm, float": node(
        "QGemm", codes(5, 16), constant(0.02), point(100), constant(WEIGHTS.T, I8), constant(np.arange(1, 13) / 100),
        point([0] * 12, I8), constant(range(12), np.int32), transB=1, alpha=0.5,
    ),
    "DynamicQuantizeMatMul": node(
        "DynamicQuantizeMatMul", floats(3, 5, 16), WEIGHTS, constant(0.01), point(3, I8), constant(np.arange(12) / 10)
    ),
    "MatMulIntegerToFloat": node(
        "MatMulIntegerToFloat", codes(5, 16), WEIGHTS, constant(0.02), constant(np.arange(1, 13) / 100), point(100)
    ),
    "DequantizeLinear": node("DequantizeLinear", codes(3, 4), constant([0.1, 0.2, 0.3, 0.4]), point([1, 2, 3, 4])),
    "QuantizeLinear": node("QuantizeLinear", floats(3, 4), constant([0.01, 0.02, 0.03, 0.04]), point([1, 2, 3, 4])),
    "ai.onnx QLinearMatMul": node(
        "QLinearMatMul", codes(2, 5, 16), constant(0.02), point(100), WEIGHTS, constant(0.01), point(3, I8),
        constant(0.5), point(110), domain="",
    ),
    "ai.onnx QLinearMatMul, columns": node(
        "QLinearMatMul", codes(5, 16), constant(0.02), point(100), WEIGHTS, constant(np.arange(1, 13) / 100),
        point([0] * 12, I8), constant(0.5), point(110), domain="",
    ),
}  # fmt: skip


def build(case, path, symbolic):
    """Writes a model of one node; returns its inputs' values."""
    op, operands, outputs, attributes = case
    rng = np.random.default_rng(1)
    names, inputs, constants, values = [], [], [], {}
    for i, operand in enumerate(operands):
        name = f"x{i}" if operand is not None else ""
        names.append(name)
        if isinstance(operand, np.ndarray):
            constants.append(numpy_helper.from_array(operand, name))
        elif operand is not None:
            values[name] = operand(rng)
            # Ranks alone, but for the batch: the lengths of an Attention are told by it.
            shape = values[name].shape
            if symbolic:
                shape = ["batch" if j == 0 and d == BATCH else f"d{i}_{j}" for j, d in enumerate(shape)]
            kind = helper.np_dtype_to_tensor_dtype(values[name].dtype)
            inputs.append(helper.make_tensor_value_info(name, kind, shape))
    attributes = dict(attributes)
    domain = attributes.pop("domain", "com.microsoft")
    made = helper.make_node(op, names, list(outputs), name="node", domain=domain, **attributes)
    results = [helper.make_empty_tensor_value_info(name) for name in outputs]
    graph = helper.make_graph([made], "g", inputs, results, constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return values


@pytest.mark.parametrize("symbolic", [False, True], ids=["static", "symbolic"])
@pytest.mark.parametrize("name", CASES)
def test_operator(name, symbolic, tmp_path):
    path = tmp_path / "model.onnx"
    values = build(CASES[name], path, symbolic)
    expected = ties.reference(path).run(None, values)
    model = onnx.load(path)
    # onnxruntime tells the types of its operators' results; the file need not, but outputs must have one.
    for output, value in zip(model.graph.output, expected):
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        output.CopyFrom(helper.make_tensor_value_info(output.name, kind, [None] * value.ndim))
    onnx.save(model, path)
    ours = ties.compiled(path, level=["x86-64-v3"]).run(values)
    for y, other in zip(ours.values(), expected, strict=True):
        assert y.shape == other.shape and y.dtype == other.dtype
        if y.dtype in (U8, I8):
            # A code may fall to the other side of the middle; it must be rare.
            difference = np.abs(y.astype(int) - other.astype(int))
            assert difference.max(initial=0) <= 1 and np.mean(difference != 0) <= (0.04 if "Softmax" in name else 0.02)
        else:
            np.testing.assert_allclose(y, other, rtol=1e-4, atol=1e-5 * max(1, np.abs(other).max()))
