"""Every form of an activation quantizer is recognised and answers as the graph does; near misses stay float."""

import json
import subprocess

import numpy as np
import pytest
import quantizers
import ties
from graphs import Graph
from onnx import TensorProto

from bit_mlir.compiler import compile_file
from bit_mlir.paths import tool

K, N = 48, 24
# Shapes of x, and whether the layer has a bias.
LAYOUTS = {
    "static, bias": ([5, K], True),
    "dynamic": (["batch", K], False),
    "static, rank 3": ([2, 3, K], False),
    "dynamic, rank 3, bias": (["batch", "sequence", K], True),
}


# Quantizers of models.py that torch exports.
EXPORTED = ["quantize_bitlab", "quantize_half_up", "quantize_paper", "quantize_mean", "quantize_round_through"]


def weight(rng):
    """A ternary weight, K x N."""
    return rng.integers(-1, 2, (K, N)).astype(np.float32) * np.float32(0.3)


def write(form, path, shape, bias=False):
    """Writes a model of one layer behind `form`."""
    g, rng = Graph(), np.random.default_rng(0)
    y = g.op("MatMul", form(g, "x"), g.const(weight(rng)))
    if bias:
        y = g.op("Add", y, g.const(rng.standard_normal(N)))
    return g.save(path, {"x": shape}, {y: [*shape[:-1], N]})


def get_layers(path, tmp_path):
    """What the report says of the layers."""
    report = tmp_path / "report.json"
    compile_file(path, tmp_path / "model.so", report=report)
    return json.loads(report.read_text())["bitlinear"]["layers"]


def inputs(shape, seed=0):
    """Values of `shape`, whose symbols become 3 and 4."""
    sizes = {"batch": 4, "sequence": 3}
    return np.random.default_rng(seed).standard_normal([sizes.get(d, d) for d in shape]).astype(np.float32)


# Each form in two of the layouts, a static one and a dynamic one.
PAIRS = [
    (name, layout)
    for i, name in enumerate(quantizers.FORMS)
    for layout in (list(LAYOUTS)[:2] if i % 2 else list(LAYOUTS)[2:])
]


@pytest.mark.parametrize("name, layout", PAIRS)
def test_form(name, layout, tmp_path):
    shape, bias = LAYOUTS[layout]
    path = write(quantizers.FORMS[name], tmp_path / "model.onnx", shape, bias)
    comparison = ties.Comparison(path, report=tmp_path / "report.json")
    (layer,) = json.loads((tmp_path / "report.json").read_text())["bitlinear"]["layers"]
    assert layer["activations_declined"] == ""
    assert layer["activation_bits"] == quantizers.get_bits(name)
    assert layer["activation_granularity"] == ("tensor" if "tensor" in name else "token")
    for seed, scale in enumerate((1, 1e3, 1e-3)):
        comparison.check(inputs(shape, seed) * np.float32(scale), atol=1e-4 * scale)


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "TorchScript"])
@pytest.mark.parametrize("name", EXPORTED)
def test_export(name, dynamo, tmp_path):
    models = pytest.importorskip("models", reason="needs torch")
    module = models.seeded(lambda: models.QuantizedLinear(K, N, name))
    path = models.export(module, tmp_path / "model.onnx", (2, 3, K), dynamic=(0,), dynamo=dynamo)
    comparison = ties.Comparison(path, report=tmp_path / "report.json")
    (layer,) = json.loads((tmp_path / "report.json").read_text())["bitlinear"]["layers"]
    assert layer["activations_declined"] == ""
    assert layer["activation_bits"] == (4 if name == "quantize_mean" else 8)
    for seed in range(3):
        comparison.check(inputs(["batch", 3, K], seed))


@pytest.mark.parametrize("form", quantizers.DECLINED, ids=lambda form: form.__name__)
def test_near_miss(form, tmp_path):
    shape = [6, K]
    path = write(form, tmp_path / "model.onnx", shape)
    (layer,) = get_layers(path, tmp_path)
    assert layer["activation_bits"] == 0
    assert quantizers.DECLINED[form] in layer["activations_declined"]
    model, reference = ties.compiled(path), ties.reference(path)
    for seed in range(3):
        x = inputs(shape, seed)
        np.testing.assert_allclose(model(x), reference.run(None, {"x": x})[0], rtol=1e-4, atol=1e-4)


