/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What tools/bit-kernels compiles for bit_rt_linear. */
#ifndef BITRT_LINEAR_KERNELS_H
#define BITRT_LINEAR_KERNELS_H

#include <stdint.h>

/* memref<?xT> and memref<?x?xT> as MLIR's C interface passes them. */
typedef struct bitrt_memref1 {
  const void *allocated, *aligned;
  int64_t offset, sizes[1], strides[1];
} bitrt_memref1;

typedef struct bitrt_memref2 {
  const void *allocated, *aligned;
  int64_t offset, sizes[2], strides[2];
} bitrt_memref2;

/* For a block of `groups` groups of 16 rows and all tokens
     y[t,r] = fma(f32(x w), x_scale[t] * w_scale[r], bias[r])
   where x is M x K codes with K a multiple of 16, sum has their row sums,
   packed begins with the block, w_scale and bias have 16 * groups elements,
   and y is written in its columns 0 .. 16 * groups. */
typedef void (*bitrt_linear_kernel)(const bitrt_memref2 *x,
                                    const bitrt_memref1 *packed,
                                    const bitrt_memref1 *sum,
                                    const bitrt_memref1 *x_scale,
                                    const bitrt_memref1 *w_scale,
                                    const bitrt_memref1 *bias,
                                    const bitrt_memref2 *y);

typedef struct bitrt_linear_level {
  const char *name;
  uint64_t features;              /* BIT_CPU_* that it needs */
  bitrt_linear_kernel kernels[4]; /* for 1, 2, 3 and 4 groups */
} bitrt_linear_level;

#if BITRT_HAS_KERNELS
/* The best one first; the last has no name. */
extern const bitrt_linear_level bitrt_linear_levels[]
    __attribute__((visibility("hidden")));
#endif

#endif /* BITRT_LINEAR_KERNELS_H */
