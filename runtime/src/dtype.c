/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "bit/runtime.h"

static const struct {
  const char *name;
  size_t bytes;
} dtypes[] = {
    [BIT_FLOAT32] = {"float32", 4},
    [BIT_UINT8] = {"uint8", 1},
    [BIT_INT8] = {"int8", 1},
    [BIT_UINT16] = {"uint16", 2},
    [BIT_INT16] = {"int16", 2},
    [BIT_INT32] = {"int32", 4},
    [BIT_INT64] = {"int64", 8},
    [BIT_STRING] = {"string", 0},
    [BIT_BOOL] = {"bool", 1},
    [BIT_FLOAT16] = {"float16", 2},
    [BIT_FLOAT64] = {"float64", 8},
    [BIT_UINT32] = {"uint32", 4},
    [BIT_UINT64] = {"uint64", 8},
    [BIT_COMPLEX64] = {"complex64", 8},
    [BIT_COMPLEX128] = {"complex128", 16},
    [BIT_BFLOAT16] = {"bfloat16", 2},
    [BIT_FLOAT8E4M3FN] = {"float8_e4m3fn", 1},
    [BIT_FLOAT8E4M3FNUZ] = {"float8_e4m3fnuz", 1},
    [BIT_FLOAT8E5M2] = {"float8_e5m2", 1},
    [BIT_FLOAT8E5M2FNUZ] = {"float8_e5m2fnuz", 1},
    [BIT_UINT4] = {"uint4", 1},
    [BIT_INT4] = {"int4", 1},
    [BIT_FLOAT4E2M1] = {"float4_e2m1fn", 1},
    [BIT_FLOAT8E8M0] = {"float8_e8m0fnu", 1},
    [BIT_UINT2] = {"uint2", 1},
    [BIT_INT2] = {"int2", 1},
};

static int is_known(int32_t dtype) {
  return dtype > 0 && (size_t)dtype < sizeof(dtypes) / sizeof(dtypes[0]);
}

size_t bit_dtype_bytes(int32_t dtype) {
  return is_known(dtype) ? dtypes[dtype].bytes : 0;
}

const char *bit_dtype_name(int32_t dtype) {
  return is_known(dtype) ? dtypes[dtype].name : "unknown";
}
