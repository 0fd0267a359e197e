"""Attention as exporters write it, and onnxruntime's own operators, against onnxruntime."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import bit_mlir as bm

TYPES = {np.dtype("f4"): TensorProto.FLOAT, np.dtype("i8"): TensorProto.INT64, np.dtype("i4"): TensorProto.INT32}


def save(path, nodes, inputs, outputs, constants=(), dynamic=(), domain=""):
    """A model; `inputs` are {name: array}, `dynamic` the axes whose sizes it does not know."""

    def info(name, array):
        dims = [f"{name}_{i}" if i in dynamic else size for i, size in enumerate(array.shape)]
        return helper.make_tensor_value_info(name, TYPES[array.dtype], dims)

    graph = helper.make_graph(
        nodes,
        "g",
        [info(*item) for item in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(value, name) for name, value in dict(constants).items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def run_both(path, inputs):
    """The outputs of onnxruntime and ours."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    want = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]).run(None, inputs)
    got = bm.compile(path)(*inputs.values())
    return want, list(got) if isinstance(got, tuple) else [got]


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("dynamic", [(), (0, 2)], ids=["static", "dynamic"])
@pytest.mark.parametrize("guard", [False, True])
def test_pattern(tmp_path, guard, dynamic):
    """A row that is hidden altogether is NaN, or zero where the graph says so."""
    q, k, v = draw(0, (2, 4, 9, 32), (2, 4, 21, 32), (2, 4, 21, 16))
    mask = np.where(np.random.default_rng(1).random((2, 1, 9, 21)) < 0.3, -np.inf, 0.5).astype(np.float32)
    mask[:, :, 4] = -np.inf
    node = helper.make_node
    nodes = [
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "kt"], ["p"]),
        node("Mul", ["p", "scale"], ["s"]),
        node("Add", ["s", "mask"], ["a"]),
        node("Softmax", ["a"], ["w"], axis=-1),
    ]
    if guard:
        nodes += [node("IsNaN", ["w"], ["n"]), node("Where", ["n", "zero", "w"], ["g"])]
    nodes.append(node("MatMul", ["g" if guard else "w", "v"], ["y"]))
    inputs = {"q": q, "k": k, "v": v, "mask": mask}
    constants = {"scale": np.float32(0.3), "zero": np.float32(0)}
    save(tmp_path / "m.onnx", nodes, inputs, ["y"], constants, dynamic)
    want, got = run_both(tmp_path / "m.onnx", inputs)
    np.testing.assert_allclose(got[0], want[0], atol=2e-6)
    assert np.isnan(got[0][:, :, 4]).all() != guard