def edge_rows(k):
    """Rows at the edges of quantizers."""
    x = np.random.default_rng(1).standard_normal((14, k)).astype(np.float32)
    x[0] = 0
    x[1] *= np.float32(1e-7)
    x[2] *= np.float32(1e30)
    x[3, 5] = 1e6
    x[4] = np.tile(np.float32([0.5, 1.5, -2.5, 127.0]), k // 4)  # ties, exactly
    x[NAN, 3] = np.nan
    x[INFINITY, 7] = np.inf
    x[7] *= np.float32(1e-42)
    x[8] *= np.float32(1e-38)
    x[9] = np.where(x[9] < 0, np.float32(-1e-45), np.float32(1e-45))
    x[10] *= np.float32(1e-40)
    x[10, 9] = 0  # times an infinite scale
    x[11] = -np.abs(x[11]) * np.float32(1e-40)
    x[12] = np.abs(x[12]) * np.float32(1e-37)
    return x


def compare_rows(ours, theirs, rows):
    """Whether `rows` are the same, but for roundings."""
    for row in rows:
        np.testing.assert_array_equal(np.isnan(ours[row]), np.isnan(theirs[row]), err_msg=str(row))
        # The products of huge rows are huge, and so are their roundings.
        size = max(np.nanmax(np.abs(theirs[row]), initial=0), 1e-30)
        np.testing.assert_allclose(ours[row] / size, theirs[row] / size, rtol=1e-4, atol=1e-4, err_msg=str(row))


NAN, INFINITY = 5, 6
# Rows where what ONNX or onnxruntime say is no number that a layer could have, or nothing at all: they are NaN, as in
# torch. docs/recognition.md says more.
NO_BOUND = ("eps_added", "multiplied_first")  # the others have Clip or Max
HIDDEN_NAN = ("int8", "int32", "int8, float16", "integer_clamp")


@pytest.mark.parametrize("name", quantizers.FORMS)
def test_edge_rows(name, tmp_path):
    path = write(quantizers.FORMS[name], tmp_path / "model.onnx", ["batch", K])
    x = edge_rows(K)
    model, reference = ties.compiled(path), ties.reference(path)
    if "per_tensor" in name or "per tensor" in name:
        ours = np.concatenate([model(row[None]) for row in x])
        theirs = np.concatenate([reference.run(None, {"x": row[None]})[0] for row in x])
    else:
        ours, theirs = model(x), reference.run(None, {"x": x})[0]
    rows = set(range(len(x)))
    if name not in NO_BOUND and not name.startswith("no_eps"):
        rows.remove(INFINITY)
    if name in HIDDEN_NAN:
        rows.remove(NAN)
    compare_rows(ours, theirs, rows)
    assert np.isnan(ours[[NAN, INFINITY]]).all(), "a row that is not finite is NaN, and says so"


# Without eps: one scale a tensor, and codes that are rescaled after the product.
UNGUARDED = {
    "tensor": lambda g, y, a, s: g.op("Div", y, s),
    "times the maximum": lambda g, y, a, s: g.op("Div", g.op("Mul", y, a), g.const(127.0)),
    "bias before": lambda g, y, a, s: g.op("Div", g.op("Add", y, g.const(np.arange(N))), s),
}


@pytest.mark.parametrize("name", UNGUARDED)
def test_edge_rows_of_codes(name, tmp_path):
    g = Graph()
    a = quantizers.absmax(g, "x", () if name == "tensor" else (-1,))
    s = g.op("Div", g.const(127.0), a)
    y = g.op("MatMul", quantizers.codes(g, "x", s), g.const(weight(np.random.default_rng(0))))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, {UNGUARDED[name](g, y, a, s): ["batch", N]})
    model, reference = ties.compiled(path), ties.reference(path)
    (layer,) = model.report["bitlinear"]["layers"]
    assert (layer["activation_bits"], layer["activations_declined"]) == (8, "")
    x = edge_rows(K)
    ours = np.concatenate([model(row[None]) for row in x])
    theirs = np.concatenate([reference.run(None, {"x": row[None]})[0] for row in x])
    compare_rows(ours, theirs, range(len(x)))


