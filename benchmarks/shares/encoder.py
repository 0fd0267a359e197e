"""An encoder of BitLinear layers, 12 of 768 with an FFN of 3072 and 128 tokens, beside onnxruntime on its graph."""

import contextlib
import io
import statistics
import time
import warnings

import numpy as np
import onnxruntime
import torch
from float_models import Encoder
from torch import nn

import bit_mlir as bm

from . import rows as r

# Codes flip where a value lies between two of them, so outputs agree on the whole only: |difference| / |output|.
TOLERANCE = 0.1


def ternary(module):
    """Puts a BitLinear in the place of each linear layer and returns how many there are."""
    count = 0
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, bm.nn.BitLinear(child.in_features, child.out_features))
            count += 1
        else:
            count += ternary(child)
    return count


def export(path, layers, hidden, ffn, heads, sequence):
    """Writes the model; returns its input and how many products are ternary."""
    torch.manual_seed(0)
    module = Encoder(layers, hidden, ffn, heads, sequence)
    count = ternary(module)
    x = torch.randint(0, 1000, (1, sequence))
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), (x,), str(path), input_names=["x"], output_names=["y"], dynamo=True, external_data=False
        )
    return np.ascontiguousarray(x.numpy()), count


def sample(calls, seconds):
    """CPU seconds of each call, at least 5 of each; they take turns."""
    times = [[] for _ in calls]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for call, spent in zip(calls, times):
            begin = time.thread_time()
            call()
            spent.append(time.thread_time() - begin)
    return times


def run(options, levels, folder, seconds):
    """A row of every level and one of onnxruntime, one thread."""
    path, library = folder / "encoder.onnx", folder / "encoder.so"
    x, count = export(path, **options)
    report = bm.compile(path, output=library, threads=1).report
    if report["bitlinear"]["packed"] != count:
        raise RuntimeError(f"encoder: expects {count} packed layers, got {report['bitlinear']['packed']}")
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), session_options, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})[0]
    models = {("onnxruntime", ""): lambda: session.run(None, {"x": x})}
    for level in levels:
        try:
            model = bm.load(library, threads=1, level=level)
        except bm.Error:
            continue
        error = np.linalg.norm(model(x) - expected) / np.linalg.norm(expected)
        if not error <= TOLERANCE:
            raise RuntimeError(f"encoder: {level}: output differs by {error:.2f} of its norm")
        models["ours", level] = lambda model=model: model(x)
    rows = []
    for (layout, level), spent in zip(models, sample(list(models.values()), seconds)):
        us = [r.rounded(value * 1e6) for value in statistics.quantiles(spent, n=4, method="inclusive")]
        row = {"form": "encoder", "shape": f"{options['hidden']}x{options['ffn']}", "layout": layout, "level": level}
        row.update(cache="hot", threads=1, m=options["sequence"], us=us, samples=len(spent))
        rows.append(row)
    return rows
