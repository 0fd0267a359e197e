"""Whole models have the same bits at every level and thread count, and for any split of their batch."""

import pathlib

import numpy as np
import onnx
import pytest
import same

# scripts/setup --no-torch leaves both out, and with them what exports these models.
torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import test_whole_models  # noqa: E402
import wholes  # noqa: E402

from bit_mlir.model import TensorInfo  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
# One of each kind: caches, packed weights, grouped heads, masks, images, convolutions.
SOME = [
    "bitnet_past",
    "llama_bitlinear",
    "qwen2_past",
    "gpt2",
    "bert_masked",
    "vit",
    "t5",
    "resnet",
    "convnext",
    "unet",
]
CASES = test_whole_models.CASES
NAMES = list(CASES) if same.FULL else SOME
SIZES = [{"batch": 4, "sequence": 7, "past": 5}, {"batch": 2, "sequence": 1, "past": 0}]


def draw(path, sizes, rng):
    """Inputs of a model by its file."""
    names = {1: "float32", 7: "int64"}
    feed = []
    for value in onnx.load(path, load_external_data=False).graph.input:
        kind = value.type.tensor_type
        shape = [dim.dim_param or dim.dim_value for dim in kind.shape.dim]
        argument = TensorInfo(value.name, names[kind.elem_type], shape)
        feed.append(test_whole_models.draw(argument, sizes, rng))
    return feed


@pytest.mark.parametrize("name", NAMES)
def test_whole(name, tmp_path):
    module, inputs, dims = wholes.make(name)
    exporter, opset = CASES[name][0]
    path = wholes.export(module, inputs, dims, tmp_path / "exported.onnx", opset, exporter == "dynamo")
    feeds = [draw(path, sizes, np.random.default_rng(seed)) for seed, sizes in enumerate(SIZES)]
    model = onnx.load(path)
    parts = [value.name for value in model.graph.output]
    found = same.check(same.Item(name, model, feeds, parts, batch="batch"), str(tmp_path))
    assert not found, "\n".join(found[:20])


def test_digits(tmp_path):
    model = onnx.load(ROOT / "examples/digits/digits-small.onnx")
    image = np.load(ROOT / "examples/digits/sample.npz")["pixels"].astype(np.float32) / 16
    assert same.check(same.Item("digits", model, [[image]]), str(tmp_path)) == []
