"""--quantize=all: codes, scales and errors equal a numpy quantizer's, and the library answers with them."""

import json
import re

import numpy as np
import pytest
from graphs import Graph
from ternary import GROUP, SCHEMES, dequantize, fake_quantize, quantize
from test_bit_opt import bit_opt
from ties import Comparison, compiled

GRANULARITIES = {"tensor": "tensor", "channel": "channel", "group128": GROUP}


def products(path, weights):
    """Writes y_i = x_i w_i^T for each w [N, K]: by turns as MatMul by the transpose and as Gemm with transB."""
    g, inputs, outputs = Graph(), {}, {}
    for i, w in enumerate(weights):
        n, k = w.shape
        x = f"x{i}"
        if i % 2:
            y = g.op("Gemm", x, g.const(w), transB=1)
        else:
            y = g.op("MatMul", x, g.const(np.ascontiguousarray(w.T)))
        inputs[x], outputs[y] = [k, k], [k, n]
    return g.save(path, inputs, outputs)


def compile_report(path, tmp_path, **options):
    report = tmp_path / "report.json"
    model = compiled(path, quantize="all", report=report, **options)
    return model, json.loads(report.read_text())["bitlinear"]


def random_weight(n, k, seed=0):
    return np.random.default_rng(seed).standard_normal((n, k)).astype(np.float32)


def weights():
    """name: weight [N, K]. Values of k / 8 put many of them on ties and equal magnitudes."""
    rng = np.random.default_rng(1)
    eighths = (rng.integers(-16, 17, (24, 128)) / 8).astype(np.float32)
    zeros = random_weight(5, 128, 2)
    zeros[1] = 0
    zeros[2, ::2] = -0.0
    constant = random_weight(5, 128, 3)
    constant[0], constant[1] = 0.25, -3.0
    outliers = random_weight(16, 256, 4)
    outliers[3, 7], outliers[5] = 1e30, outliers[5] * np.float32(1e-30)
    return {
        "ties": eighths,
        "zero rows": zeros,
        "constant rows": constant,
        "outliers": outliers,
        "one row": random_weight(1, 384, 5),
        "ragged": random_weight(67, 128, 6),
        "several blocks": random_weight(200, 256, 7),
    }


# K is no multiple of 128.
ODD = {
    "one column": random_weight(33, 1),
    "ragged both": random_weight(37, 101),
    "one number more": random_weight(3, 129),
}


def check(weights, tmp_path, scheme, granularity):
    """Reads codes and scales by multiplying unit vectors: each result is one code times one scale, not rounded."""
    options = {"quantize_scheme": scheme, "quantize_granularity": granularity, "activation_bits": "none"}
    model, report = compile_report(products(tmp_path / "m.onnx", weights.values()), tmp_path, **options)
    answers = model(*(np.eye(w.shape[1], dtype=np.float32) for w in weights.values()))
    assert len(report["layers"]) == len(weights)
    for (name, w), y, layer in zip(weights.items(), answers, report["layers"]):
        codes, scales = quantize(w, scheme, GRANULARITIES[granularity])
        w_q = dequantize(codes, scales)
        np.testing.assert_array_equal(y.T, w_q, name)
        assert (layer["weight_scheme"], layer["weight_granularity"]) == (scheme, granularity)
        assert (layer["n"], layer["k"], layer["source_bytes"]) == (*w.shape, w.nbytes)
        w = w.astype(float)
        assert layer["weight_error"] == pytest.approx(np.linalg.norm(w - w_q) / np.linalg.norm(w), rel=1e-6), name


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_codes(scheme, granularity, tmp_path):
    check(weights() if granularity == "group128" else {**weights(), **ODD}, tmp_path, scheme, granularity)


