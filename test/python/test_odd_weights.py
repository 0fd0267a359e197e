"""Weights at the edges of what is ternary, and constants in the places where they may stand."""

import json

import numpy as np
import onnx
import pytest
import ties
from graphs import Graph, bitlinear, quantize_activation
from onnx import helper

K, N = 64, 24


def ternary(rng):
    return rng.integers(-1, 2, (K, N)).astype(np.float32)


def one_entry(rng):
    w = np.zeros((K, N), np.float32)
    w[5, 7] = -0.3
    return w


def with_value(value):
    """Ternary but for one value."""

    def make(rng):
        w = ternary(rng)
        w[9, 3] = value
        return w

    return make


def bits_of(rng):
    """Signs of a Hadamard matrix's columns."""
    return np.float32([[1 - 2 * (bin(i & j).count("1") % 2) for j in range(N)] for i in range(K)])


# name: (weight, whether it is a layer)
WEIGHTS = {
    "zeros": (lambda rng: np.zeros((K, N), np.float32), True),
    "negative zeros": (lambda rng: np.full((K, N), -0.0, np.float32), True),
    "ones": (lambda rng: np.ones((K, N), np.float32), True),
    "one number": (lambda rng: np.full((K, N), -0.37, np.float32), True),
    "signs": (lambda rng: np.where(rng.random((K, N)) < 0.5, np.float32(-1), np.float32(1)), True),
    "Hadamard": (bits_of, True),
    "one entry": (one_entry, True),
    "rows of zeros": (lambda rng: ternary(rng) * (np.arange(N) % 3 > 0), True),
    "zeros of both signs": (lambda rng: ternary(rng) * np.where(rng.random((K, N)) < 0.5, -0.25, 0.25), True),
    "two levels above zero": (lambda rng: rng.integers(0, 2, (K, N)) * np.float32(0.7), True),
    "not around zero": (lambda rng: rng.integers(-1, 2, (K, N)) + np.float32(0.25), False),
    "three levels, not symmetric": (lambda rng: np.float32([-0.5, 0, 1])[rng.integers(0, 3, (K, N))], False),
    "four levels": (lambda rng: np.float32([-1.5, -0.5, 0.5, 1.5])[rng.integers(0, 4, (K, N))], False),
    "five levels": (lambda rng: rng.integers(-2, 3, (K, N)).astype(np.float32), False),
    "one other value": (with_value(0.999), False),
    "one small value": (with_value(1e-6), False),
    "one tiny value": (with_value(1e-42), False),
}


@pytest.mark.parametrize("quantized", [True, False], ids=["codes", "floats"])
def test_levels(quantized, tmp_path):
    """All of WEIGHTS in one model, each with an output of its own."""
    g, rng = Graph(), np.random.default_rng(0)
    x = quantize_activation(g, "x") if quantized else "x"
    outputs, names = {}, {}
    for name, (make, _) in WEIGHTS.items():
        outputs[g.op("MatMul", x, g.const(make(rng)))] = ["batch", N]
        names[g.nodes[-1].name] = name
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, outputs)
    comparison = ties.Comparison(path, report=tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())["bitlinear"]
    assert {names[each["node"]] for each in found["rejected"]} == {
        n for n, (_, is_layer) in WEIGHTS.items() if not is_layer
    }
    assert {layer["activation_bits"] for layer in found["layers"]} == {8 if quantized else 0}
    for seed in range(3):
        comparison.check(np.random.default_rng(seed).standard_normal((5, K), np.float32))


EXTREMES = {
    "subnormal": lambda rng: ternary(rng) * np.float32(1e-40),
    "tiny": lambda rng: ternary(rng) * np.float32(1e-30),
    "huge": lambda rng: ternary(rng) * np.float32(1e30),
    "NaN": with_value(np.nan),
    "infinity": with_value(np.inf),
    "infinities": lambda rng: np.where(rng.random((K, N)) < 0.5, np.float32(-np.inf), np.float32(np.inf)),
}


@pytest.mark.parametrize("quantized", [True, False], ids=["codes", "floats"])
def test_extremes(quantized, tmp_path):
    """What comes out is finite, infinite or NaN where onnxruntime's is, and right."""
    g, rng = Graph(), np.random.default_rng(1)
    x = quantize_activation(g, "x") if quantized else "x"
    outputs = {g.op("MatMul", x, g.const(make(rng))): ["batch", N] for make in EXTREMES.values()}
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, outputs)
    values = np.random.default_rng(2).standard_normal((3, K), np.float32)
    ours, theirs = ties.compiled(path)(values), ties.reference(path).run(None, {"x": values})
    for name, a, b in zip(EXTREMES, ours, theirs, strict=True):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b), err_msg=name)
        finite = np.isfinite(b)
        size = np.abs(b[finite]).max(initial=1e-45)
        np.testing.assert_array_equal(a[np.isinf(b)], b[np.isinf(b)], err_msg=name)
        # The product of both scales is rounded once: a subnormal one has few bits.
        atol = 1e-3 if name == "subnormal" else 1e-5
        np.testing.assert_allclose(a[finite] / size, b[finite] / size, rtol=1e-4, atol=atol, err_msg=name)


@pytest.mark.parametrize("half", [False, True], ids=["all", "every other one"])
def test_constants_as_nodes(half, tmp_path):
    """Initializers, the float weight among them, become Constant nodes; the layers are the same."""
    g, rng = Graph(), np.random.default_rng(3)
    y = bitlinear(g, "x", K, 160, rng)
    y = bitlinear(g, g.op("Relu", y), 160, N, rng, bias=False, straight_through=True)
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, {y: ["batch", N]})
    model = onnx.load(path)
    moved = list(model.graph.initializer)[:: 2 if half else 1]
    nodes = [helper.make_node("Constant", [], [t.name], value=t) for t in moved]
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    for each in moved:
        model.graph.initializer.remove(each)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    comparison = ties.Comparison(path)
    found = comparison.model.report["bitlinear"]
    assert found["packed"] == 2 and found["rejected"] == []
    assert [layer["activation_bits"] for layer in found["layers"]] == [8, 8]
    for seed in range(2):
        comparison.check(np.random.default_rng(seed).standard_normal((5, K), np.float32))
