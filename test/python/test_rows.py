"""Rows whose size shape inference does not know: the product's weight says it, and the run checks it."""

import json

import numpy as np
import pytest
import ties
from graphs import Graph, quantize_activation
from test_weights import microsoft, ternary

import bit_mlir as bm

K, N = 64, 24


def heads(g):
    """What a decoder does: [b, 4, s, 16] to [b, s, 4 * 16], b and s taken from the input."""
    rows = g.op("Transpose", "x", perm=[0, 2, 1, 3])
    parts = [g.op("Shape", rows, start=i, end=i + 1) for i in range(2)]
    return g.op("Reshape", rows, g.op("Concat", *parts, g.const([-1], np.int64), axis=0))


PRODUCTS = {
    "MatMul": lambda g, r, x: g.op("MatMul", x, g.const(ternary(r, K, N))),
    "quantized": lambda g, r, x: g.op("MatMul", quantize_activation(g, x), g.const(ternary(r, K, N))),
    "behind Relu": lambda g, r, x: g.op("MatMul", g.op("Relu", x), g.const(ternary(r, K, N))),
    "FusedMatMul": lambda g, r, x: microsoft(g, "FusedMatMul", x, g.const(ternary(r, N, K)), transB=1),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_flattened_heads(name, tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    y = PRODUCTS[name](g, rng, heads(g))
    path = g.save(tmp_path / "model.onnx", {"x": ["b", 4, "s", 16]}, {y: ["b", "s", N]}, opset=21)
    comparison = ties.Comparison(path, report=tmp_path / "report.json", level=["x86-64-v3"])
    assert json.loads((tmp_path / "report.json").read_text())["bitlinear"]["packed"] == 1
    for b, s in (2, 5), (1, 1), (3, 2):
        comparison.check(rng.standard_normal((b, 4, s, 16)).astype(np.float32))


def test_other_size_is_an_error(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    y = PRODUCTS["quantized"](g, rng, "x")
    path = g.save(tmp_path / "model.onnx", {"x": ["m", "k"]}, {y: ["m", N]}, opset=21)
    model = ties.compiled(path, report=tmp_path / "report.json", level=["x86-64-v3"])
    assert json.loads((tmp_path / "report.json").read_text())["bitlinear"]["packed"] == 1
    assert model(np.ones((3, K), np.float32)).shape == (3, N)
    for k in (1, K - 1, K + 1, 0):
        with pytest.raises(bm.RunError, match="MatMul"):
            model(np.ones((3, k), np.float32))