def test_fit_is_the_best():
    """No other choice of how many weights stay has a smaller error: every one is tried."""
    for seed in range(20):
        w = random_weight(1, 12, seed)
        codes, scales = quantize(w, "fit", "tensor")
        best = np.square(w - codes * scales.astype(float)).sum()
        order = np.argsort(-np.abs(w[0]))
        for count in range(1, 13):
            other = np.zeros_like(w)
            other[0, order[:count]] = np.sign(w[0, order[:count]])
            scale = (w * other).sum() / count
            assert best <= np.square(w - other * scale).sum() + 1e-6


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("bits", [8, "none"])
def test_answers(bits, granularity, tmp_path):
    """A float MLP answers as the same graph with dequantized weights, and fake-quantized activations, does."""
    rng = np.random.default_rng(3)
    ws = [random_weight(256, 128, 1), random_weight(128, 256, 2), random_weight(10, 128, 3)]
    biases = [rng.standard_normal(len(w)).astype(np.float32) for w in ws]

    def write(path, matrices, activation):
        g, x = Graph(), "x"
        for i, (w, b) in enumerate(zip(matrices, biases)):
            x = activation(g, g.op("Relu", x) if i else x)
            x = g.op("Gemm", x, g.const(w), g.const(b), transB=1)
        return g.save(path, {"x": ["batch", 128]}, {x: ["batch", 10]})

    path = write(tmp_path / "float.onnx", ws, lambda g, x: x)
    model, report = compile_report(path, tmp_path, quantize_granularity=granularity, activation_bits=bits)
    assert [layer["activation_bits"] for layer in report["layers"]] == [8 if bits == 8 else 0] * 3
    assert all(layer["kernel"].endswith("p2") for layer in report["layers"])
    dequantized = [dequantize(*quantize(w, "absmean", GRANULARITIES[granularity])) for w in ws]
    activation = fake_quantize if bits == 8 else lambda g, x: x
    # That graph is a trained one, which is known to answer as onnxruntime does up to proven ties.
    comparison = Comparison(write(tmp_path / "oracle.onnx", dequantized, activation))
    for seed in range(4):
        x = np.random.default_rng(seed).standard_normal((seed + 1, 128)).astype(np.float32)
        (expected,), _ = comparison.check(x)
        np.testing.assert_array_equal(model(x), expected)


def test_gemm_alpha_beta_transposed(tmp_path):
    w, rng = random_weight(24, 40), np.random.default_rng(1)
    c = rng.standard_normal((1, 24)).astype(np.float32)
    g = Graph()
    y = g.op("Gemm", "x", g.const(w.T), g.const(c), transA=1, alpha=0.3, beta=0.7)
    path = g.save(tmp_path / "m.onnx", {"x": [40, 3]}, {y: [3, 24]})
    model, _ = compile_report(path, tmp_path, activation_bits="none")
    x = rng.standard_normal((40, 3)).astype(np.float32)
    expected = 0.3 * x.T.astype(float) @ dequantize(*quantize(w, "absmean", "tensor")).T + 0.7 * c
    np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-5)


def transposed(g, x):
    return g.op("Transpose", x, perm=[1, 0])


def microsoft(g, op_type, *inputs, **attributes):
    return g.op(op_type, *inputs, domain="com.microsoft", **attributes)


# How a product of x [K, K] by w [N, K] is written, and its factor: functions of graph and weight.
FORMS = {
    "left": (lambda g, w: transposed(g, g.op("MatMul", g.const(w), transposed(g, "x"))), 1),
    "left, transposed twice": (
        lambda g, w: transposed(g, g.op("MatMul", transposed(g, g.const(w.T)), transposed(g, "x"))),
        1,
    ),
    "left of a vector": (
        lambda g, w: g.op("MatMul", g.const(w), g.op("Gather", "x", g.const(0, np.int64), axis=0)),
        1,
    ),
    "Gemm": (lambda g, w: g.op("Gemm", transposed(g, "x"), g.const(w), transA=1, transB=1, alpha=0.375), 0.375),
    "Gemm, left": (lambda g, w: transposed(g, g.op("Gemm", g.const(w), "x", transB=1, alpha=2.5)), 2.5),
    "FusedMatMul": (lambda g, w: microsoft(g, "FusedMatMul", "x", g.const(w), transB=1, alpha=0.375), 0.375),
    "FusedMatMul, left": (
        lambda g, w: transposed(g, microsoft(g, "FusedMatMul", g.const(w.T), "x", transA=1, transB=1, alpha=3.0)),
        3,
    ),
    "Einsum": (lambda g, w: g.op("Einsum", "x", g.const(w), equation="ij,kj->ik"), 1),
    "Einsum, moved": (lambda g, w: g.op("Einsum", g.const(w.T), transposed(g, "x"), equation="kn,kb->bn"), 1),
    "leading ones": (
        lambda g, w: g.op(
            "Squeeze",
            g.op("MatMul", g.op("Unsqueeze", "x", g.const([0], np.int64)), g.const(w.T[None])),
            g.const([0], np.int64),
        ),
        1,
    ),
    "factor after it": (
        lambda g, w: g.op("Div", g.op("Mul", g.op("MatMul", "x", g.const(w.T)), g.const(0.75)), g.const(0.25)),
        3,
    ),
}


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("form", FORMS)
def test_products(form, granularity, tmp_path):
    """Every way to write a product gets the same codes, and its constant factor goes to their scales."""
    schemes = list(SCHEMES)
    scheme = schemes[(list(FORMS).index(form) + list(GRANULARITIES).index(granularity)) % len(schemes)]
    w = random_weight(24, 256)
    make, factor = FORMS[form]
    g = Graph()
    y = make(g, w)
    shape = [24] if form == "left of a vector" else [256, 24]
    path = g.save(tmp_path / "m.onnx", {"x": [256, 256]}, {y: shape})
    options = {"quantize_scheme": scheme, "quantize_granularity": granularity, "activation_bits": "none"}
    model, report = compile_report(path, tmp_path, **options)
    (layer,) = report["layers"]
    layout = "p1" if scheme == "sign" else "p2"
    assert report["rejected"] == [] and layer["kernel"].endswith(layout)
    codes, scales = quantize(w, scheme, GRANULARITIES[granularity])
    expected = dequantize(codes, scales * np.float32(factor)).T
    np.testing.assert_array_equal(model(np.eye(256, dtype=np.float32)), expected[0] if len(shape) == 1 else expected)


