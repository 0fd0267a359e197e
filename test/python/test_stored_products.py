"""Products by weights of 8 bits or halves that the graph makes floats of: the bits of the float weights."""

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from machine import open_levels
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm

ROWS = [0, 1, 2, 3, 4, 7, 8, 15, 17, 33, 95, 96, 97, 103, 200]


def save(path, nodes, x_shape, constants):
    """Writes a model from x to y."""
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def dequantize(axis):
    return helper.make_node("DequantizeLinear", ["w", "s"], ["f"], axis=axis)


def product(form):
    """Nodes from the floats f, and whether their rows are the columns of the product."""
    if form == "gemm":
        return [helper.make_node("Gemm", ["x", "f", "c"], ["y"], transB=1)], True
    transpose = helper.make_node("Transpose", ["f"], ["t"], perm=[1, 0])
    if form == "transposed":
        return [transpose, helper.make_node("MatMul", ["x", "t"], ["y"])], True
    return [helper.make_node("MatMul", ["x", "f"], ["y"])], False


@pytest.mark.parametrize("form", ["plain", "transposed", "gemm"])
@pytest.mark.parametrize("n, k", [(300, 257), (1, 70001), (3000, 25), (64, 1500), (17, 4099)])
@pytest.mark.parametrize("per_row", [True, False], ids=["rows", "one"])
def test_codes(tmp_path, form, n, k, per_row):
    rng = np.random.default_rng(n + k)
    nodes, by_rows = product(form)
    w = rng.integers(-128, 128, (n, k)).astype(np.int8)
    s = (rng.standard_normal(n) / 50).astype(np.float32) if per_row else np.array(0.0123, np.float32)
    floats = w.astype(np.float32) * (s[:, None] if per_row else s)
    c = rng.standard_normal(n).astype(np.float32)
    x = rng.standard_normal((ROWS[-1], k)).astype(np.float32)
    if not by_rows:
        w, floats = w.T.copy(), floats.T.copy()
    biases = {"c": c} if form == "gemm" else {}
    codes, folded = tmp_path / "codes.so", tmp_path / "floats.so"
    path = save(tmp_path / "c.onnx", [dequantize(0 if by_rows else 1), *nodes], ["m", k], {"w": w, "s": s, **biases})
    bm.compile(path, output=codes)
    bm.compile(save(tmp_path / "f.onnx", nodes, ["m", k], {"f": floats, **biases}), output=folded)
    # Codes are stored, not floats: a byte for each, of panels of 64 columns or 16.
    assert codes.stat().st_size < folded.stat().st_size / 2 or n < 32
    reference = bm.load(folded)
    for model in open_levels(codes):
        for m in ROWS:
            expected = reference(x[:m])
            np.testing.assert_array_equal(
                model(x[:m]).view(np.int32), expected.view(np.int32), err_msg=f"{m} rows at {model.level}"
            )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    peer = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    expected = peer.run(None, {"x": x[:9]})[0]
    np.testing.assert_allclose(reference(x[:9]), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("m", [1, 2, 5, 29, 97, 130])
def test_static_rows(tmp_path, m):
    rng = np.random.default_rng(m)
    n, k = 200, 600
    w = rng.integers(-128, 128, (n, k)).astype(np.int8)
    s = rng.random(n).astype(np.float32)
    nodes, _ = product("transposed")
    codes, folded = tmp_path / "codes.so", tmp_path / "floats.so"
    bm.compile(save(tmp_path / "c.onnx", [dequantize(0), *nodes], [m, k], {"w": w, "s": s}), output=codes)
    floats = w.astype(np.float32) * s[:, None]
    bm.compile(save(tmp_path / "f.onnx", nodes, [m, k], {"f": floats}), output=folded)
    x = rng.standard_normal((m, k)).astype(np.float32)
    expected = bm.load(folded)(x)
    for model in open_levels(codes):
        np.testing.assert_array_equal(model(x).view(np.int32), expected.view(np.int32))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("form", ["plain", "transposed", "gemm"])
def test_halves(tmp_path, dtype, form):
    rng = np.random.default_rng(5)
    n, k = 300, 321
    nodes, by_rows = product(form)
    w = rng.standard_normal((n, k) if by_rows else (k, n)).astype(dtype)
    biases = {"c": rng.standard_normal(n).astype(np.float32)} if form == "gemm" else {}
    cast = helper.make_node("Cast", ["w"], ["f"], to=TensorProto.FLOAT)
    halves, folded = tmp_path / "halves.so", tmp_path / "floats.so"
    bm.compile(save(tmp_path / "h.onnx", [cast, *nodes], ["m", k], {"w": w, **biases}), output=halves)
    floats = {"f": w.astype(np.float32), **biases}
    bm.compile(save(tmp_path / "f.onnx", nodes, ["m", k], floats), output=folded)
    assert halves.stat().st_size < folded.stat().st_size
    x = rng.standard_normal((ROWS[-1], k)).astype(np.float32)
    reference = bm.load(folded)
    for model in open_levels(halves):
        for m in ROWS:
            expected = reference(x[:m])
            np.testing.assert_array_equal(model(x[:m]).view(np.int32), expected.view(np.int32))


def test_scales_along_k_stay(tmp_path):
    """Such weights are computed as before; what they give is the same."""
    rng = np.random.default_rng(6)
    n, k = 300, 257
    w = rng.integers(-128, 128, (k, n)).astype(np.int8)
    s, z = rng.random(k).astype(np.float32), rng.integers(-5, 6, k).astype(np.int8)
    node = helper.make_node("DequantizeLinear", ["w", "s", "z"], ["f"], axis=0)
    nodes, _ = product("plain")
    path = save(tmp_path / "c.onnx", [node, *nodes], ["m", k], {"w": w, "s": s, "z": z})
    floats = (w.astype(np.int32) - z[:, None]).astype(np.float32) * s[:, None]
    folded = save(tmp_path / "f.onnx", nodes, ["m", k], {"f": floats})
    x = rng.standard_normal((5, k)).astype(np.float32)
    np.testing.assert_array_equal(bm.compile(path)(x), bm.compile(folded)(x))


def test_nonzero_zero_points_stay(tmp_path):
    rng = np.random.default_rng(7)
    n, k = 300, 257
    w = rng.integers(0, 256, (n, k)).astype(np.uint8)
    s, z = rng.random(n).astype(np.float32), np.full(n, 128, np.uint8)
    node = helper.make_node("DequantizeLinear", ["w", "s", "z"], ["f"], axis=0)
    nodes, _ = product("transposed")
    path = save(tmp_path / "c.onnx", [node, *nodes], ["m", k], {"w": w, "s": s, "z": z})
    floats = (w.astype(np.int32) - 128).astype(np.float32) * s[:, None]
    folded = save(tmp_path / "f.onnx", nodes, ["m", k], {"f": floats})
    x = rng.standard_normal((5, k)).astype(np.float32)
    np.testing.assert_array_equal(bm.compile(path)(x), bm.compile(folded)(x))


def test_infinite_inputs(tmp_path):
    """The padding of the last panel and of its scales is multiplied, but not stored."""
    n, k = 70, 1000
    w = np.ones((n, k), np.int8)
    w[3, 5] = 0
    s = np.linspace(0.5, 1, n).astype(np.float32)
    nodes, _ = product("transposed")
    path = save(tmp_path / "c.onnx", [dequantize(0), *nodes], ["m", k], {"w": w, "s": s})
    x = np.ones((2, k), np.float32)
    x[0, 5] = np.inf
    for model in open_levels(bm.compile(path, output=tmp_path / "c.so").path):
        y = model(x)
        assert np.isnan(y[0, 3]) and np.isposinf(np.delete(y[0], 3)).all() and np.isfinite(y[1]).all()
