"""Products of codes by constant codes: exact sums in 32 bits, as onnxruntime and the ONNX reference have them."""

import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
from machine import open_levels
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import bit_mlir as bm
from bit_mlir.paths import tool

LEVELS = ["x86-64-v3", "avxvnni", "avx512vnni"]
ROWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 17, 96, 97, 128]
U8, I8 = np.uint8, np.int8
TYPES = {U8: TensorProto.UINT8, I8: TensorProto.INT8}


def save(path, nodes, inputs, constants, out=TensorProto.INT32):
    """Writes a model from `inputs`, names with types and shapes, to y."""
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info(*item) for item in inputs],
        [helper.make_tensor_value_info("y", out, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def codes(rng, shape, dtype):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, endpoint=True).astype(dtype)


def multiply(x, w, zero_x=0, zero_w=0):
    """The sums modulo 2^32."""
    exact = (x.astype(np.int64) - np.int64(zero_x)) @ (w.astype(np.int64) - np.int64(zero_w))
    return exact.astype(np.int32)


def levels(path, library):
    """The compiled model at every level this CPU has."""
    bm.compile(path, output=library)
    return open_levels(library, LEVELS)


def peer(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def is_exact(models):
    """Whether onnxruntime's sums are exact here: on AVX2 alone its sums of pairs saturate."""
    return any(model.level == "avx512vnni" for model in models)


# onnxruntime has no product of signed codes by unsigned ones; test_signs has it.
@pytest.mark.parametrize("x_type, w_type", [(U8, U8), (U8, I8), (I8, I8)], ids=["u8u8", "u8s8", "s8s8"])
@pytest.mark.parametrize("zeros", ["none", "x", "w", "both", "columns"])
@pytest.mark.parametrize("n, k", [(300, 257), (8, 3), (33, 64), (16, 1000)])
def test_matmul_integer(tmp_path, x_type, w_type, zeros, n, k):
    rng = np.random.default_rng(n + k)
    w = codes(rng, (k, n), w_type)
    constants, names = {"w": w}, ["x", "w"]
    zero_x = zero_w = 0
    if zeros != "none":
        zero_x = 113 if zeros in ("x", "both") else 0
        constants["zx"] = np.array(zero_x, x_type)
        names.append("zx")
    if zeros in ("w", "both", "columns"):
        zero_w = codes(rng, n, w_type) if zeros == "columns" else np.array(5, w_type)
        constants["zw"] = zero_w
        names.append("zw")
    path = save(
        tmp_path / "m.onnx",
        [helper.make_node("MatMulInteger", names, ["y"])],
        [("x", TYPES[x_type], ["m", k])],
        constants,
    )
    models, other = levels(path, tmp_path / "m.so"), peer(path)
    reference = ReferenceEvaluator(str(path))
    x = codes(rng, (ROWS[-1], k), x_type)
    for m in ROWS:
        expected = multiply(x[:m], w, zero_x, zero_w)
        for model in models:
            np.testing.assert_array_equal(model(x[:m]), expected, err_msg=f"{m} rows at {model.level}")
        if m in (1, 8, 17):
            np.testing.assert_array_equal(reference.run(None, {"x": x[:m]})[0], expected)
            if is_exact(models):
                np.testing.assert_array_equal(other.run(None, {"x": x[:m]})[0], expected)


def test_signs(tmp_path):
    """Signed codes by unsigned ones, all at their extremes, with zero points there, too."""
    k, n = 70, 40
    for zero_x in (-128, 0, 127):
        for w_code, zero_w in ((0, 255), (255, 0), (255, 255), (128, 0)):
            w = np.full((k, n), w_code, U8)
            w[0, 0], w[1, 0] = w_code ^ 1, w_code ^ 2  # two magnitudes: not ternary
            path = save(
                tmp_path / "m.onnx",
                [helper.make_node("MatMulInteger", ["x", "w", "zx", "zw"], ["y"])],
                [("x", TensorProto.INT8, ["m", k])],
                {"w": w, "zx": np.array(zero_x, I8), "zw": np.array(zero_w, U8)},
            )
            models = levels(path, tmp_path / "m.so")
            for code in (-128, 0, 127):
                x = np.full((3, k), code, I8)
                for model in models:
                    np.testing.assert_array_equal(model(x), multiply(x, w, zero_x, zero_w))


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 6, 7, 8, 17, 128])
def test_static_rows(tmp_path, m):
    rng = np.random.default_rng(m)
    k, n = 131, 77
    w, x = codes(rng, (k, n), I8), codes(rng, (m, k), U8)
    node = helper.make_node("MatMulInteger", ["x", "w", "zx"], ["y"])
    path = save(tmp_path / "m.onnx", [node], [("x", TensorProto.UINT8, [m, k])], {"w": w, "zx": np.array(7, U8)})
    for model in levels(path, tmp_path / "m.so"):
        np.testing.assert_array_equal(model(x), multiply(x, w, 7))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("m", [1, 3, 200])