def test_rank_1(tmp_path):
    path = write(quantizers.FORMS["per_tensor"], tmp_path / "model.onnx", [K])
    (layer,) = get_layers(path, tmp_path)
    assert layer["activation_bits"] == 8
    x = inputs([K])
    ours, theirs = ties.compiled(path)(x), ties.reference(path).run(None, {"x": x})[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_one_sample(tmp_path):
    """All rows of one sample share a scale: that of the tensor."""
    g = Graph()
    s = quantizers.div(g, "x", quantizers.absmax(g, "x", (-2, -1)))
    y = g.op("MatMul", g.op("Div", quantizers.codes(g, "x", s), s), g.const(weight(np.random.default_rng(0))))
    path = g.save(tmp_path / "model.onnx", {"x": [1, "sequence", K]}, {y: [1, "sequence", N]})
    (layer,) = get_layers(path, tmp_path)
    assert (layer["activation_granularity"], layer["activations_declined"]) == ("tensor", "")
    ties.Comparison(path).check(inputs([1, "sequence", K]))


def sample_mean(g, x, axes):
    """A mean of a sample, straight through."""
    a = clip(g, quantizers.absmax(g, x, axes, "ReduceMean"))
    c = quantizers.codes(g, x, g.op("Div", g.const(7.0), a), -8.0, 7.0)
    return g.op("Add", x, g.op("Sub", g.op("Mul", c, g.op("Div", a, g.const(7.0))), x))


def sample_step(g, x, axes):
    """The step of a sample, without clamp."""
    d = g.op("Div", g.op("Add", quantizers.absmax(g, x, axes), g.const(1e-5)), g.const(127.0))
    return g.op("Mul", g.op("Round", g.op("Div", x, d)), d)


def sample_scale(g, x, axes):
    """Without eps."""
    s = g.op("Div", g.const(127.0), quantizers.absmax(g, x, axes))
    return g.op("Div", quantizers.codes(g, x, s), s)


def clip(g, a):
    return quantizers.clip(g, a, 1e-5)


@pytest.mark.parametrize("form", [sample_mean, sample_step, sample_scale], ids=lambda form: form.__name__)
@pytest.mark.parametrize("shape", [[4, 3, K], ["batch", "sequence", K], ["batch", 2, "sequence", K]], ids=str)
def test_samples(form, shape, tmp_path):
    """All rows of a sample share a scale, one of several."""
    g, rng = Graph(), np.random.default_rng(0)
    q = form(g, "x", range(1, len(shape)))
    y = g.op("Add", g.op("MatMul", q, g.const(weight(rng))), g.const(rng.standard_normal(N)))
    path = g.save(tmp_path / "model.onnx", {"x": shape}, {y: [*shape[:-1], N]})
    comparison = ties.Comparison(path, report=tmp_path / "report.json")
    (layer,) = json.loads((tmp_path / "report.json").read_text())["bitlinear"]["layers"]
    assert (layer["activation_granularity"], layer["activations_declined"]) == ("sample", "")
    for seed, scale in enumerate((1, 1e3, 1e-3)):
        comparison.check(inputs(shape, seed) * np.float32(scale), atol=1e-4 * scale)
    # Samples of the edges; of another size where it may be.
    x = edge_rows(K)
    x = np.stack([x, x[:, ::-1], 0.5 * x], 1)
    x = np.repeat(x[:, None], 2, 1) if len(shape) == 4 else x
    for part in (x[:4], x[4:8], x[8:12]) if shape[0] == 4 else (x, x[:1]):
        ours, theirs = comparison.model(part), ties.reference(path).run(None, {"x": part})[0]
        compare_rows(ours, theirs, [i for i in range(len(part)) if np.isfinite(part[i]).all()])
        assert ours.shape == theirs.shape
        assert all(np.isnan(y).all() for y, values in zip(ours, part) if not np.isfinite(values).all())


def test_samples_of_codes(tmp_path):
    """Codes enter the product; their bias is scaled by the sample's step. Groups of weights have scales."""
    g, rng = Graph(), np.random.default_rng(0)
    s = quantizers.div(g, "x", quantizers.absmax(g, "x", (-1, -2)))
    w = np.repeat(rng.random((K // 8, N)).astype(np.float32) + 1, 8, 0) * np.sign(weight(rng))
    y = g.op("Add", g.op("MatMul", quantizers.codes(g, "x", s), g.const(w)), g.const(rng.standard_normal(N) * 100))
    y = g.op("Div", y, s)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", "sequence", K]}, {y: ["batch", "sequence", N]})
    comparison = ties.Comparison(path, report=tmp_path / "report.json")
    (layer,) = json.loads((tmp_path / "report.json").read_text())["bitlinear"]["layers"]
    assert (layer["activation_granularity"], layer["activations_declined"]) == ("sample", "")
    for seed in range(3):
        comparison.check(inputs(["batch", "sequence", K], seed), atol=1e-3)


def test_scales_without_a_last_dimension(tmp_path):
    """A maximum that loses its dimension and has it back."""
    g, rng = Graph(), np.random.default_rng(0)
    a = g.op("ReduceMax", g.op("Abs", "x"), g.const([-1], np.int64), keepdims=0)
    a = g.op("Unsqueeze", a, g.const([-1], np.int64))
    s = quantizers.div(g, "x", a)
    y = g.op("MatMul", g.op("Div", quantizers.codes(g, "x", s), s), g.const(weight(rng)))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 3, K]}, {y: ["batch", 3, N]})
    comparison = ties.Comparison(path, report=tmp_path / "report.json")
    (layer,) = json.loads((tmp_path / "report.json").read_text())["bitlinear"]["layers"]
    assert (layer["activation_granularity"], layer["activations_declined"]) == ("token", "")
    comparison.check(inputs(["batch", 3, K]))


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (0, 2)], ids=str)
@pytest.mark.parametrize("shape", [[4, 3, K], ["batch", "sequence", K]], ids=str)
def test_other_axes_stay_float(shape, axes, tmp_path):
    """Scales of channels and of positions: the weight is packed, the product is one of floats, as in the graph."""
    g, rng = Graph(), np.random.default_rng(0)
    s = quantizers.div(g, "x", quantizers.absmax(g, "x", axes))
    y = g.op("MatMul", g.op("Div", quantizers.codes(g, "x", s), s), g.const(weight(rng)))
    path = g.save(tmp_path / "model.onnx", {"x": shape}, {y: [*shape[:-1], N]})
    comparison = ties.Comparison(path, report=tmp_path / "report.json")
    (layer,) = json.loads((tmp_path / "report.json").read_text())["bitlinear"]["layers"]
    assert layer["activation_bits"] == 0 and layer["packed_bytes"] > 0
    assert ("shared by several rows" if 2 in axes else "per channel") in layer["activations_declined"]
    for seed in range(3):
        comparison.check(inputs(shape, seed))


