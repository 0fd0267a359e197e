"""Whole models of transformers (wholes.py), exported by torch, compiled, beside onnxruntime."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import ties  # noqa: E402
import wholes  # noqa: E402

# name: exports, as (exporter, opset). What takes a sequence takes it in three lengths, also of one token. TorchScript
# cannot export decoders without past; below opset 14 it knows no attention, and at 7 it keeps BatchNormalization.
DYNAMO, NEWER, SCRIPT = ("dynamo", 18), ("dynamo", 23), ("TorchScript", 14)
CASES = {
    "bitnet": [DYNAMO],
    "bitnet_past": [DYNAMO],
    "bitnet_packed_past": [DYNAMO],
    "llama_bitlinear": [DYNAMO],
    "llama_bitlinear_past": [DYNAMO],
    "llama": [DYNAMO],
    "llama_past": [DYNAMO],
    "qwen2": [DYNAMO],
    "qwen2_past": [DYNAMO],
    "gpt2": [DYNAMO],
    "gpt2_past": [NEWER, SCRIPT],
    "bert_masked": [DYNAMO],
    "vit": [DYNAMO],
    "t5": [NEWER, SCRIPT],
    "whisper": [DYNAMO],
    "resnet": [DYNAMO, ("TorchScript", 7)],
    "convnext": [DYNAMO],
    "unet": [DYNAMO, ("TorchScript", 11)],
}
# Two layers with q, k, v, o and three of the FFN. The head stays float.
BITLINEAR = dict.fromkeys(
    ["bitnet", "bitnet_past", "bitnet_packed_past", "llama_bitlinear", "llama_bitlinear_past"], 14
)
SIZES = [
    {"batch": 2, "sequence": 7, "past": 5},
    {"batch": 1, "sequence": 1, "past": 0},
    {"batch": 3, "sequence": 12, "past": 9},
]


def draw(argument, sizes, rng):
    """Values for an input of the model."""
    shape = [sizes.get(d, d) for d in argument.shape]
    if "mask" in argument.name:
        mask = np.ones(shape, np.int64)
        mask[-1, shape[1] // 2 + 1 :] = 0
        return mask
    if argument.dtype == "int64":
        return rng.integers(0, wholes.VOCABULARY, shape)
    return rng.standard_normal(shape).astype(np.float32)


def compare_with(reference, model, values):
    """Compares outputs with those of an onnxruntime session, or of the file to make one from."""
    if not hasattr(reference, "run"):
        reference = ties.reference(reference)
    for ours, expected in zip(model.run(values).values(), reference.run(None, values), strict=True):
        assert ours.shape == expected.shape and ours.dtype == expected.dtype
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    "name, exporter, opset", [(name, *export) for name, exports in CASES.items() for export in exports]
)
def test_whole_model(name, exporter, opset, tmp_path):
    module, inputs, dims = wholes.make(name)
    path = wholes.export(module, inputs, dims, tmp_path / "model.onnx", opset, exporter == "dynamo")
    assert path.stat().st_size < 5e6
    # One level that every machine with AVX2 runs: what levels have in common is tested elsewhere.
    options = {"level": ["x86-64-v3"], "report": tmp_path / "report.json"}
    comparison = ties.Comparison(path, **options) if name in BITLINEAR else None
    model = comparison.model if comparison else ties.compiled(path, **options)
    report = json.loads((tmp_path / "report.json").read_text())
    # Every size follows from the inputs' dims: all temporaries lie in the arena.
    assert report["allocations"] == 0
    found = report["bitlinear"]
    assert found["packed"] == BITLINEAR.get(name, 0)
    assert {layer["activation_bits"] for layer in found["layers"]} <= {8}
    reference = ties.reference(path)
    for seed, sizes in enumerate(SIZES):
        rng = np.random.default_rng(seed)
        values = {i.name: draw(i, sizes, rng) for i in model.inputs}
        if comparison:
            comparison.check(*values.values())
            continue
        compare_with(reference, model, values)


@pytest.mark.parametrize(
    "name, exporter, opset", [("resnet", "dynamo", 18), ("unet", "dynamo", 18), ("unet", "TorchScript", 11)]
)
def test_static_sizes(name, exporter, opset, tmp_path):
    """The same with all sizes known: windows and resizing compute none at run time."""
    module, inputs, _ = wholes.make(name)
    path = wholes.export(module, inputs, {}, tmp_path / "model.onnx", opset, exporter == "dynamo")
    compare_with(path, ties.compiled(path, level=["x86-64-v3"]), {k: v.numpy() for k, v in inputs.items()})


def test_image_sizes(tmp_path):
    """A U-Net whose images are of any size."""
    module, inputs, _ = wholes.make("unet")
    dims = {"x": {0: "batch", 2: "height", 3: "width"}}
    path = wholes.export(module, inputs, dims, tmp_path / "model.onnx", 14, dynamo=False)
    model = ties.compiled(path, level=["x86-64-v3"])
    for seed, shape in enumerate([(2, 3, 16, 24), (1, 3, 4, 4), (1, 3, 28, 12)]):
        compare_with(path, model, {"x": np.random.default_rng(seed).standard_normal(shape).astype(np.float32)})
