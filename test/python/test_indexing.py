"""Operators that read and write at indices: what ONNX's node tests leave out, and indices that are wrong."""

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper

import bit_mlir as bm
from bit_mlir.compiler import compile_file


def model_of(tmp_path, nodes, inputs, outputs, opset=18):
    """Compiles nodes between {name: (dtype, shape)}; returns the loaded library and the path of the ONNX file."""

    def infos(values):
        return [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
            for name, (dtype, shape) in values.items()
        ]

    graph = helper.make_graph(nodes, "g", infos(inputs), infos(outputs))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    compile_file(str(path), str(tmp_path / "m.so"))
    return bm.load(str(tmp_path / "m.so"), threads=1), path


def run(compiled, *inputs):
    """The outputs as a list."""
    outputs = compiled(*inputs)
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


def session(path):
    """onnxruntime without optimizations."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def node(op_type, inputs, outputs, **attributes):
    """A node of space-separated names; `_` stands for an operand that is left out."""
    return helper.make_node(op_type, [i.strip("_") for i in inputs.split()], outputs.split(), **attributes)


I64, F32 = np.int64, np.float32


@pytest.mark.parametrize("largest", [0, 1])
def test_top_k(tmp_path, largest):
    compiled, path = model_of(
        tmp_path,
        [node("TopK", "x k", "v i", axis=1, largest=largest)],
        {"x": (F32, ["a", "b", 2]), "k": (I64, [1])},
        {"v": (F32, [None, None, 2]), "i": (I64, [None, None, 2])},
    )
    reference = session(path)
    rng = np.random.default_rng(largest)
    for size in (1, 2, 7, 100, 1000):
        # Few values, so that many are equal: the lower index comes first.
        x = rng.integers(-5, 5, (3, size, 2)).astype(F32)
        for k in {0, 1, size // 2, size - 1, size}:
            got = run(compiled, x, np.array([k], I64))
            for have, want in zip(got, reference.run(None, {"x": x, "k": np.array([k], I64)})):
                np.testing.assert_array_equal(have, want)
    for k in (-1, 5, 2**62):
        with pytest.raises(bm.RunError, match="expects a K"):
            compiled(np.zeros((1, 4, 2), F32), np.array([k], I64))


def test_top_k_orders_nan(tmp_path):
    compiled, _ = model_of(
        tmp_path,
        [node("TopK", "x k", "v i"), node("TopK", "x k", "w j", largest=0)],
        {"x": (F32, ["n"]), "k": (I64, [1])},
        {name: (dtype, [None]) for name, dtype in {"v": F32, "i": I64, "w": F32, "j": I64}.items()},
    )
    x = np.array([1, np.nan, np.inf, -np.inf, np.nan, 0, -0.0], F32)
    _, largest, _, smallest = run(compiled, x, np.array([7], I64))
    assert largest.tolist() == [1, 4, 2, 0, 5, 6, 3]
    assert smallest.tolist() == np.argsort(x, kind="stable").tolist() == [3, 5, 6, 0, 2, 1, 4]


TYPES = [np.float16, ml_dtypes.bfloat16, F32, np.float64, np.int8, np.uint16, np.int32, np.uint64, I64, np.bool_]


@pytest.mark.parametrize("dtype", TYPES, ids=lambda t: np.dtype(t).name)
def test_types(tmp_path, dtype):
    compiled, _ = model_of(
        tmp_path,
        [
            node("GatherElements", "x i", "a", axis=1),
            node("ScatterElements", "x i u", "b", axis=1),
            node("ScatterElements", "x i u", "c", axis=1, reduction="max"),
            node("Pad", "x p", "d"),
            node("Pad", "x p", "e", mode="reflect"),
            node("Tile", "x r", "f"),
            node("Trilu", "x k", "g"),
            node("NonZero", "x", "h"),
            node("Compress", "x m", "j", axis=0),
        ],
        {
            **{"x": (dtype, ["r", "c"]), "i": (I64, ["r", "d"]), "u": (dtype, ["r", "d"]), "p": (I64, [4])},
            **{"r": (I64, [2]), "k": (I64, []), "m": (np.bool_, ["e"])},
        },
        {name: (I64 if name == "h" else dtype, [None, None]) for name in "abcdefghj"},
    )
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (3, 5)).astype(dtype)
    i = np.array([[4, -1], [0, -5], [2, 2]], I64)
    u = rng.integers(0, 3, (3, 2)).astype(dtype)
    pads, mask = np.array([1, 2, 0, 1], I64), np.array([True, False, True])
    got = run(compiled, x, i, u, pads, np.array([2, 3], I64), np.array(1, I64), mask)
    b, c = x.copy(), x.copy()
    for row, column in np.ndindex(3, 2):
        b[row, i[row, column]] = u[row, column]
        c[row, i[row, column]] = max(c[row, i[row, column]], u[row, column])
    wide = ((1, 0), (2, 1))
    upper = np.where(np.triu(np.ones((3, 5), bool), 1), x, np.zeros_like(x))
    want = [np.take_along_axis(x, i % 5, 1), b, c, np.pad(x, wide), np.pad(x, wide, "reflect"), np.tile(x, (2, 3))]
    want += [upper, np.array(np.nonzero(x)), x[mask]]
    for have, expected in zip(got, want):
        assert have.dtype == expected.dtype
        np.testing.assert_array_equal(have, expected)


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_pads_of_the_run(tmp_path, mode):
    compiled, _ = model_of(
        tmp_path,
        [node("Pad", "x p", "y", mode=mode)],
        {"x": (F32, ["n"]), "p": (I64, [2])},
        {"y": (F32, [None])},
        opset=19,
    )
    x = np.arange(1, 5, dtype=F32)
    for low, high in [(0, 0), (3, 2), (-1, 2), (2, -3), (-2, -2), (9, 9)]:
        (y,) = run(compiled, x, np.array([low, high], I64))
        whole = np.pad(x, (max(low, 0), max(high, 0)), mode)
        want = whole[max(-low, 0) : len(whole) + min(high, 0)]
        np.testing.assert_array_equal(y, want)
    for pads in [(-3, -2), (-(2**63), 0), (2**62, 2**62)]:
        with pytest.raises(bm.RunError):
            compiled(x, np.array(pads, I64))
    if mode != "constant":
        with pytest.raises(bm.RunError, match="expects no empty axis"):
            compiled(x[:0], np.array([1, 1], I64))
    else:
        (y,) = run(compiled, x[:0], np.array([1, 1], I64))
        np.testing.assert_array_equal(y, [0, 0])


def test_bad_indices_are_errors(tmp_path):
    compiled, _ = model_of(
        tmp_path,
        [
            node("GatherND", "x t", "a"),
            node("ScatterND", "x t u", "b", reduction="add"),
            node("GatherElements", "x e", "c"),
            node("ScatterElements", "x e v", "d"),
        ],
        {
            **{"x": (F32, ["r", "c"]), "t": (I64, ["n", 2]), "u": (F32, ["m"])},
            **{"e": (I64, ["p", "q"]), "v": (F32, ["s", "t"])},
        },
        {"a": (F32, [None]), "b": (F32, [None, None]), "c": (F32, [None, None]), "d": (F32, [None, None])},
    )
    x = np.arange(6, dtype=F32).reshape(2, 3)
    good = {"t": [[1, -1], [-2, 0]], "u": [10, 20], "e": [[1, 0, -1]], "v": [[7, 8, 9]]}

    def call(**changed):
        values = {**good, **changed}
        arrays = [np.array(values[k], F32 if k in "uv" else I64) for k in "tuev"]
        return run(compiled, x, *arrays)

    a, b, c, d = call()
    np.testing.assert_array_equal(a, [5, 0])
    np.testing.assert_array_equal(b, [[20, 1, 2], [3, 4, 15]])
    np.testing.assert_array_equal(c, [[3, 1, 5]])
    np.testing.assert_array_equal(d, [[0, 8, 2], [7, 4, 9]])
    for changed in [
        {"t": [[2, 0], [0, 0]]},
        {"t": [[0, 0], [0, -4]]},
        {"t": [[0, 0], [0, 2**62]]},
        {"u": [1, 2, 3]},
        {"e": [[2, 0, 0]]},
        {"e": [[-3, 0, 0]]},
        {"e": [[0, 0, 0, 0]], "v": [[0, 0, 0, 0]]},
        {"v": [[1, 2]]},
    ]:
        with pytest.raises(bm.RunError, match="expects "):
            call(**changed)


def test_unique_and_selection_of_nothing(tmp_path):
    compiled, path = model_of(
        tmp_path,
        [
            node("Unique", "x", "y i v c", sorted=0),
            node("Unique", "x", "z j w d"),
            node("NonZero", "x", "n"),
        ],
        {"x": (F32, ["n"])},
        {**{name: (I64, [None]) for name in "ivcjwd"}, "y": (F32, [None]), "z": (F32, [None]), "n": (I64, [1, None])},
    )
    names = [output.name for output in onnx.load(path).graph.output]
    reference = session(path)
    rng = np.random.default_rng(0)
    for size in (0, 1, 2, 50, 500):
        x = rng.integers(-9, 9, size).astype(F32)
        want = reference.run(names, {"x": x})
        for name, have, expected in zip(names, run(compiled, x), want):
            np.testing.assert_array_equal(have, expected, err_msg=name)
    assert [len(y) for y in run(compiled, np.zeros(0, F32))[:6]] == [0] * 6


EQUATIONS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "bhid,bhjd->bhij": [(2, 3, 5, 4), (2, 3, 6, 4)],
    "...ij,...jk": [(2, 1, 3, 4), (1, 5, 4, 2)],
    "ii->i": [(4, 4)],
    "i,j,k->kji": [(2,), (3,), (4,)],
    "ab,bc,cd,ad->": [(2, 3), (3, 4), (4, 5), (2, 5)],
    "...a->a...": [(2, 3, 4)],
    "iij,jk->ik": [(3, 3, 4), (4, 2)],
    "ij,ij->": [(1, 4), (3, 4)],
    "zyx": [(2, 3, 4)],
}


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("is_dynamic", [False, True], ids=["static", "dynamic"])
def test_einsum(tmp_path, equation, is_dynamic):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(F32) for shape in EQUATIONS[equation]]
    want = np.einsum(equation, *arrays)
    names = [f"x{i}" for i in range(len(arrays))]
    # A dim of 1 that stands for others has to be known, and libonnx infers the result of a broadcast from known dims.
    is_dynamic = is_dynamic and not equation.startswith("...ij")
    shapes = [
        [size if size == 1 or not is_dynamic else f"{name}_{axis}" for axis, size in enumerate(array.shape)]
        for name, array in zip(names, arrays)
    ]
    compiled, _ = model_of(
        tmp_path,
        [node("Einsum", " ".join(names), "y", equation=equation)],
        {name: (F32, shape) for name, shape in zip(names, shapes)},
        {"y": (F32, [None] * want.ndim)},
    )
    (got,) = run(compiled, *arrays)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    if is_dynamic and equation == "ij,jk->ik":
        with pytest.raises(bm.RunError, match="expects (one size for each label|matrices whose inner)"):
            compiled(arrays[0], arrays[1][:2])


def test_cumulative_halves_are_rounded_once(tmp_path):
    compiled, _ = model_of(
        tmp_path,
        [
            helper.make_node("Constant", [], ["axis"], value_int=0),
            node("CumSum", "x axis", "y", reverse=1, exclusive=1),
        ],
        {"x": (np.float16, ["n"])},
        {"y": (np.float16, [None])},
    )
    x = np.random.default_rng(0).standard_normal(300).astype(np.float16)
    sums = np.cumsum(x[::-1].astype(F32), dtype=F32)
    want = np.concatenate([[0], sums[:-1]])[::-1].astype(np.float16)
    np.testing.assert_array_equal(run(compiled, x)[0], want)
