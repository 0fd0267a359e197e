"""Models that onnxsim or onnxruntime's offline optimizer rewrote have the layers they had, and answer as before."""

import json

import onnx
import pytest

torch = pytest.importorskip("torch")
onnxsim = pytest.importorskip("onnxsim")

import models  # noqa: E402
import sources  # noqa: E402
import ties  # noqa: E402
from test_recognition import CASES, FLOAT_CASES, input_like  # noqa: E402

LEVELS = ties.onnxruntime.GraphOptimizationLevel


def simplify(source, target):
    """onnxsim: shapes inferred, constants folded, nodes fused."""
    model, is_valid = onnxsim.simplify(onnx.load(source))
    assert is_valid
    onnx.save(model, target)


def optimize(source, target):
    """onnxruntime's offline optimizer, with its own operators; ORT_ENABLE_ALL is in test_recognition.py."""
    session = ties.onnxruntime.SessionOptions()
    session.graph_optimization_level = LEVELS.ORT_ENABLE_EXTENDED
    session.optimized_model_filepath = str(target)
    session.log_severity_level = 3
    ties.onnxruntime.InferenceSession(str(source), session, providers=["CPUExecutionProvider"])


def source(layer, **options):
    """Two layers of sources.py."""
    return lambda: models.mlp((64, 160, 32), layer, bias=True), 2, options


ROWS = {"shape": (2, 3, 64), "dynamic": (0, 1)}
# name: (module, layers, export options)
MODELS = {
    **{
        name: {**CASES, **FLOAT_CASES}[name]
        for name in (
            "train, rank 3",
            "opset 23, RMSNorm",
            "TorchScript",
            "for inference",
            "shared quantizer",
            "float activations",
        )
    },
    "packed": source(sources.Packed, dynamic=(0,)),
    "BitLab, TorchScript": source(sources.BitLab, dynamo=False, **ROWS),
    "kyegomez": source(sources.Kyegomez, **ROWS),
    "fused": source(sources.FusedQKV, dynamic=(0,)),
    "groups": source(sources.Groups, dynamic=(0,)),
}


@pytest.mark.parametrize("name", MODELS)
def test_rewritten(name, tmp_path):
    make, layers, options = MODELS[name]
    path = models.export(models.seeded(make), tmp_path / "plain.onnx", **options)
    bits = 0 if name in FLOAT_CASES else 8
    for rewrite in (simplify, optimize):
        target, report = tmp_path / f"{rewrite.__name__}.onnx", tmp_path / "report.json"
        rewrite(path, target)
        comparison = ties.Comparison(target, level=["x86-64-v3"], report=report)
        found = json.loads(report.read_text())["bitlinear"]
        assert found["found"] == found["packed"] == layers and found["rejected"] == [], rewrite.__name__
        for layer in found["layers"]:
            assert layer["activation_bits"] == bits and layer["weight_error"] < 1e-6, rewrite.__name__
        for seed in range(2):
            comparison.check(input_like(options, seed))