@pytest.mark.parametrize("dynamic", [(), (0, 1)], ids=["static", "dynamic"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("window", [-1, 4])
def test_group_query(tmp_path, window, packed, dynamic):
    """A prompt, then a token for sequences of two lengths, with positions turned."""
    batch, heads, shared, size = 2, 4, 2, 32
    cos, sin = draw(3, (40, size // 2), (40, size // 2))
    for length, past, last in [(7, 0, [6, 6]), (1, 9, [9, 5])]:
        q, k, v = draw(4, *((batch, length, n * size) for n in (heads, shared, shared)))
        past_key, past_value = draw(5, *[(batch, shared, past, size)] * 2)
        inputs = {"q": np.concatenate([q, k, v], -1)} if packed else {"q": q, "k": k, "v": v}
        names = ["q", "", ""] if packed else ["q", "k", "v"]
        inputs |= {"pk": past_key, "pv": past_value, "last": np.array(last, np.int32)}
        inputs["total"] = np.array([length + past], np.int32)
        node = helper.make_node(
            "GroupQueryAttention",
            [*names, "pk", "pv", "last", "total", "cos", "sin"],
            ["y", "present_key", "present_value"],
            domain="com.microsoft",
            num_heads=heads,
            kv_num_heads=shared,
            do_rotary=1,
            local_window_size=window,
        )
        outputs = ["y", "present_key", "present_value"]
        save(tmp_path / "m.onnx", [node], inputs, outputs, {"cos": cos, "sin": sin}, dynamic)
        want, got = run_both(tmp_path / "m.onnx", inputs)
        np.testing.assert_allclose(got[0], want[0], atol=2e-6)
        for i in (1, 2):
            for b in range(batch):
                np.testing.assert_allclose(got[i][b, :, : last[b] + 1], want[i][b, :, : last[b] + 1], atol=1e-6)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("rank", [3, 4])
def test_microsoft_rotary(tmp_path, rank, interleaved):
    """One position for the start, or one for each element."""
    (x,) = draw(6, (2, 5, 4 * 16) if rank == 3 else (2, 4, 5, 16))
    cos, sin = draw(7, (20, 8), (20, 8))
    for positions in (np.array([3], np.int64), np.arange(10, dtype=np.int64).reshape(2, 5)):
        node = helper.make_node(
            "RotaryEmbedding", ["x", "p", "cos", "sin"], ["y"], domain="com.microsoft", interleaved=interleaved
        )
        inputs = {"x": x, "p": positions}
        save(tmp_path / "m.onnx", [node], inputs, ["y"], {"cos": cos, "sin": sin})
        want, got = run_both(tmp_path / "m.onnx", inputs)
        np.testing.assert_allclose(got[0], want[0], atol=1e-6)


def test_positions_are_checked(tmp_path):
    (x,) = draw(8, (1, 2, 3, 16))
    cos, sin = draw(9, (20, 8), (20, 8))
    node = helper.make_node("RotaryEmbedding", ["x", "p", "cos", "sin"], ["y"], domain="com.microsoft")
    inputs = {"x": x, "p": np.array([[0, 19, 2]], np.int64)}
    save(tmp_path / "m.onnx", [node], inputs, ["y"], {"cos": cos, "sin": sin})
    model = bm.compile(tmp_path / "m.onnx")
    model(*inputs.values())
    for bad in (20, -1):
        with pytest.raises(bm.RunError, match="positions within the caches"):
            model(x, np.array([[0, bad, 2]], np.int64))


@pytest.mark.parametrize(
    ("last", "total", "message"),
    [([10, 3], 10, "seqlens_k within the cache"), ([-2, 3], 10, "seqlens_k within"), ([9, 9], 12, "at most the cache")],
)
def test_group_query_checks(tmp_path, last, total, message):
    q, k, v, past_key, past_value = draw(10, (2, 1, 64), (2, 1, 32), (2, 1, 32), (2, 1, 9, 32), (2, 1, 9, 32))
    inputs = {"q": q, "k": k, "v": v, "pk": past_key, "pv": past_value}
    inputs |= {"last": np.array(last, np.int32), "total": np.array(total, np.int32)}
    node = helper.make_node(
        "GroupQueryAttention",
        list(inputs),
        ["y", "present_key", "present_value"],
        domain="com.microsoft",
        num_heads=2,
        kv_num_heads=1,
    )
    save(tmp_path / "m.onnx", [node], inputs, ["y", "present_key", "present_value"])
    with pytest.raises(bm.RunError, match=message):
        bm.compile(tmp_path / "m.onnx")(*inputs.values())


@pytest.mark.parametrize("dynamic", [(), (0, 1)], ids=["static", "dynamic"])
def test_multi_head(tmp_path, dynamic):
    """Biases, padding, a mask, a past and causality, each alone and together."""
    heads, width = 4, 64
    q, k, v, bias = draw(11, (2, 5, width), (2, 7, width), (2, 7, width), (3 * width,))
    past_key, past_value = draw(12, (2, heads, 3, 16), (2, heads, 3, 16))
    padding = np.array([[1] * 7, [1] * 4 + [0] * 3], np.int32)
    (mask,) = draw(13, (2, heads, 5, 7))
    same = {"k": k[:, :5], "v": v[:, :5]}
    for given, attributes in [
        ({}, {"scale": 0.2}),
        ({"bias": bias}, {}),
        ({"padding": padding}, {}),
        ({"bias": bias, "padding": padding, "mask": mask}, {}),
        ({**same, "past_key": past_key, "past_value": past_value}, {"unidirectional": 1}),
    ]:
        inputs = {"q": q, "k": k, "v": v} | given
        names = ["q", "k", "v", "bias", "padding", "mask", "past_key", "past_value"]
        outputs = ["y", "present_key", "present_value"] if "past_key" in given else ["y"]
        node = helper.make_node(
            "MultiHeadAttention",
            [name if name in inputs else "" for name in names],
            outputs,
            domain="com.microsoft",
            num_heads=heads,
            **attributes,
        )
        # Caches know their heads.
        save(tmp_path / "m.onnx", [node], inputs, outputs, dynamic=() if "past_key" in given else dynamic)
        want, got = run_both(tmp_path / "m.onnx", inputs)
        for ours, theirs in zip(got, want):
            np.testing.assert_allclose(ours, theirs, atol=3e-6, err_msg=f"{list(given)} {attributes}")
