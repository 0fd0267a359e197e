"""Products of float matrices: equal bits on every level, for every split of the rows, with and without panels."""

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from machine import open_levels
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm

DTYPES = {
    np.float32: TensorProto.FLOAT,
    np.float16: TensorProto.FLOAT16,
    ml_dtypes.bfloat16: TensorProto.BFLOAT16,
}


def save(path, nodes, inputs, constants, dtype=np.float32):
    """Writes a model from `inputs`, named shapes, to y."""
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info(name, DTYPES[dtype], shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("y", DTYPES[dtype], None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def chain(x, b):
    """Each element one chain of fma in ascending k: f64 products are exact, the sum is rounded to f32 once a step.

    The f64 addition rounds before, which matters only next to a tie; the tests' values are small integers over
    powers of two, where it is exact.
    """
    acc = np.zeros((x.shape[0], b.shape[1]), np.float32)
    for k in range(x.shape[1]):
        acc = (np.outer(x[:, k].astype(np.float64), b[k].astype(np.float64)) + acc).astype(np.float32)
    return acc


def values(rng, shape, dtype=np.float32):
    """Numbers with 11 bits, so that chain() rounds once: an f64 holds product and sum exactly."""
    return (rng.integers(-1023, 1024, shape) / 256.0).astype(dtype)


SHAPES = [
    (1, 1, False),
    (3, 2, True),
    (16, 7, False),
    (17, 33, True),
    (32, 70, False),
    (64, 129, True),
    (100, 70, False),
    (200, 300, True),
]


@pytest.mark.parametrize("n, k, transposed", SHAPES)
def test_rows_of_every_count(tmp_path, n, k, transposed):
    rng = np.random.default_rng(n * 1000 + k)
    b = values(rng, (k, n))
    c = values(rng, n)
    constants = {"b": b.T.copy() if transposed else b, "c": c}
    node = helper.make_node("Gemm", ["x", "b", "c"], ["y"], transB=int(transposed))
    path = save(tmp_path / "m.onnx", [node], {"x": ["m", k]}, constants)
    library = tmp_path / "m.so"
    bm.compile(path, output=library)
    x = values(rng, (230, k))
    expected = chain(x, b) + c
    for model in open_levels(library):
        for m in [*range(0, 20), 95, 96, 97, 103, 127, 191, 200, 230]:
            y = model(x[:m])
            assert y.shape == (m, n)
            np.testing.assert_array_equal(y, expected[:m], err_msg=f"{m} rows at {model.level}")


@pytest.mark.parametrize("m", [1, 2, 5, 7, 8, 29, 97, 100])
def test_static_rows(tmp_path, m):
    rng = np.random.default_rng(m)
    b = rng.standard_normal((70, 50)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "b"], ["y"])
    dynamic, static = tmp_path / "dynamic.so", tmp_path / "static.so"
    bm.compile(save(tmp_path / "d.onnx", [node], {"x": ["m", 70]}, {"b": b}), output=dynamic)
    bm.compile(save(tmp_path / "s.onnx", [node], {"x": [m, 70]}, {"b": b}), output=static)
    x = rng.standard_normal((m, 70)).astype(np.float32)
    all_bits = [model(x) for model in open_levels(dynamic) + open_levels(static)]
    for bits in all_bits[1:]:
        np.testing.assert_array_equal(bits, all_bits[0])
    # One row at a time gives the same bits, too.
    single = bm.load(dynamic)
    np.testing.assert_array_equal(np.concatenate([single(x[i : i + 1]) for i in range(m)]), all_bits[0])


def test_batch_of_rows(tmp_path):
    rng = np.random.default_rng(1)
    b = rng.standard_normal((64, 96)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "b"], ["y"])
    path = save(tmp_path / "m.onnx", [node], {"x": ["batch", "m", 64]}, {"b": b})
    model = bm.compile(path)
    x = rng.standard_normal((3, 17, 64)).astype(np.float32)
    peer = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(model(x), peer.run(None, {"x": x})[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_halves(tmp_path, dtype):
    rng = np.random.default_rng(2)
    b = (rng.standard_normal((70, 50)) / 8).astype(dtype)
    node = helper.make_node("MatMul", ["x", "b"], ["y"])
    path = save(tmp_path / "m.onnx", [node], {"x": ["m", 70]}, {"b": b}, dtype)
    library = tmp_path / "m.so"
    bm.compile(path, output=library)
    x = rng.standard_normal((29, 70)).astype(dtype)
    expected = chain(x.astype(np.float32), b.astype(np.float32)).astype(dtype)
    for model in open_levels(library):
        np.testing.assert_array_equal(model(x), expected)


def test_threads_share_panels_and_rows(tmp_path):
    rng = np.random.default_rng(3)
    b = rng.standard_normal((256, 320)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "b"], ["y"])
    library = tmp_path / "m.so"
    bm.compile(save(tmp_path / "m.onnx", [node], {"x": ["m", 256]}, {"b": b}), output=library)
    x = rng.standard_normal((301, 256)).astype(np.float32)
    one, four = bm.load(library, threads=1), bm.load(library, threads=4)
    np.testing.assert_array_equal(one(x), four(x))


HEADS = [(2, 3, 5, 7, 9), (1, 2, 97, 33, 40), (2, 2, 1, 64, 128), (3, 1, 8, 1, 32), (1, 1, 20, 16, 15)]


@pytest.mark.parametrize("batch, heads, m, k, n", HEADS)
@pytest.mark.parametrize("is_static", [True, False], ids=["static", "dynamic"])
def test_products_of_activations(tmp_path, batch, heads, m, k, n, is_static):
    rng = np.random.default_rng(m + k + n)
    node = helper.make_node("MatMul", ["x", "b"], ["y"])
    shapes = {"x": [batch, heads, m, k], "b": [batch, heads, k, n]}
    if not is_static:
        shapes = {"x": ["batch", heads, "m", "k"], "b": ["batch", heads, "k", "n"]}
    library = tmp_path / "m.so"
    bm.compile(save(tmp_path / "m.onnx", [node], shapes, {}), output=library)
    x, b = values(rng, (batch, heads, m, k)), values(rng, (batch, heads, k, n))
    expected = np.stack([[chain(x[i, j], b[i, j]) for j in range(heads)] for i in range(batch)])
    for model in open_levels(library):
        np.testing.assert_array_equal(model(x, b), expected)


@pytest.mark.parametrize("transposed", [False, True], ids=["plain", "transposed"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_panels_of_activations(tmp_path, transposed, dtype):
    """Panels that are made in every run: more than 256 k, or a transposed operand."""
    rng = np.random.default_rng(5)
    node = helper.make_node("Gemm", ["x", "b"], ["y"], transB=int(transposed))
    shapes = {"x": ["m", 300], "b": ["n", 300] if transposed else [300, "n"]}
    library = tmp_path / "m.so"
    bm.compile(save(tmp_path / "m.onnx", [node], shapes, {}, dtype), output=library)
    for m, n in [(1, 1), (5, 31), (9, 32), (4, 100), (0, 3), (3, 0)]:
        x, b = (values(rng, shape) / 8 for shape in [(m, 300), (300, n)])
        x, b = x.astype(dtype), b.astype(dtype)
        expected = chain(x.astype(np.float32), b.astype(np.float32)).astype(dtype)
        for model in open_levels(library):
            np.testing.assert_array_equal(model(x, b.T.copy() if transposed else b), expected)


@pytest.mark.parametrize("shape", [(0, 4, 5), (3, 0, 5), (3, 4, 0)])
def test_empty_products(tmp_path, shape):
    m, k, n = shape
    node = helper.make_node("MatMul", ["x", "b"], ["y"])
    model = bm.compile(save(tmp_path / "m.onnx", [node], {"x": ["m", "k"], "b": ["k", "n"]}, {}))
    y = model(np.ones((m, k), np.float32), np.ones((k, n), np.float32))
    np.testing.assert_array_equal(y, np.zeros((m, n), np.float32))


def test_bias_after_a_batch_of_rows(tmp_path):
    rng = np.random.default_rng(4)
    b, c = values(rng, (40, 50)), values(rng, 50)
    nodes = [helper.make_node("MatMul", ["x", "b"], ["p"]), helper.make_node("Add", ["c", "p"], ["y"])]
    library = tmp_path / "m.so"
    bm.compile(save(tmp_path / "m.onnx", nodes, {"x": ["batch", "m", 40]}, {"b": b, "c": c}), output=library)
    x = values(rng, (3, 11, 40))
    expected = np.stack([chain(rows, b) + c for rows in x])
    for model in open_levels(library):
        np.testing.assert_array_equal(model(x), expected)


def test_infinities_stay_in_their_column(tmp_path):
    """The padding of the last panel is multiplied, but not stored."""
    b = np.ones((4, 5), np.float32)
    b[1, 2] = 2
    node = helper.make_node("MatMul", ["x", "b"], ["y"])
    model = bm.compile(save(tmp_path / "m.onnx", [node], {"x": ["m", 4]}, {"b": b}))
    x = np.array([[1, np.inf, 1, 1], [1, 1, np.nan, 1]], np.float32)
    y = model(x)
    assert np.isposinf(y[0]).all() and np.isnan(y[1]).all()
