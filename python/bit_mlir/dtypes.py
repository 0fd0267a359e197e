"""ONNX's element types as numpy's; those that numpy lacks come from ml_dtypes."""

from functools import cache

import numpy as np

# Numbers of TensorProto.DataType, which bit/abi.h shares; names as bit_dtype_name gives them.
NAMES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8_e4m3fn",
    18: "float8_e4m3fnuz",
    19: "float8_e5m2",
    20: "float8_e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4_e2m1fn",
    24: "float8_e8m0fnu",
    25: "uint2",
    26: "int2",
}
_FIRST_OF_ML_DTYPES = 16


@cache
def to_numpy(number):
    """The numpy dtype of an ONNX element type; ImportError if it needs ml_dtypes, which is missing."""
    if number not in NAMES:
        raise TypeError(f"element type {number} has no numpy type")
    if number < _FIRST_OF_ML_DTYPES:
        return np.dtype(NAMES[number])
    import ml_dtypes

    return np.dtype(getattr(ml_dtypes, NAMES[number]))


@cache
def from_numpy(dtype):
    """The ONNX number of a numpy dtype, 0 if there is none."""
    name = np.dtype(dtype).name
    for number, known in NAMES.items():
        if known == name:
            return number
    return 0
