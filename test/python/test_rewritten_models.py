"""Whole models after onnxruntime's offline optimizer and its quantizers rewrote them.

What the optimizer wrote must answer like the model it came from. What a quantizer wrote is compared with onnxruntime's
own run of the same file: all but few outputs agree to float accuracy, and one code that fell to the other side of the
middle moves some others a little.
"""

import os

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxruntime.quantization")

import ties  # noqa: E402
import wholes  # noqa: E402
from onnxruntime import quantization  # noqa: E402
from test_whole_models import SIZES, compare_with, draw  # noqa: E402

LEVELS = onnxruntime.GraphOptimizationLevel
# name: exports, as (exporter, opset)
DYNAMO, SCRIPT = ("dynamo", 18), ("TorchScript", 14)
MODELS = [
    ("bert_masked", *SCRIPT),
    ("gpt2_past", *DYNAMO),
    ("vit", *DYNAMO),
    ("resnet", *SCRIPT),
    ("unet", *SCRIPT),
]

# Masks of -3.4e38 get an infinite scale, so that what comes out is anyone's: only models without one.
QUANTIZED = [
    ("bert_masked", *SCRIPT, "dynamic"),
    ("resnet", *SCRIPT, "dynamic"),
    ("vit", *DYNAMO, "QDQ"),
    ("resnet", *SCRIPT, "QDQ"),
    ("gpt2_past", *DYNAMO, "QOperator"),
    ("vit", *SCRIPT, "QOperator"),
    ("unet", *SCRIPT, "QOperator"),
]


def optimize(source, target):
    """ORT_ENABLE_EXTENDED; what ORT_ENABLE_ALL makes of convolutions is one machine's own layout."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = LEVELS.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = os.fspath(target)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(os.fspath(source), options, providers=["CPUExecutionProvider"])


class Samples(quantization.CalibrationDataReader):
    """What ranges are measured with."""

    def __init__(self, samples):
        """Reads `samples` once."""
        self.samples = iter(samples)

    def get_next(self):
        """Returns the next one, or None."""
        return next(self.samples, None)


def quantize(source, target, form, samples):
    """quantize_dynamic, or quantize_static in either of its forms."""
    if form == "dynamic":
        quantization.quantize_dynamic(source, target)
    else:
        kind = quantization.QuantFormat.QDQ if form == "QDQ" else quantization.QuantFormat.QOperator
        # onnxruntime truncates a linear Resize of integers, which the reference and bit-mlir round.
        resizes = [node.name for node in onnx.load(source).graph.node if node.op_type == "Resize"]
        quantization.quantize_static(source, target, Samples(samples), kind, nodes_to_exclude=resizes)


def exported(name, exporter, opset, tmp_path):
    module, inputs, dims = wholes.make(name)
    return wholes.export(module, inputs, dims, tmp_path / "model.onnx", opset, exporter == "dynamo")


def samples_of(arguments, count=2):
    """Values for the inputs, in sizes of SIZES."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        yield {i.name: draw(i, SIZES[seed], rng) for i in arguments}


@pytest.mark.parametrize("name, exporter, opset", MODELS)
def test_optimized(name, exporter, opset, tmp_path):
    path = exported(name, exporter, opset, tmp_path)
    optimize(path, tmp_path / "optimized.onnx")
    model = ties.compiled(tmp_path / "optimized.onnx", level=["x86-64-v3"])
    for values in samples_of(model.inputs):
        compare_with(path, model, values)


@pytest.mark.parametrize("name, exporter, opset, form", QUANTIZED)
def test_quantized(name, exporter, opset, form, tmp_path):
    path = exported(name, exporter, opset, tmp_path)
    target = tmp_path / "quantized.onnx"
    arguments = ties.compiled(path, level=["x86-64-v3"]).inputs
    quantize(path, target, form, samples_of(arguments, 1))
    own = ties.reference(target)
    for rewrite in (None, optimize):
        if rewrite:
            rewrite(target, tmp_path / "optimized.onnx")
            target = tmp_path / "optimized.onnx"
        model = ties.compiled(target, level=["x86-64-v3"])
        for values in samples_of(model.inputs):
            for ours, theirs in zip(model.run(values).values(), own.run(None, values), strict=True):
                assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
                error = np.abs(ours - theirs) / np.abs(theirs).max()
                assert error.max() <= 0.05 and np.median(error) <= 1e-5
