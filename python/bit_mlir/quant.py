"""Quantization of numpy arrays by the runtime: the same bits as in a compiled model."""

import ctypes
from ctypes import POINTER, c_float, c_int32, c_size_t, c_void_p
from functools import cache

import numpy as np

from . import runtime
from .errors import RunError
from .session import address_of

__all__ = ["Quantized", "absmax_quantize", "absmean_quantize"]

_GRANULARITIES = {"tensor": 0, "row": 1, "token": 1, "channel": 1, "column": 2, "group": 3}


class Quantized(tuple):
    """(codes, values): int8 codes and the floats they stand for; `scale` turns codes into values.

    Unpacks into two, as callers of absmax_quantize expect.
    """

    def __new__(cls, codes, values, scale):
        """A pair with a scale."""
        self = super().__new__(cls, (codes, values))
        self.scale = scale
        return self

    @property
    def codes(self):
        """The int8 codes."""
        return self[0]

    @property
    def values(self):
        """codes * scale, as float32."""
        return self[1]


class _Quantizer(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("bits", c_int32),
        ("granularity", c_int32),
        ("eps", c_float),
        ("eps_mode", c_int32),
        ("scale", c_int32),
        ("dequant", c_int32),
        ("rounding", c_int32),
        ("low", c_int32),
        ("high", c_int32),
    ]


@cache
def _functions():
    lib = runtime.library()
    signatures = {
        "bit_rt_scale_count": [c_size_t, c_size_t, c_int32, c_size_t, POINTER(c_size_t)],
        "bit_rt_absmax_quantize": [c_void_p, c_size_t, c_size_t, POINTER(_Quantizer)] + 3 * [c_void_p],
        "bit_rt_absmean_quantize": [c_void_p, c_size_t, c_size_t, c_int32, c_size_t, c_float, c_void_p, c_void_p],
        "bit_rt_dequantize": [c_void_p, c_size_t, c_size_t, c_void_p, c_int32, c_size_t, c_void_p],
    }
    for name, arguments in signatures.items():
        getattr(lib, name).argtypes = arguments
        getattr(lib, name).restype = c_int32
    return lib


def absmax_quantize(x, bits=8, *, granularity="tensor", eps=1e-5):
    """Quantizes to `bits` bits by the largest magnitude; returns Quantized, which unpacks into (codes, values).

    granularity: which elements share a scale: "tensor" (all), "token" (a row along the last axis) or "column" (an
    index of the last axis). The codes are round(x * Q / max(absmax, eps)) with Q = 2**(bits - 1) - 1; zeros stay zeros.
    """
    if not 2 <= bits <= 8:
        raise RunError(f"expects bits in 2..8, got {bits}", "BIT_INVALID_ARGUMENT")
    x, rows, columns = _matrix(x)
    kind = _granularity(granularity, ("tensor", "row", "token", "column"))
    high = 2 ** (bits - 1) - 1
    # Neither the clamp's low end nor what comes after it is reached: absmax itself becomes Q.
    quantizer = _Quantizer(ctypes.sizeof(_Quantizer), bits, kind, eps, 0, 0, 0, 0, -high - 1, high)
    codes = np.empty(x.shape, np.int8)
    scales = _scales(rows, columns, kind, 0)
    lib = _functions()
    pointers = address_of(codes), address_of(scales), None
    runtime.check(lib.bit_rt_absmax_quantize(address_of(x), rows, columns, ctypes.byref(quantizer), *pointers))
    return _finish(codes, scales, rows, columns, kind, 0)


def absmean_quantize(w, *, granularity="tensor", group=0, eps=1e-5):
    """Quantizes weights to -1, 0 and 1 by the mean magnitude; returns Quantized: (codes, values).

    granularity: "tensor", "channel" (a row of w) or "group" (`group` elements of a row).
    """
    w, rows, columns = _matrix(w)
    kind = _granularity(granularity, ("tensor", "row", "channel", "group"))
    codes = np.empty(w.shape, np.int8)
    scales = _scales(rows, columns, kind, group)
    lib = _functions()
    arguments = address_of(w), rows, columns, kind, group, eps, address_of(codes), address_of(scales)
    runtime.check(lib.bit_rt_absmean_quantize(*arguments))
    return _finish(codes, scales, rows, columns, kind, group)


def _matrix(x):
    """A contiguous float32 array, and its size as rows along the last axis."""
    if not isinstance(x, np.ndarray) and hasattr(x, "__dlpack__"):
        x = np.from_dlpack(x.detach() if getattr(x, "requires_grad", False) else x)
    x = np.require(x, np.float32, ["C", "A"])
    columns = x.shape[-1] if x.ndim else 1
    return x, x.size // columns if columns else 0, columns


def _granularity(name, valid):
    if name not in valid:
        raise RunError(f"expects granularity {', '.join(valid)}, got {name!r}", "BIT_INVALID_ARGUMENT")
    return _GRANULARITIES[name]


def _scales(rows, columns, kind, group):
    count = c_size_t()
    runtime.check(_functions().bit_rt_scale_count(rows, columns, kind, group, ctypes.byref(count)))
    return np.empty(count.value, np.float32)


def _finish(codes, scales, rows, columns, kind, group):
    values = np.empty(codes.shape, np.float32)
    arguments = address_of(codes), rows, columns, address_of(scales), kind, group, address_of(values)
    runtime.check(_functions().bit_rt_dequantize(*arguments))
    return Quantized(codes, values, scales if scales.size != 1 else scales[0])
