"""Binary weights take one bit each, and their products are exact at every level, whatever the shape."""

import json

import numpy as np
import pytest
from graphs import Graph
from ternary import quantize
from ties import Comparison, compiled

import bit_mlir as bm

LEVELS = ("x86-64-v3", "avx512vnni")

# N, K: rows around groups of 16 and blocks of 64, columns around planes of 4, steps of 32 and what sums of i16 hold.
SHAPES = [
    (1, 1),
    (1, 40),
    (3, 5),
    (16, 32),
    (17, 31),
    (20, 33),
    (33, 64),
    (63, 27),
    (64, 129),
    (65, 100),
    (130, 515),
    (70, 1057),
]
TOKENS = (1, 2, 3, 4, 5, 16, 33)


def signs(rng, *shape):
    return np.where(rng.random(shape) < 0.5, np.float32(-1), np.float32(1))


def quantized(g, x):
    """Codes by the largest magnitude of a row, as values again."""
    largest = g.op("ReduceMax", g.op("Abs", x), g.const([-1], np.int64), keepdims=1)
    scale = g.op("Div", g.const(127.0), g.op("Max", largest, g.const(1e-5)))
    return g.op("Div", g.op("Clip", g.op("Round", g.op("Mul", x, scale)), g.const(-128.0), g.const(127.0)), scale)


def write(path, weights, activation=lambda g, x: x):
    """y_i = x_i w_i^T + b_i for each w [N, K]."""
    g, inputs, outputs = Graph(), {}, {}
    for i, w in enumerate(weights):
        bias = np.arange(len(w), dtype=np.float32)
        y = g.op("Gemm", activation(g, f"x{i}"), g.const(w), g.const(bias), transB=1)
        inputs[f"x{i}"], outputs[y] = ["batch", w.shape[1]], ["batch", len(w)]
    return g.save(path, inputs, outputs)


def packed_bytes(n, k, step=32):
    return -(-n // 16) * -(-k // step) * 64


def layers(tmp_path):
    return json.loads((tmp_path / "report.json").read_text())["bitlinear"]["layers"]


@pytest.mark.parametrize("activation", [lambda g, x: x, quantized], ids=["float", "codes"])
def test_products(activation, tmp_path):
    rng = np.random.default_rng(0)
    # A scale of 2^-n for each output: every result is a float.
    weights = [signs(rng, n, k) * np.float32(2) ** -rng.integers(0, 4, (n, 1)) for n, k in SHAPES]
    library = tmp_path / "m.so"
    compiled(write(tmp_path / "m.onnx", weights, activation), report=tmp_path / "report.json")
    for (n, k), layer in zip(SHAPES, layers(tmp_path), strict=True):
        assert (layer["n"], layer["k"], layer["weight_scheme"]) == (n, k, "binary")
        assert layer["kernel"].endswith("p1")
        assert layer["packed_bytes"] == packed_bytes(n, k)
        assert layer["bits_per_weight"] == pytest.approx(8 * packed_bytes(n, k) / (n * k))
    tried = 0
    for level in LEVELS:
        try:
            model = bm.load(library, level=level)
        except bm.Error:
            continue
        tried += 1
        for m in TOKENS:
            xs = [rng.integers(-127, 128, (m, k)).astype(np.float32) for _, k in SHAPES]
            for x in xs:
                # The scale of the codes is 1.
                x[:, 0] = 127
            for w, x, y in zip(weights, xs, model(*xs), strict=True):
                np.testing.assert_array_equal(y, x @ w.T + np.arange(len(w)), f"{level}, {w.shape}, {m}")
    assert tried


# A step has 32 k and one scale a row, so scales for each 16 k need 2 bits; in all others the report says 1.
@pytest.mark.parametrize("size, kernel", [(16, "p2"), (32, "p1"), (64, "p1"), (128, "p1")])
def test_scales_along_k(size, kernel, tmp_path):
    rng = np.random.default_rng(size)
    w = signs(rng, 37, 4, size) * rng.random((37, 4, 1)).astype(np.float32)
    path = write(tmp_path / "m.onnx", [w.reshape(37, 4 * size)], quantized)
    comparison = Comparison(path, report=tmp_path / "report.json")
    compiled(path, report=tmp_path / "report.json")
    (layer,) = layers(tmp_path)
    assert layer["weight_scheme"] == "binary"
    assert layer["kernel"].endswith(kernel)
    assert layer["packed_bytes"] == packed_bytes(37, 4 * size, 32 if kernel == "p1" else 16)
    for m in (1, 2, 5):
        comparison.check(rng.standard_normal((m, 4 * size)).astype(np.float32))


@pytest.mark.parametrize("bits", [8, "none"])
def test_quantized_by_sign(bits, tmp_path):
    rng = np.random.default_rng(1)
    w = rng.standard_normal((45, 130)).astype(np.float32)
    path = write(tmp_path / "m.onnx", [w])
    options = {"quantize": "all", "quantize_scheme": "sign", "activation_bits": bits, "verify": 4}
    model = compiled(path, report=tmp_path / "report.json", **options)
    (layer,) = layers(tmp_path)
    assert layer["kernel"].endswith("p1")
    assert layer["packed_bytes"] == packed_bytes(45, 130)
    codes, scales = quantize(w, "sign", "tensor")
    x = rng.standard_normal((7, 130)).astype(np.float32)
    expected = x @ (codes * scales).T + np.arange(45)
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-4 if bits == "none" else 0.2)


# One value that is not finite stays in its row, and what pads K is multiplied by nothing.
def test_values_that_are_not_finite_stay_in_their_row(tmp_path):
    rng = np.random.default_rng(2)
    w = signs(rng, 20, 37)
    model = compiled(write(tmp_path / "m.onnx", [w]))
    x = rng.integers(-9, 10, (6, 37)).astype(np.float32)
    x[1, 36], x[3, 0], x[4] = np.nan, np.inf, -np.inf
    y = model(x)
    assert np.isnan(y[1]).all()
    np.testing.assert_array_equal(y[3], w[:, 0] * np.inf)
    rows = [0, 2, 5]
    np.testing.assert_array_equal(y[rows], x[rows] @ w.T + np.arange(20))


# The same matrix with one zero is ternary.
def test_one_zero_makes_it_ternary(tmp_path):
    w = signs(np.random.default_rng(3), 20, 40)
    w[7, 9] = 0
    compiled(write(tmp_path / "m.onnx", [w]), report=tmp_path / "report.json")
    (layer,) = layers(tmp_path)
    assert layer["weight_scheme"] == "ternary"
    assert layer["kernel"].endswith("p2")
