"""Rows too small for their scale, or for a step of more than a few bits: codes are the graph's to the last one.

The weight is the identity, so that the outputs of a layer are what each of its activations became.
"""

import numpy as np
import pytest
import quantizers
import ties
from graphs import Graph

K = 8
LEAST = 2.0**-149  # the smallest subnormal


def rows(seed=0):
    """Rows whose largest magnitudes are 1, 2, 3, ... smallest subnormals, then longer ones up to 1e-35."""
    rng = np.random.default_rng(seed)
    largest = np.concatenate([np.arange(1, 500), np.geomspace(500, 1e-35 / LEAST, 300).round()])
    x = np.ceil(rng.uniform(-1, 1, (len(largest), K)) * largest[:, None])
    x[np.arange(len(x)), rng.integers(0, K, len(x))] = largest * rng.choice([-1, 1], len(x))
    x[::3, :4] = np.where(x[::3, :4] == 0, LEAST, x[::3, :4])
    x[::5, 3] = 0
    return (x * LEAST).astype(np.float32)


def step_of(g, a, q, form):
    """The step d: a / Q, or a * (1 / Q)."""
    if form == "inverse_mul":
        return g.op("Mul", a, g.const(np.float32(1) / np.float32(q)))
    return g.op("Div", a, g.const(q))


# Every form of a scale: a function of graph, activations, their largest magnitude and Q.
SCALES = {
    "recip_mul": lambda g, x, a, q: g.op("Mul", x, g.op("Mul", g.op("Reciprocal", a), g.const(q))),
    "div": lambda g, x, a, q: g.op("Mul", x, g.op("Div", g.const(q), a)),
    "recip_step": lambda g, x, a, q: g.op("Mul", x, g.op("Reciprocal", g.op("Div", a, g.const(q)))),
    "inverse": lambda g, x, a, q: g.op("Div", x, step_of(g, a, q, "inverse")),
    "inverse_mul": lambda g, x, a, q: g.op("Div", x, step_of(g, a, q, "inverse_mul")),
    "div_mul": lambda g, x, a, q: g.op("Mul", g.op("Div", x, a), g.const(q)),
    "mul_div": lambda g, x, a, q: g.op("Div", g.op("Mul", x, g.const(q)), a),
    "norm_mul": lambda g, x, a, q: g.op("Mul", g.op("Mul", x, g.op("Reciprocal", a)), g.const(q)),
    "mul_norm": lambda g, x, a, q: g.op("Mul", g.op("Mul", x, g.const(q)), g.op("Reciprocal", a)),
}
CLAMPS = {"bits": lambda q: (-q - 1, q), "byte": lambda q: (-128.0, 127.0), "wide": lambda q: (-300.0, 300.0)}


@pytest.mark.parametrize("clamp", [*CLAMPS, None])
@pytest.mark.parametrize("q", [127.0, 64.0, 7.0])
def test_codes(q, clamp, tmp_path):
    g, outputs = Graph(), {}
    for form, scale in SCALES.items():
        a = quantizers.absmax(g, "x")
        codes = g.op("Round", scale(g, "x", a, q))
        if clamp:
            codes = quantizers.clip(g, codes, *CLAMPS[clamp](q))
        y = g.op("MatMul", g.op("Mul", codes, step_of(g, a, q, form)), g.const(np.eye(K)))
        outputs[y] = ["batch", K]
    path = g.save(tmp_path / "model.onnx", {"x": ["batch", K]}, outputs)
    model = ties.compiled(path)
    bits = {f: layer["activation_bits"] for f, layer in zip(SCALES, model.report["bitlinear"]["layers"], strict=True)}
    if clamp in ("bits", "byte"):
        assert all(bits.values())
    elif clamp is None:
        # The other forms have infinite codes, which a finite step multiplies.
        assert {f for f in bits if bits[f]} == {"div_mul"}.union(["inverse", "inverse_mul"] if q < 85 else [])
    x = rows()
    for name, ours, theirs in zip(SCALES, model(x), ties.reference(path).run(None, {"x": x}), strict=True):
        np.testing.assert_array_equal(ours, theirs, name)


@pytest.mark.parametrize("shape", [["batch", K], ["batch", 5, K], [800, K]], ids=str)
@pytest.mark.parametrize("place", ["before", "after"])
def test_tensor(place, shape, tmp_path):
    """One scale for all rows, an infinite one: those with zeros are NaN, the others are not."""
    g = Graph()
    s = g.op("Div", g.const(127.0), quantizers.absmax(g, "x", ()))
    codes, identity = quantizers.codes(g, "x", s), g.const(np.eye(K))
    if place == "before":
        y = g.op("MatMul", g.op("Div", codes, s), identity)
    else:
        y = g.op("Div", g.op("MatMul", codes, identity), s)
    path = g.save(tmp_path / "model.onnx", {"x": shape}, {y: shape})
    model, reference = ties.compiled(path), ties.reference(path)
    (layer,) = model.report["bitlinear"]["layers"]
    assert (layer["activation_granularity"], layer["activations_declined"]) == ("tensor", "")
    everything = np.concatenate([rows(), np.full((1, K), LEAST, np.float32)])
    assert len(everything) == 800
    for factor in (1e-8, 1e-3, 1e10):
        x = (everything * np.float32(factor)).reshape([-1 if d == "batch" else d for d in shape])
        ours, theirs = model(x), reference.run(None, {"x": x})[0]
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=0)
        assert np.isnan(ours).any() == (factor < 1) and np.isfinite(ours).any()
    if shape[0] == "batch":
        empty = np.zeros([0, *shape[1:]], np.float32)
        assert model(empty).shape == empty.shape