def test_reshaped_rows(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    rows = g.op("Reshape", quantizers.ste(g, "x"), g.const([-1, K], np.int64))
    y = g.op("Gemm", rows, g.const(weight(rng)), g.const(rng.standard_normal(N)))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 3, K]}, {y: ["rows", N]})
    (layer,) = get_layers(path, tmp_path)
    assert (layer["activation_bits"], layer["activations_declined"]) == (8, "")
    x = inputs(["batch", 3, K])
    ours, theirs = ties.compiled(path)(x), ties.reference(path).run(None, {"x": x})[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


# What follows a layer of codes: a function of graph, product, step a' / Q, scale Q / a' and the random generator.
AFTER = {
    "divided by both": lambda g, y, d, s, rng: g.op("Div", g.op("Div", y, g.const(2.5)), s),
    "divided by the product": lambda g, y, d, s, rng: g.op("Div", y, g.op("Mul", s, g.const(2.5))),
    "times the quotient": lambda g, y, d, s, rng: g.op("Mul", y, g.op("Div", g.const(2.5), s)),
    "times a vector over s": lambda g, y, d, s, rng: g.op("Mul", y, g.op("Div", g.const(rng.random(N) + 0.5), s)),
    "times the step": lambda g, y, d, s, rng: g.op("Mul", d, y),
    "times the step and a vector": lambda g, y, d, s, rng: g.op("Mul", y, g.op("Mul", d, g.const(rng.random(N) + 0.5))),
    "bias before": lambda g, y, d, s, rng: g.op("Div", g.op("Add", y, g.const(rng.standard_normal(N) * 100)), s),
    "bias before and after": lambda g, y, d, s, rng: g.op(
        "Add", g.op("Mul", g.op("Add", g.const(rng.standard_normal(N) * 100), y), d), g.const(rng.standard_normal(N))
    ),
}


@pytest.mark.parametrize("shape", [[5, K], ["batch", "sequence", K]], ids=["static", "dynamic, rank 3"])
@pytest.mark.parametrize("after", AFTER)
def test_rescaled_after_the_product(after, shape, tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    a = quantizers.clip(g, quantizers.absmax(g, "x"), 1e-5)
    s = g.op("Div", g.const(127.0), a)
    y = g.op("MatMul", quantizers.codes(g, "x", s), g.const(weight(rng)))
    y = AFTER[after](g, y, g.op("Div", a, g.const(127.0)), s, rng)
    path = g.save(tmp_path / "model.onnx", {"x": shape}, {y: [*shape[:-1], N]})
    (layer,) = get_layers(path, tmp_path)
    assert (layer["activation_bits"], layer["activations_declined"]) == (8, "")
    comparison = ties.Comparison(path)
    for seed in range(3):
        comparison.check(inputs(shape, seed))


def test_bias_before_the_scale_of_a_tensor(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    s = quantizers.div(g, "x", quantizers.absmax(g, "x", ()))
    y = g.op("MatMul", quantizers.codes(g, "x", s), g.const(weight(rng)))
    y = g.op("Div", g.op("Add", y, g.const(rng.standard_normal(N) * 100)), s)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, {y: ["batch", N]})
    (layer,) = get_layers(path, tmp_path)
    assert layer["activation_granularity"] == "tensor"
    ties.Comparison(path).check(inputs(["batch", K]))


def test_codes_that_nothing_rescales(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    y = g.op("MatMul", quantizers.codes(g, "x", quantizers.div(g, "x")), g.const(weight(rng)))
    path = g.save(tmp_path / "model.onnx", {"x": [5, K]}, {y: [5, N]})
    (layer,) = get_layers(path, tmp_path)
    assert (layer["activation_bits"], layer["activations_declined"]) == (8, "")
    ties.Comparison(path).check(inputs([5, K]))


BIASES = {"[1, N]": (1, N), "[1, 1, N]": (1, 1, N), "[1]": (1,), "scalar": ()}


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "last"])
@pytest.mark.parametrize("bias", BIASES)
def test_bias(bias, is_first, tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    product = g.op("MatMul", quantizers.plain_div(g, "x"), g.const(weight(rng)))
    value = g.const(rng.standard_normal(BIASES[bias]))
    y = g.op("Add", value, product) if is_first else g.op("Add", product, value)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 3, K]}, {y: ["batch", 3, N]})
    ties.Comparison(path).check(inputs(["batch", 3, K]))