def test_threads(tmp_path, threads, m):
    """More panels and rows than one thread takes at once."""
    rng = np.random.default_rng(m)
    k, n = 520, 9001
    w, x = codes(rng, (k, n), I8), codes(rng, (m, k), U8)
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    path = save(tmp_path / "m.onnx", [node], [("x", TensorProto.UINT8, ["m", k])], {"w": w})
    bm.compile(path, output=tmp_path / "m.so")
    np.testing.assert_array_equal(bm.load(tmp_path / "m.so", threads=threads)(x), multiply(x, w))


@pytest.mark.parametrize("k", [65793, 65794, 140001])
def test_sums_beyond_32_bits(tmp_path, k):
    """65,793 is the longest K whose sums all fit; longer ones wrap, as in the reference."""
    n = 9
    w, x = np.full((k, n), -128, I8), np.full((3, k), 255, U8)
    w[0, 0], w[k - 1, n - 1] = -127, 127
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    path = save(tmp_path / "m.onnx", [node], [("x", TensorProto.UINT8, ["m", k])], {"w": w})
    expected = ReferenceEvaluator(str(path)).run(None, {"x": x})[0]
    np.testing.assert_array_equal(expected, multiply(x, w))
    for model in levels(path, tmp_path / "m.so"):
        for m in (1, 3):
            np.testing.assert_array_equal(model(x[:m]), expected[:m])


@pytest.mark.parametrize("shape", [["b", "m", 65], [2, "m", 65], [2, 3, 65], ["a", "b", "m", 65]], ids=str)
@pytest.mark.parametrize("x_type", [U8, I8], ids=["u8", "s8"])
def test_batches(tmp_path, shape, x_type):
    rng = np.random.default_rng(3)
    w = codes(rng, (65, 50), I8)
    node = helper.make_node("MatMulInteger", ["x", "w", "zx"], ["y"])
    path = save(tmp_path / "m.onnx", [node], [("x", TYPES[x_type], shape)], {"w": w, "zx": np.array(3, x_type)})
    sizes = {"a": 2, "b": 2, "m": 3}
    x = codes(rng, [sizes.get(size, size) for size in shape], x_type)
    for model in levels(path, tmp_path / "m.so"):
        np.testing.assert_array_equal(model(x), multiply(x, w, 3))


def test_rows_of_zero_points(tmp_path):
    """A zero point for each row, which the model gets; a wrong number of them is an error."""
    rng = np.random.default_rng(4)
    k, n = 65, 50
    w, x, zero = codes(rng, (k, n), I8), codes(rng, (6, k), U8), codes(rng, 6, U8)
    node = helper.make_node("MatMulInteger", ["x", "w", "zx"], ["y"])
    # As many as rows, or perhaps one: the latter is not packed.
    for size in ("m", "z"):
        inputs = [("x", TensorProto.UINT8, ["m", k]), ("zx", TensorProto.UINT8, [size])]
        path = save(tmp_path / f"{size}.onnx", [node], inputs, {"w": w})
        for model in levels(path, tmp_path / "m.so") if size == "m" else [bm.compile(path)]:
            np.testing.assert_array_equal(model(x, zero), multiply(x, w, zero[:, None]))
            for wrong in (zero[:5], np.zeros(7, U8), zero[:0]):
                with pytest.raises(bm.Error):
                    model(x, wrong)


