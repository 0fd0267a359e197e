"""Attention against its definition in float64: kernel and reference lowering, static and dynamic, every level."""

import itertools

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import bit_mlir as bm

# batch, heads, key heads, queries, keys, size of a query, size of a value. The last does not fill vectors: it has no
# kernel.
SHAPES = {
    "decode": (1, 20, 5, 1, 133, 128, 128),
    "one row": (2, 3, 3, 1, 16, 16, 16),
    "grouped": (2, 4, 2, 5, 37, 64, 32),
    "long": (1, 4, 2, 70, 70, 64, 48),
    "more queries than keys": (1, 2, 1, 40, 7, 32, 64),
    "one key": (1, 2, 2, 3, 1, 32, 32),
    "wide": (1, 1, 1, 9, 40, 192, 160),
    "ragged": (2, 4, 2, 5, 19, 20, 12),
}
OPTIONS = {
    "plain": {},
    "causal": {"is_causal": 1},
    "softcap": {"softcap": 2.0, "scale": 0.3},
    "window": {"is_causal": 1, "left_window_size": 3},
    "both sides": {"left_window_size": 2, "right_window_size": 1},
}


def save(path, inputs, options, dynamic, opset=25, outputs=("y",)):
    """A model of one Attention node; inputs are {name: array}, in order, None where there is none."""
    types = {np.dtype("f4"): TensorProto.FLOAT, np.dtype("i8"): TensorProto.INT64, np.dtype("?"): TensorProto.BOOL}

    def info(name, array):
        # Sizes of heads stay known, as in every model.
        dims = [f"{name}_{i}" if dynamic and i != 3 else size for i, size in enumerate(array.shape)]
        return helper.make_tensor_value_info(name, types[array.dtype], dims)

    given = {name: array for name, array in inputs.items() if array is not None}
    node = helper.make_node(
        "Attention", [n if n in given else "" for n in inputs], list(outputs), name="attend", **options
    )
    graph = helper.make_graph(
        [node],
        "g",
        [info(*item) for item in given.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in outputs],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), path)
    return list(given.values())


def define(q, k, v, mask=None, scale=None, softcap=0.0, is_causal=0, left_window_size=-1, right_window_size=-1):
    """The definition, in float64."""
    group = q.shape[1] // k.shape[1]
    k, v = (np.repeat(x.astype(np.float64), group, axis=1) for x in (k, v))
    s = np.einsum("bhid,bhjd->bhij", q.astype(np.float64), k) * (scale or q.shape[3] ** -0.5)
    if softcap:
        s = softcap * np.tanh(s / softcap)
    if mask is not None:
        s = s + (np.where(mask, 0.0, -np.inf) if mask.dtype == bool else mask)
    i, j = np.arange(q.shape[2])[:, None], np.arange(k.shape[2])[None]
    seen = np.ones((q.shape[2], k.shape[2]), bool)
    if left_window_size >= 0:
        seen &= j >= i - left_window_size
    if right_window_size >= 0:
        seen &= j <= i + right_window_size
    if is_causal:
        seen &= j <= i
    s = np.where(seen, s, -np.inf)
    top = s.max(-1, keepdims=True)
    p = np.exp(s - np.where(np.isinf(top), 0, top))
    total = p.sum(-1, keepdims=True)
    return np.einsum("bhij,bhjd->bhid", p / np.where(total == 0, 1, total), v)


def draw(shape, seed=0):
    b, h, g, length, keys, d, e = shape
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s).astype(np.float32) for s in ((b, h, length, d), (b, g, keys, d), (b, g, keys, e))]


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("name", SHAPES)
def test_options(tmp_path, name, dynamic):
    q, k, v = draw(SHAPES[name])
    for option, attributes in OPTIONS.items():
        save(tmp_path / "m.onnx", {"q": q, "k": k, "v": v}, attributes, dynamic)
        y = bm.compile(tmp_path / "m.onnx")(q, k, v)
        np.testing.assert_allclose(y, define(q, k, v, **attributes), atol=2e-6, err_msg=option)


@pytest.mark.parametrize("name", ["grouped", "long", "ragged"])
def test_masks(tmp_path, name):
    """Masks of every broadcast, with rows that are hidden altogether: those are zero."""
    b, h, _, length, keys, _, _ = SHAPES[name]
    q, k, v = draw(SHAPES[name])
    rng = np.random.default_rng(1)
    for i, shape in enumerate([(b, h, length, keys), (1, 1, length, keys), (b, 1, 1, keys), (length, keys), (keys,)]):
        mask = rng.standard_normal(shape).astype(np.float32)
        mask[rng.random(shape) < 0.4] = -np.inf
        if len(shape) > 1:
            mask[..., 0, :] = -np.inf
        if i % 2:
            mask = mask > 0
        save(tmp_path / "m.onnx", {"q": q, "k": k, "v": v, "mask": mask}, {}, dynamic=i % 3 == 0)
        y = bm.compile(tmp_path / "m.onnx")(q, k, v, mask)
        np.testing.assert_allclose(y, define(q, k, v, mask), atol=2e-6, err_msg=str(shape))