def test_bias_as_input(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    y = g.op("Add", g.op("MatMul", quantizers.plain_div(g, "x"), g.const(weight(rng))), "b")
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K], "b": [1, N]}, {y: ["batch", N]})
    x, b = inputs(["batch", K]), rng.standard_normal((1, N)).astype(np.float32)
    ours = ties.compiled(path)(x, b)
    theirs = ties.reference(path).run(None, {"x": x, "b": b})[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_hadamard_behind_a_quantizer(tmp_path):
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < 64:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    g = Graph()
    rotated = g.op("MatMul", "x", g.const(matrix / 8))
    y = g.op("MatMul", quantizers.plain_div(g, rotated), g.const(np.sign(np.sin(np.arange(64 * N))).reshape(64, N)))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", N]})
    by_bits = [layer["activation_bits"] for layer in get_layers(path, tmp_path)]
    assert sorted(by_bits) == [0, 8], "the rotation reads floats"
    ties.Comparison(path).check(inputs(["batch", 64]))


def test_quantizer_before_a_float_weight(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    y = g.op("MatMul", quantizers.plain_div(g, "x"), g.const(rng.standard_normal((K, N))))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, {y: ["batch", N]})
    assert get_layers(path, tmp_path) == []
    ties.Comparison(path).check(inputs(["batch", K]))


def test_shared_quantizer_and_other_users(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    q = quantizers.ste(g, "x")
    outputs = {g.op("MatMul", q, g.const(weight(rng))): ["batch", N] for _ in range(3)}
    outputs[g.op("Mul", q, g.const(2.0))] = ["batch", K]
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, outputs)
    assert [layer["activation_bits"] for layer in get_layers(path, tmp_path)] == [8] * 3
    command = [tool("bit-opt"), path, "--emit=linalg"]
    lowered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert lowered.count("bit.absmax_quantize") == 1, "the codes are computed once"
    ties.Comparison(path).check(inputs(["batch", K]))


@pytest.mark.parametrize("to", ["FLOAT", "FLOAT16", "DOUBLE"])
@pytest.mark.parametrize("bounds", [(0, None), (None, 0), (None, None)], ids=["low", "high", "none"])
def test_clip_of_infinities(bounds, to, tmp_path):
    """A bound that is missing is the last finite number, at run time and where constants are folded."""
    g, kind = Graph(), getattr(TensorProto, to)
    names = ["" if b is None else g.op("Cast", g.const(b), to=kind) for b in bounds]
    values = np.float32([[np.inf, -np.inf, np.nan, 1]])
    half = g.op("Cast", g.const(0.5), to=kind)
    clipped = [g.op("Clip", g.op("Cast", v, to=kind), *names) for v in ("x", g.const(values))]
    # The greatest double is no float32; whether it is infinite shows in its difference from itself.
    finite = [g.op("Cast", g.op("Sub", c, g.op("Mul", c, half)), to=1) for c in clipped]
    y = g.op("Concat", *finite, *(g.op("Cast", g.op("Sub", c, c), to=1) for c in clipped), axis=0)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 4]}, {y: ["rows", 4]})
    np.testing.assert_array_equal(ties.compiled(path)(values), ties.reference(path).run(None, {"x": values})[0])
