"""bit_mlir.quant against the formulas written in numpy."""

import numpy as np
import pytest

import bit_mlir as bm
from bit_mlir import quant


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def expect_absmax(x, q, axis):
    largest = np.maximum(np.abs(x).max(axis=axis, keepdims=True), np.float32(1e-5))
    scale = (np.float32(1) / largest) * np.float32(q)
    codes = np.clip(np.rint(x * scale), -q - 1, q)
    return codes.astype(np.int8), codes.astype(np.float32) * (np.float32(1) / scale)


@pytest.mark.parametrize("granularity, axis", [("tensor", None), ("token", -1), ("column", (0, 1))])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_absmax(granularity, axis, bits):
    x = draw(3, 5, 33)
    codes, values = quant.absmax_quantize(x, bits, granularity=granularity)
    want_codes, want_values = expect_absmax(x, 2 ** (bits - 1) - 1, axis)
    assert codes.dtype == np.int8
    np.testing.assert_array_equal(codes, want_codes)
    np.testing.assert_array_equal(values, want_values)


def test_absmax_default_is_one_scale_for_the_tensor():
    x = draw(10, 512)
    result = quant.absmax_quantize(x)
    assert np.shape(result.scale) == () and np.abs(result.codes).max() == 127
    assert np.abs(result.values - x).max() <= 0.51 * result.scale


def test_zeros_and_empty_arrays():
    codes, values = quant.absmax_quantize(np.zeros((2, 3), np.float32))
    assert not codes.any() and not values.any()
    codes, values = quant.absmax_quantize(np.zeros((0, 3), np.float32), granularity="token")
    assert codes.shape == values.shape == (0, 3)


@pytest.mark.parametrize("granularity, group", [("tensor", 0), ("channel", 0), ("group", 16)])
def test_absmean(granularity, group):
    w = draw(24, 64)
    codes, values = quant.absmean_quantize(w, granularity=granularity, group=group)
    blocks = {"tensor": (1, 24 * 64), "channel": (24, 64), "group": (24 * 4, 16)}[granularity]
    mean = np.abs(w.astype(np.float64)).reshape(blocks).mean(axis=1, keepdims=True).astype(np.float32)
    expected = np.clip(np.rint(w.reshape(blocks) / mean), -1, 1)
    np.testing.assert_array_equal(codes, expected.reshape(24, 64))
    np.testing.assert_array_equal(values, (expected.astype(np.float32) * mean).reshape(24, 64))


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    x = draw(4, 8)
    a, b = quant.absmax_quantize(x), quant.absmax_quantize(torch.nn.Parameter(torch.from_numpy(x)))
    np.testing.assert_array_equal(a.codes, b.codes)


def test_errors_say_what_is_wrong():
    with pytest.raises(bm.RunError, match="expects bits in 2..8, got 9"):
        quant.absmax_quantize(draw(2), 9)
    with pytest.raises(bm.RunError, match="expects granularity tensor, row, token, column, got 'layer'"):
        quant.absmax_quantize(draw(2), granularity="layer")
    with pytest.raises(bm.RunError):
        quant.absmean_quantize(draw(4, 10), granularity="group", group=4)
    with pytest.raises(bm.RunError) as info:
        quant.absmean_quantize(np.array([[1.0, np.nan]], np.float32))
    assert info.value.status == "BIT_RANGE"