def test_halves(tmp_path):
    """Codes are made of the halves' values; the layer computes in float32 and is rounded once."""
    w = random_weight(24, 64).astype(np.float16)
    g = Graph()
    y = g.op("Cast", g.op("MatMul", g.op("Cast", "x", to=10), g.const(w.T, np.float16)), to=1)
    path = g.save(tmp_path / "m.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]})
    model, report = compile_report(path, tmp_path, activation_bits="none")
    assert len(report["layers"]) == 1
    w_q = dequantize(*quantize(w.astype(np.float32), "absmean", "tensor"))
    expected = w_q.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(model(np.eye(64, dtype=np.float32)), expected.T)


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_a_factor_for_each_output(granularity, tmp_path):
    """It goes to the scales where there is one for each output, and stays a product where there is not."""
    w, factors = random_weight(24, 256), np.random.default_rng(1).random(24).astype(np.float32) + 1
    g = Graph()
    y = g.op("Mul", g.op("MatMul", "x", g.const(w.T)), g.const(factors))
    path = g.save(tmp_path / "m.onnx", {"x": [256, 256]}, {y: [256, 24]})
    model, report = compile_report(path, tmp_path, quantize_granularity=granularity, activation_bits="none")
    assert report["layers"][0]["kernel"].endswith("p2")
    codes, scales = quantize(w, "absmean", GRANULARITIES[granularity])
    expected = dequantize(codes, scales * factors[:, None])
    np.testing.assert_array_equal(model(np.eye(256, dtype=np.float32)), expected.T)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A float layer, a trained one, and a float one whose weight is used twice."""
    g, rng = Graph(), np.random.default_rng(0)
    trained = np.clip(np.rint(rng.standard_normal((64, 64))), -1, 1) * 0.25
    shared = g.const(rng.standard_normal((64, 64)))
    y = g.op("MatMul", "x", g.const(rng.standard_normal((64, 64))))
    y = g.op("MatMul", y, g.const(trained))
    y = g.op("MatMul", g.op("MatMul", y, shared), shared)
    path = tmp_path_factory.mktemp("three") / "three.onnx"
    return g.save(path, {"x": ["batch", 64]}, {y: ["batch", 64]})


def quantized(three, tmp_path, *options):
    done = bit_opt(three, "-o", tmp_path / "m.so", f"--report={tmp_path / 'r.json'}", "--quantize=all", *options)
    assert done.returncode == 0, done.stderr
    return json.loads((tmp_path / "r.json").read_text()), done.stderr


def test_trained_layers_stay(three, tmp_path):
    report, _ = quantized(three, tmp_path)
    layers = report["bitlinear"]["layers"]
    assert [layer["weight_scheme"] for layer in layers] == ["absmean", "ternary", "absmean", "absmean"]
    assert [layer["activation_bits"] for layer in layers] == [8, 0, 8, 8]
    assert layers[1]["weight_error"] == 0
    assert report["bitlinear"]["packed"] == 4
    # Two products read one packed weight.
    assert report["sizes"]["weights"] < 3.5 * layers[0]["packed_bytes"]


def test_one_warning_names_the_worst(three, tmp_path):
    report, stderr = quantized(three, tmp_path)
    (warning,) = re.findall(r"warning: .*", stderr)
    layers = report["bitlinear"]["layers"]
    worst = max(layers, key=lambda layer: layer["weight_error"])
    assert f"3 of 4 layers by more than 20%, most of all '{worst['name']}'" in warning
    assert [w for w in report["warnings"] if "more than 20%" in w] and report["errors"] == []


def test_skip(three, tmp_path):
    report, stderr = quantized(three, tmp_path, "--skip=^node_matmul_3$|const_1$")
    assert "warning: skip" not in stderr
    names = [layer["name"] for layer in report["bitlinear"]["layers"]]
    # const_1 is the weight of the last two products.
    assert names == ["node_matmul_5"]
    assert [r["node"] for r in report["bitlinear"]["rejected"]] == ["node_matmul_3", "node_matmul_6", "node_matmul_7"]
    assert all("matches what to skip" in r["reason"] for r in report["bitlinear"]["rejected"])


def test_skip_that_matches_nothing_is_a_warning(three, tmp_path):
    _, stderr = quantized(three, tmp_path, "--skip=lm_head")
    assert "warning: skip: 'lm_head' matches no product and no weight" in stderr


def test_what_cannot_be_replaced_says_why(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    infinite = rng.standard_normal((64, 8))
    infinite[5, 5] = np.inf
    a = g.op("MatMul", "x", g.const(infinite))
    b = g.op("MatMul", g.const(rng.standard_normal((2, 3, 4))), "x")
    c = g.op("MatMul", "x", g.const(rng.standard_normal((2, 64, 4))))
    d = g.op("MatMul", "x", "w")
    shapes = {a: [4, 8], b: [2, 3, 64], c: [2, 4, 4], d: [4, 5]}
    path = g.save(tmp_path / "m.onnx", {"x": [4, 64], "w": [64, 5]}, shapes)
    _, report = compile_report(path, tmp_path)
    assert report["layers"] == []
    reasons = {r["node"]: r["reason"] for r in report["rejected"]}
    assert reasons[f"node_{a}"] == "weights are not all finite"
    assert reasons[f"node_{b}"] == "its weight is not a matrix"
    assert reasons[f"node_{c}"] == "its weight is not a matrix"
    assert "depends on the graph input 'w'" in reasons[f"node_{d}"]


def test_group_that_does_not_divide(tmp_path):
    path = products(tmp_path / "m.onnx", [random_weight(8, 100)])
    _, report = compile_report(path, tmp_path, quantize_granularity="group128")
    (rejected,) = report["rejected"]
    assert rejected["reason"] == "its K = 100 is no multiple of the group of 128 weights"


@pytest.mark.parametrize("activation_bits, bits", [(None, 0), ("none", 0), (8, 8)])
def test_python_keywords(activation_bits, bits, three):
    import bit_mlir as bm

    model = bm.compile(three, quantize="all", quantize_scheme="twn", activation_bits=activation_bits, skip="const_1$")
    layers = model.report["bitlinear"]["layers"]
    assert [layer["weight_scheme"] for layer in layers] == ["twn", "ternary"]
    assert layers[0]["activation_bits"] == bits


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "TorchScript"])
@pytest.mark.parametrize("bits", [8, "none"])
def test_transformer_mlp(bits, dynamo, tmp_path):
    """A gated MLP of float Linear layers, rank 3, as torch exports it."""
    torch = pytest.importorskip("torch")
    import models

    class GatedMLP(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gate, self.up = (torch.nn.Linear(96, 160, bias=False) for _ in range(2))
            self.down = torch.nn.Linear(160, 96)

        def forward(self, x):
            return x + self.down(torch.nn.functional.silu(self.gate(x)) * self.up(x))

    class Oracle(GatedMLP):
        def forward(self, x):
            q = models.quantize_activation if bits == 8 else lambda x: x
            gate, up = self.gate(q(x)), self.up(q(x))
            return x + self.down(q(torch.nn.functional.silu(gate) * up))

    module, oracle = models.seeded(GatedMLP), Oracle()
    oracle.load_state_dict(module.state_dict())
    with torch.no_grad():
        for layer in (oracle.gate, oracle.up, oracle.down):
            layer.weight.copy_(torch.from_numpy(dequantize(*quantize(layer.weight.numpy(), "absmean", "channel"))))
    export = {"shape": (2, 3, 96), "dynamic": (0, 1), "dynamo": dynamo}
    path = models.export(module, tmp_path / "float.onnx", **export)
    model, report = compile_report(path, tmp_path, quantize_granularity="channel", activation_bits=bits)
    assert len(report["layers"]) == 3 and report["rejected"] == []
    comparison = Comparison(models.export(oracle.eval(), tmp_path / "oracle.onnx", **export))
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((seed + 1, 5, 96)).astype(np.float32)
        (expected,), _ = comparison.check(x)
        np.testing.assert_array_equal(model(x), expected)