def test_weights_stored_by_output(tmp_path):
    """N x K weights with a Transpose, as exporters write them."""
    rng = np.random.default_rng(5)
    k, n = 257, 300
    w, x = codes(rng, (n, k), U8), codes(rng, (9, k), U8)
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
        helper.make_node("MatMulInteger", ["x", "t", "zx", "zw"], ["y"]),
    ]
    constants = {"w": w, "zx": np.array(100, U8), "zw": np.array(131, U8)}
    path = save(tmp_path / "m.onnx", nodes, [("x", TensorProto.UINT8, ["m", k])], constants)
    for model in levels(path, tmp_path / "m.so"):
        np.testing.assert_array_equal(model(x), multiply(x, w.T, 100, 131))


def test_dynamic_quantization(tmp_path):
    """What a dynamically quantized layer is; onnxruntime's bits, scales included."""
    rng = np.random.default_rng(6)
    k, n = 300, 333
    w, scales = codes(rng, (k, n), I8), rng.random(n).astype(np.float32)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["s", "scales"], ["both"]),
        helper.make_node("Mul", ["floats", "both"], ["y"]),
    ]
    inputs = [("x", TensorProto.FLOAT, ["m", k])]
    path = save(tmp_path / "m.onnx", nodes, inputs, {"w": w, "scales": scales}, TensorProto.FLOAT)
    models, other = levels(path, tmp_path / "m.so"), peer(path)
    for m in (1, 2, 7, 8, 40):
        x = rng.standard_normal((m, k)).astype(np.float32) * m
        results = [model(x) for model in models]
        for result in results:
            np.testing.assert_array_equal(result.view(np.int32), results[0].view(np.int32))
        if is_exact(models):
            np.testing.assert_array_equal(results[0], other.run(None, {"x": x})[0])


