"""bit_rt_linear, the runtime's own product: the bits of a compiled model of the same layer, at each level."""

import ctypes
from ctypes import POINTER, c_char_p, c_float, c_int8, c_int32, c_size_t, c_uint8, c_void_p

import numpy as np
import pytest
from test_threads import compile_layer, load

from bit_mlir import runtime

LEVELS = ["avx512vnni", "x86-64-v3", "portable"]


class Quantizer(ctypes.Structure):
    """bit_quantizer."""

    _fields_ = [("size", c_size_t), ("bits", c_int32), ("granularity", c_int32), ("eps", c_float)] + [
        (name, c_int32) for name in ("eps_mode", "scale", "dequant", "rounding", "low", "high")
    ]


class Packed(ctypes.Structure):
    """bit_packed."""

    _fields_ = [
        ("size", c_size_t),
        ("data", c_void_p),
        ("n", c_size_t),
        ("k", c_size_t),
        ("granularity", c_int32),
        ("quantizer", POINTER(Quantizer)),
        ("level", c_char_p),
        ("workspace", c_void_p),
        ("workspace_bytes", c_size_t),
        ("parallel_for", c_void_p),
        ("parallel_for_context", c_void_p),
    ]


def pointer(array, kind):
    return array.ctypes.data_as(POINTER(kind))


@pytest.mark.parametrize("level", LEVELS)
def test_linear_has_the_bits_of_a_model(tmp_path, level):
    n, k = 333, 700
    model = load(compile_layer(tmp_path, n, k, "tokens"))
    # What compile_layer drew.
    rng = np.random.default_rng(n)
    weights = np.ascontiguousarray(rng.integers(-1, 2, (k, n)).T.astype(np.int8))
    bias = rng.standard_normal(n).astype(np.float32)
    library = ctypes.CDLL(runtime.library()._name)
    library.bit_rt_packed_bytes.restype = c_size_t
    library.bit_rt_packed_bytes.argtypes = [c_size_t, c_size_t]
    data = np.zeros(library.bit_rt_packed_bytes(n, k), np.uint8)
    library.bit_rt_pack_ternary.argtypes = [POINTER(c_int8), c_size_t, c_size_t, POINTER(c_uint8)]
    assert library.bit_rt_pack_ternary(pointer(weights, c_int8), n, k, pointer(data, c_uint8)) == 0
    # scale = q / max(largest, eps), codes of x * scale, dequantized by 1 / scale.
    quantizer = Quantizer(ctypes.sizeof(Quantizer), 8, 1, 1e-5, 0, 1, 0, 0, -128, 127)
    packed = Packed(ctypes.sizeof(Packed), data.ctypes.data, n, k, 0, ctypes.pointer(quantizer), level.encode())
    scale = np.array([0.05], np.float32)
    library.bit_rt_linear.argtypes = [POINTER(c_float), c_size_t, POINTER(Packed)] + 3 * [POINTER(c_float)]
    for tokens in (1, 3, 18):
        x = np.random.default_rng(tokens).standard_normal((tokens, k)).astype(np.float32)
        y = np.empty((tokens, n), np.float32)
        status = library.bit_rt_linear(
            *(pointer(x, c_float), tokens, ctypes.byref(packed)), *(pointer(a, c_float) for a in (scale, bias, y))
        )
        if runtime.STATUS_NAMES[status] == "BIT_UNSUPPORTED_CPU":
            pytest.skip("this CPU does not have the level")
        assert status == 0
        assert y.tobytes() == model(x).tobytes()
