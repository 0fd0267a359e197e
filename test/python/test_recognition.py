"""What torch exports of BitLinear layers is recognised, compiled, and answers as the graph does."""

import json
import logging

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import models  # noqa: E402
import ties  # noqa: E402
from graphs import Graph, quantize_activation  # noqa: E402

from bit_mlir.compiler import compile_file  # noqa: E402

logging.disable(logging.WARNING)


def bitlinear(*sizes, **options):
    return lambda: models.mlp(sizes, models.BitLinear, **options)


# Weights over 8,192 elements stay chains in the graph, smaller ones are folded: (64, 160, 10) has both.
BOTH = (64, 160, 10)
# name: (module, layers, export options)
CASES = {
    "static": (bitlinear(*BOTH), 2, {}),
    "dynamic": (bitlinear(*BOTH), 2, {"dynamic": (0,)}),
    "train": (bitlinear(*BOTH, form="train"), 2, {"dynamic": (0,)}),
    "train, rank 3": (bitlinear(*BOTH, form="train"), 2, {"shape": (2, 3, 64), "dynamic": (0, 1)}),
    "rank 3, no bias": (bitlinear(*BOTH, bias=False), 2, {"shape": (2, 3, 64)}),
    "opset 20, LayerNorm": (bitlinear(*BOTH, norm="layer", bias=False), 2, {"opset": 20}),
    "opset 23, RMSNorm": (bitlinear(*BOTH, norm="torch_rms"), 2, {"opset": 23, "dynamic": (0,)}),
    "no norm": (bitlinear(*BOTH, norm=None), 2, {"dynamic": (0,)}),
    "TorchScript": (bitlinear(*BOTH), 2, {"dynamo": False, "dynamic": (0,)}),
    "TorchScript, train, rank 3": (
        bitlinear(*BOTH, form="train"),
        2,
        {"dynamo": False, "shape": (2, 3, 64), "dynamic": (0, 1)},
    ),
    "for inference": (lambda: models.mlp(BOTH, models.InferenceBitLinear), 2, {"dynamic": (0,)}),
    "for inference, no bias": (lambda: models.mlp(BOTH, models.InferenceBitLinear, bias=False), 2, {}),
    "ternary constants": (lambda: models.mlp(BOTH, models.TernaryLinear), 2, {"dynamic": (0,)}),
    "shared quantizer": (lambda: models.SharedQuantizer(128), 3, {"shape": (2, 5, 128), "dynamic": (1,)}),
    "shared quantizer, bias": (lambda: models.SharedQuantizer(96, bias=True), 3, {"shape": (4, 96)}),
}
# Ternary weights, float activations.
FLOAT_CASES = {
    "float activations": (bitlinear(*BOTH, form="none"), 2, {"dynamic": (0,)}),
    "ternary constants only": (
        lambda: models.mlp(BOTH, models.TernaryLinear, quantize=False),
        2,
        {"shape": (2, 3, 64)},
    ),
}


def compile_report(path, tmp_path, **options):
    """Compiles to a library and returns its report."""
    report = tmp_path / "report.json"
    compile_file(path, tmp_path / "model.so", report=report, **options)
    return json.loads(report.read_text())


def input_like(options, seed):
    """An input of the export's shape, a little larger where it may be."""
    shape = list(options.get("shape", (2, 64)))
    for axis in options.get("dynamic", ()):
        shape[axis] += 3
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@pytest.mark.parametrize("name", [*CASES, *FLOAT_CASES])
def test_exports(name, tmp_path):
    make, layers, options = {**CASES, **FLOAT_CASES}[name]
    path = models.export(models.seeded(make), tmp_path / "model.onnx", **options)
    found = compile_report(path, tmp_path)["bitlinear"]
    assert found["found"] == found["packed"] == layers
    assert found["rejected"] == []
    for layer in found["layers"]:
        assert layer["weight_granularity"] == "tensor"
        assert layer["weight_error"] < 1e-6
        assert layer["activation_bits"] == (8 if name in CASES else 0)
    comparison = ties.Comparison(path)
    for seed in range(4):
        x = input_like(options, seed)
        comparison.check(x)
        comparison.check(x * np.float32(1e3))


@pytest.mark.parametrize("name", [*CASES, *FLOAT_CASES])
def test_optimized_by_onnxruntime(name, tmp_path):
    """A model that onnxruntime's optimizer rewrote, with its own operators, has the layers it had."""
    make, layers, options = {**CASES, **FLOAT_CASES}[name]
    path = models.export(models.seeded(make), tmp_path / "plain.onnx", **options)
    session = ties.onnxruntime.SessionOptions()
    session.graph_optimization_level = ties.onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session.optimized_model_filepath = str(tmp_path / "model.onnx")
    session.log_severity_level = 3
    ties.onnxruntime.InferenceSession(str(path), session, providers=["CPUExecutionProvider"])
    found = compile_report(tmp_path / "model.onnx", tmp_path)["bitlinear"]
    assert found["found"] == found["packed"] == layers
    for layer in found["layers"]:
        assert layer["weight_error"] < 1e-6
        assert layer["activation_bits"] == (8 if name in CASES else 0)
    comparison = ties.Comparison(tmp_path / "model.onnx")
    for seed in range(2):
        comparison.check(input_like(options, seed))


