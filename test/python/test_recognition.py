"""What torch exports of BitLinear layers is recognised, compiled, and answers as the graph does."""

import json
import logging

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import models  # noqa: E402
import ties  # noqa: E402
from bit_mlir.compiler import compile_file  # noqa: E402
from graphs import Graph  # noqa: E402

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
def test_every_layer_is_found(name, tmp_path):
    make, layers, options = {**CASES, **FLOAT_CASES}[name]
    path = models.export(models.seeded(make), tmp_path / "model.onnx", **options)
    found = compile_report(path, tmp_path)["bitlinear"]
    assert found["found"] == found["packed"] == layers
    assert found["rejected"] == []
    for layer in found["layers"]:
        assert layer["weight_granularity"] == "tensor"
        assert layer["weight_error"] < 1e-6
        assert layer["activation_bits"] == (8 if name in CASES else 0)


@pytest.mark.parametrize("name", [*CASES, *FLOAT_CASES])
def test_answers_as_the_graph(name, tmp_path):
    make, _, options = {**CASES, **FLOAT_CASES}[name]
    path = models.export(models.seeded(make), tmp_path / "model.onnx", **options)
    comparison = ties.Comparison(path)
    for seed in range(4):
        x = input_like(options, seed)
        comparison.check(x)
        comparison.check(x * np.float32(1e3))
