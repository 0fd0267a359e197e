"""BitLinear layers of other projects (sources.py): exported, recognised, compiled, compared with onnxruntime."""

import logging

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import models  # noqa: E402
import sources  # noqa: E402
import ties  # noqa: E402

logging.disable(logging.WARNING)

# Weights over 8,192 elements stay chains in the graph, smaller ones are folded.
SIZES = (64, 160, 32)
# class: bits of the activations, their granularity, the weights' granularity.
SOURCES = {
    sources.AutoOnline: (8, "token", "tensor"),
    sources.AutoOffline: (8, "token", "tensor"),
    sources.Packed: (8, "token", "tensor"),
    sources.BitLab: (8, "token", "tensor"),
    sources.Kyegomez: (8, "token", "tensor"),
    sources.Zeta: (8, "tensor", "channel"),
    sources.ZetaCodes: (8, "tensor", "tensor"),
    sources.ZetaOutput: (0, "", "tensor"),
    sources.OneBitLLMs: (8, "token", "tensor"),
    sources.BitLinear24: (8, "token", "tensor"),
    sources.FusedQKV: (8, "token", "channel"),
    sources.Groups: (8, "token", "group32"),
    sources.Binary: (8, "tensor", "tensor"),
    sources.BinaryWhere: (8, "token", "tensor"),
}
# Export options, and whether the layers have a bias.
DYNAMIC = {
    "dynamo": ({"dynamic": (0,)}, True),
    "TorchScript, rank 3": ({"dynamo": False, "shape": (2, 3, 64), "dynamic": (0, 1)}, False),
}
STATIC = {
    "dynamo, static, rank 3": ({"shape": (2, 3, 64)}, False),
    "TorchScript, static": ({"dynamo": False}, True),
}
CASES = [(source, export) for source in SOURCES for export in DYNAMIC]
CASES += [(s, e) for s in (sources.AutoOnline, sources.Packed, sources.Kyegomez, sources.FusedQKV) for e in STATIC]


@pytest.mark.parametrize("source, export", CASES, ids=lambda value: getattr(value, "__name__", value))
def test_source(source, export, tmp_path):
    options, bias = {**DYNAMIC, **STATIC}[export]
    module = models.seeded(lambda: models.mlp(SIZES, source, bias=bias))
    path = models.export(module, tmp_path / "model.onnx", **options)
    comparison = ties.Comparison(path)
    found = comparison.model.report["bitlinear"]
    assert found["rejected"] == []
    assert found["found"] == 2
    bits, activations, weights = SOURCES[source]
    for layer in found["layers"]:
        assert (layer["activation_bits"], layer["activation_granularity"]) == (bits, activations)
        assert layer["weight_granularity"] == weights
        assert layer["weight_error"] < 1e-6
    assert found["packed"] == 2
    shape = list(options.get("shape", (2, 64)))
    for axis in options.get("dynamic", ()):
        shape[axis] += 3
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal(shape, np.float32)
        comparison.check(x)
        comparison.check(x * np.float32(1e3))
