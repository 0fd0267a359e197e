"""Products by ternary weights on activations of other ranks than two, static and dynamic, many in one model."""

import json

import numpy as np
import pytest
import ties
from graphs import Graph, quantize_activation
from onnx import TensorProto, helper
from test_weights import microsoft, n_bits, ternary

K, N = 64, 24


def integers(g, rng):
    """Codes of DynamicQuantizeLinear by int8 weights."""
    g.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["codes", "scale", "zero"], name="node_quantize"))
    product = g.op("MatMulInteger", "codes", g.const(rng.integers(-1, 2, (K, N)), np.int8), "zero")
    return g.op("Mul", g.op("Cast", product, to=TensorProto.FLOAT), "scale")


def dequantized(g, rng):
    """A weight of four bits behind DequantizeLinear, a scale a column."""
    g.constants["w4"] = helper.make_tensor("w4", TensorProto.INT4, (K, N), rng.integers(-1, 2, K * N))
    w = g.op("DequantizeLinear", "w4", g.const(rng.random(N)), axis=1)
    return g.op("MatMul", "x", w)


PRODUCTS = {
    "MatMul": lambda g, r: g.op("MatMul", "x", g.const(ternary(r, K, N))),
    "quantized": lambda g, r: g.op("MatMul", quantize_activation(g, "x"), g.const(ternary(r, K, N))),
    "bias": lambda g, r: g.op("Add", g.op("MatMul", "x", g.const(ternary(r, K, N))), g.const(r.random(N))),
    "weight with leading ones": lambda g, r: g.op("MatMul", "x", g.const(ternary(r, *([1] * g.ones), K, N))),
    "Einsum": lambda g, r: g.op("Einsum", "x", g.const(ternary(r, N, K)), equation="...k,nk->...n"),
    "FusedMatMul": lambda g, r: microsoft(g, "FusedMatMul", "x", g.const(ternary(r, N, K)), transB=1, alpha=0.3),
    "MatMulNBits": lambda g, r: n_bits(g, r, 2),
    "MatMulInteger": integers,
    "DequantizeLinear": dequantized,
}
SHAPES = {
    "1": [K],
    "3": [2, 3, K],
    "3, dynamic": ["a", "b", K],
    "4": [2, 1, 3, K],
    "4, dynamic": ["a", 2, "b", K],
}


@pytest.mark.parametrize("rank", SHAPES)
def test_rank(rank, tmp_path):
    shape = SHAPES[rank]
    g, rng = Graph(), np.random.default_rng(0)
    # The weight may not have a higher rank than the activations without changing the result's.
    g.ones = max(len(shape) - 2, 0)
    outputs = {make(g, rng): [*shape[:-1], N] for make in PRODUCTS.values()}
    path = g.save(tmp_path / "model.onnx", {"x": shape}, outputs, opset=21)
    comparison = ties.Comparison(path, report=tmp_path / "report.json", level=["x86-64-v3"])
    found = json.loads((tmp_path / "report.json").read_text())["bitlinear"]
    assert found["rejected"] == [] and found["packed"] == len(PRODUCTS)
    for seed in range(2):
        sizes = [{"a": 3, "b": 4 + seed}.get(d, d) for d in shape]
        values = np.random.default_rng(seed).standard_normal(sizes).astype(np.float32)
        if rank == "1":
            # No batch to follow.
            theirs = ties.reference(path).run(None, {"x": values})
            for ours, expected in zip(comparison.model(values), theirs, strict=True):
                np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)
        else:
            comparison.check(values)
