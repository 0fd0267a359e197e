/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A BitLinear layer without a model: the kernels of compiled models for any
 * shape, picked for the CPU when the first one is needed, with the same bits.
 */
#ifndef BIT_LINEAR_H
#define BIT_LINEAR_H

#include "bit/quant.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Packed weights and how to multiply by them. Start from BIT_PACKED_INIT. All
   is borrowed during a call. */
typedef struct bit_packed {
  size_t size;         /* sizeof(bit_packed) */
  const uint8_t *data; /* n x k codes by bit_rt_pack_ternary; bytes that it
                          does not write give unspecified results. Fastest at
                          addresses that are multiples of 64 */
  size_t n, k;         /* outputs and inputs; k up to 524,288 */
  int32_t
      granularity; /* of the scales: BIT_PER_TENSOR (1) or BIT_PER_ROW (n) */
  const bit_quantizer *quantizer; /* of x, BIT_PER_ROW or BIT_PER_TENSOR; NULL:
                                     BIT_QUANTIZER_INIT */
  const char *level; /* of bit_rt_linear_level; NULL: the best the CPU has */
  void *workspace;   /* bit_rt_linear_workspace_bytes, of any alignment; NULL:
                        the stack, or malloc where that is too small */
  size_t workspace_bytes;
  bit_parallel_for parallel_for; /* shares the rows of weights, in blocks of
                                    64; NULL: the caller does all of it */
  void *parallel_for_context;
} bit_packed;
#define BIT_PACKED_INIT                                                        \
  {sizeof(bit_packed),                                                         \
   NULL,                                                                       \
   0,                                                                          \
   0,                                                                          \
   BIT_PER_TENSOR,                                                             \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   0,                                                                          \
   NULL,                                                                       \
   NULL}

/* y = linear(x): x is m x k, y is m x n and does not overlap x; both
   row-major. With q, s the codes and scales of bit_rt_absmax_quantize(x):
     y[i,j] = fma(f32(sum over c of q[i,c] * w[j,c]), s[i] * scales[j], bias[j])
   and without bias (NULL) the product. Thread-safe; keeps nothing.
   BIT_INVALID_ARGUMENT: NULL where there are elements, a field of `packed` or
   its quantizer outside its range, sizes that exceed PTRDIFF_MAX.
   BIT_RANGE: k above 524,288. BIT_OUT_OF_MEMORY: without workspace.
   BIT_BAD_LEVEL, BIT_UNSUPPORTED_CPU: the level. bit_last_error() says more. */
BIT_API bit_status bit_rt_linear(const float *x, size_t m,
                                 const bit_packed *packed, const float *scales,
                                 const float *bias, float *y);

/* What bit_rt_linear needs for m tokens of k inputs; 0 if that exceeds
   PTRDIFF_MAX. */
BIT_API size_t bit_rt_linear_workspace_bytes(size_t m, size_t k);

/* The name of level `index`, the best one first and "portable", which runs
   everywhere and is slow, the last; NULL behind it. A library built without
   the compiler has the last one only. */
BIT_API const char *bit_rt_linear_level(int32_t index);

#ifdef __cplusplus
}
#endif

#endif /* BIT_LINEAR_H */