@pytest.mark.parametrize("x_type", [U8, I8], ids=["u8", "s8"])
@pytest.mark.parametrize("columns", [False, True], ids=["one", "columns"])
def test_qlinear_matmul(tmp_path, x_type, columns):
    rng = np.random.default_rng(7)
    k, n = 130, 90
    constants = {
        "w": codes(rng, (k, n), I8),
        "sx": np.array(0.02, np.float32),
        "zx": np.array(19, x_type),
        "sw": (rng.random(n) / 50).astype(np.float32) if columns else np.array(0.01, np.float32),
        "zw": np.zeros(n, I8) if columns else np.array(0, I8),
        "sy": np.array(0.3, np.float32),
        "zy": np.array(40, x_type),
    }
    node = helper.make_node("QLinearMatMul", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy"], ["y"])
    path = save(tmp_path / "m.onnx", [node], [("x", TYPES[x_type], ["m", k])], constants, TYPES[x_type])
    models, other = levels(path, tmp_path / "m.so"), peer(path)
    x = codes(rng, (40, k), x_type)
    for m in (1, 2, 5, 8, 40):
        results = [model(x[:m]) for model in models]
        for result in results:
            np.testing.assert_array_equal(result, results[0])
        if is_exact(models):
            np.testing.assert_array_equal(results[0], other.run(None, {"x": x[:m]})[0])


@pytest.mark.parametrize("n", [8, 300])
def test_weights_are_stored_once_as_bytes(tmp_path, n):
    """Also of unsigned codes, which become signed ones."""
    k = 1000
    w = codes(np.random.default_rng(8), (k, n), U8)
    node = helper.make_node("MatMulInteger", ["x", "w", "", "zw"], ["y"])
    inputs, constants = [("x", TensorProto.UINT8, [1, k])], {"w": w, "zw": np.array(128, U8)}
    path = save(tmp_path / "m.onnx", [node], inputs, constants)
    bm.compile(path, output=tmp_path / "m.so")
    # Columns that pad, and all that is no weight.
    stored = k * (16 if n < 16 else 320)
    assert (tmp_path / "m.so").stat().st_size < stored + 100_000
    result = subprocess.run(
        [tool("bit-opt"), path, "--emit=linalg", "-o", "-"], capture_output=True, text=True, check=True
    )
    assert "bit.code_matmul" in result.stdout


def dequantized(path, x_shape, x_type, constants, axis=1):
    """A product between DequantizeLinear operators, as quantizers write them."""
    names = {"x": ["x", "sx", "zx"], "w": ["w", "sw", "zw"]}
    nodes = [
        helper.make_node("DequantizeLinear", [name for name in names["x"] if name == "x" or name in constants], ["a"]),
        helper.make_node("DequantizeLinear", [name for name in names["w"] if name in constants], ["b"], axis=axis),
        helper.make_node("MatMul", ["a", "b"], ["y"]),
    ]
    return save(path, nodes, [("x", TYPES[x_type], x_shape)], constants, TensorProto.FLOAT)


def emitted(path):
    command = [tool("bit-opt"), path, "--emit=linalg", "-o", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("x_type, w_type", [(U8, U8), (U8, I8), (I8, I8)], ids=["u8u8", "u8s8", "s8s8"])
@pytest.mark.parametrize("columns", [False, True], ids=["one", "columns"])
@pytest.mark.parametrize("shape", [["m", 260], ["b", "m", 260]], ids=["matrix", "batch"])
def test_between_dequantizers(tmp_path, x_type, w_type, columns, shape):
    """Sums are exact, scaled once; the graph's floats lie around that."""
    rng = np.random.default_rng(9)
    k, n = 260, 130
    sx, zx = np.array(0.031, np.float32), np.array(77, x_type)
    sw = (rng.random(n) / 50).astype(np.float32) if columns else np.array(0.017, np.float32)
    zw = codes(rng, n, w_type) if columns else np.array(3, w_type)
    w = codes(rng, (k, n), w_type)
    path = dequantized(tmp_path / "m.onnx", shape, x_type, {"w": w, "sx": sx, "zx": zx, "sw": sw, "zw": zw})
    assert "bit.code_matmul" in emitted(path)
    models, other = levels(path, tmp_path / "m.so"), peer(path)
    for m in (1, 2, 5, 9):
        x = codes(rng, [m, k] if len(shape) == 2 else [2, m, k], x_type)
        expected = multiply(x, w, zx, zw).astype(np.float32) * (sx * sw)
        for model in models:
            np.testing.assert_array_equal(model(x), expected)
        floats = other.run(None, {"x": x})[0]
        np.testing.assert_allclose(expected, floats, rtol=1e-4, atol=1e-5 * np.abs(floats).max())


@pytest.mark.parametrize("case", ["k", "n", "axis", "infinite", "huge", "tiny", "scales of x"])
def test_between_dequantizers_as_floats(tmp_path, case):
    """Sums that could overflow, few columns, scales that are no factors: the graph's own floats."""
    rng = np.random.default_rng(10)
    k, n = {"k": (33026, 8), "n": (6000, 7)}.get(case, (300, 200))
    constants = {
        "w": codes(rng, (k, n), I8),
        "sx": np.array({"infinite": np.inf, "huge": 1e20, "tiny": 1e-20}.get(case, 0.5), np.float32),
        "sw": np.full(k if case == "axis" else 1, {"huge": 1e20, "tiny": 1e-20}.get(case, 0.25), np.float32),
    }
    if case == "scales of x":
        constants["sx"] = np.array([0.5, 0.25], np.float32)
    elif case != "axis":
        constants["sw"] = constants["sw"].reshape(())
    shape = [2, k]
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "sx"], ["a"], axis=0),
        helper.make_node("DequantizeLinear", ["w", "sw"], ["b"], axis=0 if case == "axis" else 1),
        helper.make_node("MatMul", ["a", "b"], ["y"]),
    ]
    path = save(tmp_path / "m.onnx", nodes, [("x", TensorProto.UINT8, shape)], constants, TensorProto.FLOAT)
    assert "bit.code_matmul" not in emitted(path)
    x = codes(rng, shape, U8)
    # Products of infinite scales and 0, and of huge ones and sums of 0, tell the ways apart.
    x[:, : k if case == "huge" else 1] = 0
    floats = peer(path).run(None, {"x": x})[0]
    for model in [bm.compile(path)]:
        np.testing.assert_allclose(model(x), floats, rtol=1e-4, atol=1e-5 * np.abs(x).max() * k)


def test_longest_sums_between_dequantizers(tmp_path):
    k, n = 33025, 8
    w, x = np.full((k, n), 255, U8), np.full((2, k), 255, U8)
    w[0, 0], w[1, 1] = 0, 3
    one = np.array(1, np.float32)
    constants = {"w": w, "sx": one, "sw": one}
    path = dequantized(tmp_path / "m.onnx", ["m", k], U8, constants)
    assert "bit.code_matmul" in emitted(path)
    expected = (x.astype(np.int64) @ w.astype(np.int64)).astype(np.float32)
    for model in levels(path, tmp_path / "m.so"):
        np.testing.assert_array_equal(model(x), expected)
