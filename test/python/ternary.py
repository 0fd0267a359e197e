"""Weight quantizers in numpy: the oracle of --quantize=all, written from the formulas of bit.quantize_weight."""

import math

import numpy as np
from graphs import quantize_activation as fake_quantize

__all__ = ["GROUP", "SCHEMES", "dequantize", "fake_quantize", "quantize"]

GROUP = 128
EPS = np.float32(1e-5)


def mean(values):
    """The mean in f64; fsum rounds the sum once."""
    return math.fsum(values.tolist()) / len(values)


def rounded(w, scale):
    return np.clip(np.rint(w / scale), -1, 1), scale


def kept(w, is_large):
    scale = mean(np.abs(w[is_large]).astype(float)) if is_large.any() else 0
    return np.where(is_large, np.sign(w), 0), np.float32(scale)


def absmean(w):
    return rounded(w, max(np.float32(mean(np.abs(w).astype(float))), EPS))


def absmedian(w):
    return rounded(w, max(np.sort(np.abs(w))[(len(w) - 1) // 2], EPS))


def twn(w):
    return kept(w, np.abs(w).astype(float) > 0.7 * mean(np.abs(w).astype(float)))


def sign(w):
    return np.where(w < 0, -1, 1), np.float32(mean(np.abs(w).astype(float)))


def fit(w):
    magnitudes = np.sort(np.abs(w).astype(float))[::-1]
    gain = np.cumsum(magnitudes) ** 2 / np.arange(1, len(w) + 1)
    return kept(w, np.abs(w) >= magnitudes[np.argmax(gain)])


SCHEMES = {f.__name__: f for f in (absmean, absmedian, twn, sign, fit)}


def quantize(w, scheme, granularity):
    """Codes of w [N, K] and scales: [1, 1] (tensor), [N, 1] (channel), [N, K / g] (the group's size g)."""
    n, k = w.shape
    shape = {"tensor": (1, 1), "channel": (n, 1)}.get(granularity) or (n, k // granularity)
    groups = w.reshape(shape[0] * shape[1], -1)
    codes, scales = zip(*(SCHEMES[scheme](group) for group in groups))
    return np.stack(codes).reshape(n, k).astype(np.int8), np.array(scales, np.float32).reshape(shape)


def dequantize(codes, scales):
    """codes times scales, as float32."""
    n, k = codes.shape
    if scales.size == 1:
        return codes * scales.reshape(1, 1)
    return (codes.reshape(n, scales.shape[1], -1) * scales[:, :, None]).reshape(n, k).astype(np.float32)
