"""Inputs to compare bits by: ordinary numbers, and those on which machines disagree."""

import numpy as np

import bit_mlir.dtypes

BITS = {2: np.uint16, 4: np.uint32, 8: np.uint64}


def is_float(dtype):
    """Whether it is one of the floats that models compute with."""
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _from_bits(patterns, dtype):
    return np.array(patterns, BITS[dtype.itemsize]).view(dtype)


def specials(dtype):
    """Zeros, infinities, NaNs with signs and digits, subnormals, halves, arguments that functions reduce."""
    width, mantissa = 8 * dtype.itemsize, {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}[dtype.name]
    sign, one = 1 << (width - 1), 1
    inf = ((1 << (width - 1 - mantissa)) - 1) << mantissa
    quiet = inf | (one << (mantissa - 1))
    patterns = [0, 1, 3, (1 << mantissa) - 1, 1 << mantissa, inf - 1, inf, quiet, quiet | 5, inf | 1]
    numbers = [0.5, 1, 1.5, 2, 2.5, 3, 0.1, 7.5, 20.5, 88.8, 104, 710, 1e4, 65504, 65520, 1e5, 1e10, 2**31, 2**63, 1e30]
    numbers += [
        np.pi,
        np.pi / 2,
        1e-5,
        1e-30,
        1 - 2**-9,
        1 + 2**-9,
        127.5,
        128.5,
        254.5,
        8388607.5,
        16777217,
        2**53 + 2,
    ]
    with np.errstate(all="ignore"):
        values = np.array(numbers).astype(dtype)
    both = np.concatenate([_from_bits(patterns, dtype), values])
    return np.concatenate([both, (both.view(BITS[dtype.itemsize]) | BITS[dtype.itemsize](sign)).view(dtype)])


def draw(array, kind, rng):
    """Other values for an input of a test: "ordinary", "few" special ones among them, or "special" only.

    Integers decide what is read or how long it is: they stay.
    """
    dtype = array.dtype
    if not is_float(dtype) or array.size == 0:
        return array
    ordinary = (3 * rng.standard_normal(array.shape)).astype(dtype)
    if kind == "ordinary":
        return ordinary
    special = rng.choice(specials(dtype), array.shape)
    share = 1.0 if kind == "special" else min(0.1, 1.5 / array.size)
    return np.where(rng.random(array.shape) < share, special, ordinary).astype(dtype)


def variants(inputs, seed, held=()):
    """The test's own inputs and three other sets of the same shapes; those at positions in `held` stay."""
    sets = [list(inputs)]
    for number, kind in enumerate(("ordinary", "few", "special")):
        rng = np.random.default_rng([seed, number])
        sets.append([x if i in held else draw(x, kind, rng) for i, x in enumerate(inputs)])
    return sets


def to_numpy_type(element):
    """The numpy dtype of an ONNX element type."""
    return bit_mlir.dtypes.to_numpy(element)
