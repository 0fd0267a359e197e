"""Random layers, several in a model, against onnxruntime without optimizations: code by code, up to proven ties.

Outside of the test, `check(seed, folder)` runs any other model.
"""

import json

import numpy as np
import pytest
import random_quantizers
import ties
from graphs import Graph

LAYERS = 8
MODELS = 8
# One level compiles in half the time; the others compute the same (test_exports.py).
LEVEL = "x86-64-v3"


def write(path, seeds, rank, is_dynamic):
    """One model: a layer for each seed, all on the same x; returns the recipes."""
    g, outputs = Graph(), {}
    rows = (["batch", "tokens"] if is_dynamic else [3, 4])[: rank - 1]
    recipes = [{**random_quantizers.draw(seed), "rank": rank} for seed in seeds]
    for recipe in recipes:
        y = random_quantizers.Layer(g, "x", recipe).build()
        outputs[y] = [*rows, recipe["n"]]
    g.save(path, {"x": [*rows, random_quantizers.K]}, outputs)
    return recipes


def inputs(rank, seed):
    """Name, x and its size: ordinary ones, large and small ones, and one with a row of zeros and one of an outlier."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((4, 3, 4, random_quantizers.K)).astype(np.float32)
    x = x if rank == 3 else x[:, :, 0]
    yield "ordinary", x[0], 1
    yield "large", x[1] * np.float32(1e3), 1e3
    yield "small", x[2] * np.float32(1e-3), 1e-3
    x[3, 1] = 0
    x[3, 2, ..., 5] = 300
    yield "edge", x[3], 300


def differing(ours, theirs, size):
    """The indices of outputs that differ by more than roundings."""
    return [
        i
        for i, (a, b) in enumerate(zip(ours, theirs))
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-4, atol=2e-4 * size, equal_nan=True)
    ]


def check(seed, tmp_path):
    """Compiles and compares the model of a seed; returns what the report says of its layers, and the recipes."""
    rank, is_dynamic = 2 + seed % 2, seed // 2 % 2 == 1
    path = tmp_path / "model.onnx"
    recipes = write(path, range(seed * LAYERS, (seed + 1) * LAYERS), rank, is_dynamic)
    options = {"level": LEVEL, "report": tmp_path / "report.json"}
    model, reference = ties.compiled(path, **options), ties.reference(path)
    for name, x, size in inputs(rank, seed):
        found = differing(model(x), reference.run(None, {"x": x}), size)
        if not found:
            continue
        # A tie is proven on the values that are rounded.
        for i in found:
            alone = tmp_path / f"layer{i}.onnx"
            write(alone, [recipes[i]["seed"]], rank, is_dynamic)
            try:
                ties.Comparison(alone, level=LEVEL).check(x, atol=2e-4 * size)
            except AssertionError as error:
                pytest.fail(f"{error}\n{name} x of model {seed}\n{recipes[i]}")
    return json.loads((tmp_path / "report.json").read_text())["bitlinear"], recipes


@pytest.mark.parametrize("seed", range(MODELS))
def test_random_layers(seed, tmp_path):
    report, recipes = check(seed, tmp_path)
    assert report["found"] == len(recipes) and report["rejected"] == []
    assert any(layer["activation_bits"] > 0 for layer in report["layers"])