@pytest.mark.parametrize("name", SHAPES)
def test_levels_and_threads(tmp_path, name):
    """Bits depend on nothing but the graph: neither on level, threads, nor on whether sizes are known."""
    q, k, v = draw(SHAPES[name], seed=2)
    results = []
    for dynamic, level in itertools.product([False, True], ["x86-64-v3", "avx512vnni"]):
        save(tmp_path / "m.onnx", {"q": q, "k": k, "v": v}, {"is_causal": 1}, dynamic)
        for threads in (1, 2):
            model = bm.compile(tmp_path / "m.onnx", level=[level], threads=threads)
            results.append(model(q, k, v).tobytes())
    assert len(set(results)) == 1


def test_rows_are_independent(tmp_path):
    """A query has the same bits alone and among others."""
    q, k, v = draw((1, 4, 2, 37, 50, 32, 32), seed=3)
    save(tmp_path / "m.onnx", {"q": q, "k": k, "v": v}, {}, dynamic=True)
    model = bm.compile(tmp_path / "m.onnx")
    y = model(q, k, v)
    for i in (0, 17, 36):
        assert model(q[:, :, i : i + 1], k, v).tobytes() == y[:, :, i : i + 1].tobytes()


def test_infinities_and_nan(tmp_path):
    """NaN and infinity stay in their rows, and a hidden key never counts, nor its value."""
    q, k, v = draw((1, 2, 1, 40, 50, 32, 32), seed=4)
    q[0, 0, 3] = np.nan
    k[0, 0, 45] = np.inf
    v[0, 0, 35] = np.nan
    save(tmp_path / "m.onnx", {"q": q, "k": k, "v": v}, {"is_causal": 1}, dynamic=True)
    y = bm.compile(tmp_path / "m.onnx")(q, k, v)
    bad = np.isnan(y).all(-1)
    assert bad[0, 0].tolist() == [i == 3 or i >= 35 for i in range(40)]
    assert bad[0, 1].tolist() == [i >= 35 for i in range(40)]
    assert np.isfinite(y[~bad]).all()


def test_cache(tmp_path):
    """Past and present: what is computed in two steps is what one step gives."""
    q, k, v = draw((2, 4, 2, 9, 9, 32, 16), seed=5)
    names = ("y", "present_key", "present_value")
    inputs = {"q": q[:, :, 6:], "k": k[:, :, 6:], "v": v[:, :, 6:], "mask": None, "pk": k[:, :, :6], "pv": v[:, :, :6]}
    for dynamic in (False, True):
        arrays = save(tmp_path / "m.onnx", inputs, {"is_causal": 1}, dynamic, outputs=names)
        y, present_key, present_value = bm.compile(tmp_path / "m.onnx")(*arrays)
        np.testing.assert_allclose(y, define(q, k, v, is_causal=1)[:, :, 6:], atol=2e-6)
        assert np.array_equal(present_key, k)
        assert np.array_equal(present_value, v)


@pytest.mark.parametrize(
    ("k", "v", "message"),
    [
        ((1, 2, 7, 32), (1, 2, 6, 32), "K and V of one length"),
        ((1, 3, 7, 32), (1, 3, 7, 32), "heads of Q divisible"),
        ((2, 2, 7, 32), (2, 2, 7, 32), "one batch size"),
        ((1, 0, 7, 32), (1, 0, 7, 32), "heads of Q divisible"),
    ],
)
def test_run_time_checks(tmp_path, k, v, message):
    q, key, value = draw((1, 4, 2, 5, 7, 32, 32))
    save(tmp_path / "m.onnx", {"q": q, "k": key, "v": value}, {}, dynamic=True)
    model = bm.compile(tmp_path / "m.onnx")
    with pytest.raises(bm.RunError, match=message):
        model(q, np.zeros(k, np.float32), np.zeros(v, np.float32))


def test_no_keys(tmp_path):
    """Without keys there is nothing to mix: zero."""
    q, k, v = draw((1, 4, 2, 5, 7, 32, 32))
    save(tmp_path / "m.onnx", {"q": q, "k": k, "v": v}, {}, dynamic=True)
    y = bm.compile(tmp_path / "m.onnx")(q, k[:, :, :0], v[:, :, :0])
    assert not y.any()
