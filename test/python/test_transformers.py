"""The BitLinear modules of transformers themselves, exported by both exporters, compiled, beside onnxruntime."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import models  # noqa: E402
import ties  # noqa: E402
import wholes  # noqa: E402
from transformers.integrations import bitnet  # noqa: E402

# Weights over 8,192 elements stay chains in the graph, smaller ones are folded.
SIZES = (64, 160, 32)
# Options of the export, and whether layers have a bias.
EXPORTS = {
    "dynamo": ({"dynamic": (0,)}, True),
    "dynamo, static, rank 3": ({"shape": (2, 3, 64)}, False),
    "TorchScript, rank 3": ({"dynamo": False, "shape": (2, 3, 64), "dynamic": (0, 1)}, False),
    "TorchScript, static": ({"dynamo": False}, True),
}
CASES = list(itertools.product(wholes.KINDS, EXPORTS))


@pytest.fixture
def undecorated(monkeypatch):
    """Without torch.compile around their functions, which TorchScript's trace refuses to look into."""
    places = [(bitnet, "unpack_weights")]
    places += [(bitnet.BitLinear, name) for name in ("activation_quant", "post_quant_process")]
    places += [(owner, "forward") for owner in (bitnet.WeightQuant, bitnet.ActQuant)]
    for owner, name in places:
        function = getattr(owner, name)._torchdynamo_orig_callable
        is_method = owner in (bitnet, bitnet.BitLinear)
        monkeypatch.setattr(owner, name, function if is_method else staticmethod(function))


@pytest.mark.parametrize("kind, how", CASES)
def test_module(kind, how, undecorated, tmp_path):
    options, bias = EXPORTS[how]
    layers = [torch.nn.Linear(k, n, bias=bias) for k, n in itertools.pairwise(SIZES)]
    module = models.seeded(lambda: torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1]))
    wholes.to_bitlinear(module, kind)
    path = models.export(module.eval(), tmp_path / "model.onnx", **options)
    comparison = ties.Comparison(path)
    found = comparison.model.report["bitlinear"]
    assert found["found"] == found["packed"] == 2 and found["rejected"] == []
    for layer in found["layers"]:
        assert (layer["activation_bits"], layer["activation_granularity"]) == (8, "token")
        assert layer["weight_granularity"] == "tensor" and layer["weight_error"] < 1e-6
    shape = list(options.get("shape", (2, 64)))
    for axis in options.get("dynamic", ()):
        shape[axis] += 3
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal(shape, np.float32)
        comparison.check(x)
        comparison.check(x * np.float32(1e3))