def near_miss(tmp_path, change):
    """A layer as the FAQ has it but for what `change` does to it; K = 64, N = 24."""
    g, rng = Graph(), np.random.default_rng(0)
    weight = rng.standard_normal((24, 64)).astype(np.float32)
    if change == "four levels":
        w = np.clip(np.rint(weight * 2), -2, 2) / 2
    elif change == "float weights":
        w = weight
    else:
        w = np.clip(np.rint(weight), -1, 1) * np.float32(0.3)
    axis = 0 if change == "other axis" else -1
    largest = g.op("ReduceMax", g.op("Abs", "x"), g.const([axis], np.int64), keepdims=1)
    scale = g.op("Div", g.const(127.0), g.op("Clip", largest, g.const(1e-5)))
    scaled = g.op("Mul", "x", scale)
    rounded = scaled if change == "no Round" else g.op("Round", scaled)
    low, high = (-64.0, 63.0) if change == "clamp range" else (-128.0, 127.0)
    if change == "fractional clamp":
        low, high = -126.5, 126.5
    codes = g.op("Clip", rounded, g.const(low), g.const(high))
    x = g.op("Div", codes, scale)
    y = g.op("MatMul", x, g.op("Transpose", g.const(w), perm=[1, 0]))
    outputs = {y: ["batch", 24]}
    if change == "other user":
        outputs[g.op("Mul", x, g.const(2.0))] = ["batch", 64]
    return g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, outputs)


# What it looks like, layers found, bits of the activations (0: they stay float).
NEAR_MISSES = {
    "four levels": (0, 0),
    "float weights": (0, 0),
    "other axis": (1, 0),
    "no Round": (1, 0),
    "fractional clamp": (1, 0),
    "clamp range": (1, 8),
    "other user": (1, 8),
}


@pytest.mark.parametrize("change", NEAR_MISSES)
def test_near_misses_stay_right(change, tmp_path):
    layers, bits = NEAR_MISSES[change]
    path = near_miss(tmp_path, change)
    found = compile_report(path, tmp_path)["bitlinear"]
    assert found["found"] == layers
    assert [layer["activation_bits"] for layer in found["layers"]] == [bits] * layers
    if not layers:
        (rejected,) = found["rejected"]
        assert "distinct magnitudes" in rejected["reason"]
        assert rejected["node"].startswith("node_matmul")
    comparison = ties.Comparison(path)
    for seed in range(3):
        comparison.check(input_like({"dynamic": (0,)}, seed))


# Rows at the edges of the quantizer: what the graph does, also where eps is in force.
def test_edge_rows(tmp_path):
    path = models.export(models.seeded(bitlinear(64, 160, norm=None)), tmp_path / "model.onnx", dynamic=(0,))
    x = np.random.default_rng(1).standard_normal((7, 64)).astype(np.float32)
    x[0] = 0
    x[1] *= 1e-7
    x[2] *= 1e30
    x[3, 5] = 1e6
    x[4] = np.tile(np.float32([0.5, 1.5, 2.5, 127.0]), 16)  # ties, exactly
    x[5, 3] = np.nan
    comparison = ties.Comparison(path)
    ours = comparison.model(x)
    theirs = comparison.reference.run(None, {"x": x})[0]
    assert np.isnan(ours[5]).all() and np.isnan(theirs[5]).all()
    rows = [0, 1, 2, 3, 4, 6]
    np.testing.assert_allclose(ours[rows], theirs[rows], rtol=1e-4, atol=1e-4)


def ternary(rng, *shape):
    return rng.integers(-1, 2, shape).astype(np.float32)


def channel_scales(g, rng):
    w = ternary(rng, 64, 24) * rng.random(24).astype(np.float32)
    return g.op("MatMul", quantize_activation(g, "x"), g.const(w))


def group_scales(g, rng):
    w = ternary(rng, 24, 4, 16) * rng.random((24, 4, 1)).astype(np.float32)
    return g.op("MatMul", quantize_activation(g, "x"), g.const(w.reshape(24, 64).T))


def binary(g, rng):
    w = np.where(rng.random((64, 24)) < 0.5, np.float32(-0.3), np.float32(0.3))
    return g.op("MatMul", quantize_activation(g, "x"), g.const(w))


def one_scale_a_tensor(g, rng):
    largest = g.op("ReduceMax", g.op("Abs", "x"), keepdims=0)
    scale = g.op("Div", g.const(127.0), g.op("Clip", largest, g.const(1e-5)))
    x = g.op("Div", g.op("Round", g.op("Mul", "x", scale)), scale)
    return g.op("MatMul", x, g.const(ternary(rng, 64, 24)))


def inverse_four_bits(g, rng):
    largest = g.op("ReduceMax", g.op("Abs", "x"), g.const([-1], np.int64), keepdims=1)
    d = g.op("Div", g.op("Add", largest, g.const(1e-6)), g.const(7.0))
    codes = g.op("Floor", g.op("Add", g.op("Div", "x", d), g.const(0.5)))
    x = g.op("Mul", g.op("Clip", codes, g.const(-7.0), g.const(7.0)), d)
    return g.op("MatMul", x, g.const(ternary(rng, 64, 24)))


def rescaled_directly(g, rng):
    largest = g.op("ReduceMax", g.op("Abs", "x"), g.const([-1], np.int64), keepdims=1)
    largest = g.op("Max", largest, g.const(1e-5))
    codes = g.op("Round", g.op("Mul", "x", g.op("Div", g.const(127.0), largest)))
    x = g.op("Mul", codes, g.op("Div", largest, g.const(127.0)))
    return g.op("MatMul", x, g.const(ternary(rng, 64, 24)))


FORMS = [channel_scales, group_scales, binary, one_scale_a_tensor, inverse_four_bits, rescaled_directly]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_forms(form, tmp_path):
    g = Graph()
    y = form(g, np.random.default_rng(0))
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", 64]}, {y: ["batch", 24]})
    (layer,) = compile_report(path, tmp_path)["bitlinear"]["layers"]
    assert layer["activation_bits"] == (4 if form is inverse_four_bits else 8)
    comparison = ties.Comparison(path)
    for seed in range(3):
        comparison.check(input_like({"dynamic": (0,)}, seed))
