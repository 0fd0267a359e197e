/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Quantizing, packing and scaling, bit for bit as compiled models do it.
 *
 * Matrices are row-major and contiguous. All functions borrow their arguments,
 * allocate nothing and may be called from any thread; results do not depend on
 * the caller's rounding mode. A matrix without elements may be NULL. Besides
 * the statuses named below, NULL where there are elements, sizes whose product
 * exceeds PTRDIFF_MAX and options outside their range are
 * BIT_INVALID_ARGUMENT; bit_last_error() says more. On failure the contents of
 * outputs are unspecified.
 */
#ifndef BIT_QUANT_H
#define BIT_QUANT_H

#include "bit/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which elements of a rows x columns matrix share a scale. */
typedef enum bit_granularity {
  BIT_PER_TENSOR = 0, /* all: 1 scale */
  BIT_PER_ROW = 1,    /* a row (token, output channel): `rows` scales */
  BIT_PER_COLUMN = 2, /* a column (input channel): `columns` scales */
  BIT_PER_GROUP = 3   /* `group` columns of a row: rows x columns / group */
} bit_granularity;

/* How many scales there are. BIT_INVALID_ARGUMENT also if `group` does not
   divide columns (it is 0, and unused, for other granularities). */
BIT_API bit_status bit_rt_scale_count(size_t rows, size_t columns,
                                      bit_granularity granularity, size_t group,
                                      size_t *count);

/* --- Packed weights: 2 bits a ternary one (layout P2), 1 bit a binary one
   (P1). -------------------------------------------------------------------- */

/* Bytes of n x k packed weights: rows padded to 16, k to 16, binary ones to 32.
   0 if there are none or if they exceed PTRDIFF_MAX. */
BIT_API size_t bit_rt_packed_bytes(size_t n, size_t k);
BIT_API size_t bit_rt_packed_binary_bytes(size_t n, size_t k);

/* Packs n x k codes -1, 0, 1 (binary: -1, 1) into `packed`, all bytes of which
   are written. BIT_RANGE names the first code outside the set. */
BIT_API bit_status bit_rt_pack_ternary(const int8_t *codes, size_t n, size_t k,
                                       uint8_t *packed);
BIT_API bit_status bit_rt_pack_binary(const int8_t *codes, size_t n, size_t k,
                                      uint8_t *packed);

/* The inverse. BIT_RANGE if `packed` holds what is no ternary code; every bit
   is a binary one. */
BIT_API bit_status bit_rt_unpack_ternary(const uint8_t *packed, size_t n,
                                         size_t k, int8_t *codes);
BIT_API bit_status bit_rt_unpack_binary(const uint8_t *packed, size_t n,
                                        size_t k, int8_t *codes);

/* --- Activations: integer codes by the absolute maximum. ----------------- */

typedef enum bit_eps_mode {
  BIT_EPS_CLAMP = 0, /* a' = max(a, eps) */
  BIT_EPS_ADD = 1,   /* a' = a + eps */
  BIT_EPS_NONE = 2   /* a' = a */
} bit_eps_mode;

typedef enum bit_scale_form {
  BIT_SCALE_RECIP_MUL = 0, /* s = (1 / a') * Q;  code from x * s */
  BIT_SCALE_DIV = 1,       /* s = Q / a';        code from x * s */
  BIT_SCALE_INVERSE = 2    /* d = a' / Q;        code from x / d */
} bit_scale_form;

typedef enum bit_dequant_form {
  BIT_DEQUANT_RECIP = 0, /* scale = 1 / s (inverse: d) */
  BIT_DEQUANT_DIRECT = 1 /* scale = a' / Q */
} bit_dequant_form;

typedef enum bit_rounding {
  BIT_ROUND_HALF_EVEN = 0, /* to nearest, ties to even */
  BIT_ROUND_HALF_UP = 1    /* floor(v + 0.5) */
} bit_rounding;

/* #bit.quantizer of the compiler, as far as it computes in f32 and has these
   forms. a is the greatest |x| that shares a scale, Q = 2^(bits-1) - 1; every
   step is one f32 operation. Where a' or s is not finite, or d not finite or 0,
   the codes are 0 and the scale is NaN. */
typedef struct bit_quantizer {
  size_t size;         /* sizeof(bit_quantizer) */
  int32_t bits;        /* 2 .. 8 */
  int32_t granularity; /* BIT_PER_ROW, BIT_PER_TENSOR, BIT_PER_COLUMN */
  float eps;           /* >= 0, finite */
  int32_t eps_mode;    /* BIT_EPS_* */
  int32_t scale;       /* BIT_SCALE_* */
  int32_t dequant;     /* BIT_DEQUANT_* */
  int32_t rounding;    /* BIT_ROUND_* */
  int32_t low, high; /* codes are clamped to -128 <= low <= 0 <= high <= 127 */
} bit_quantizer;
#define BIT_QUANTIZER_INIT                                                     \
  {sizeof(bit_quantizer),                                                      \
   8,                                                                          \
   BIT_PER_ROW,                                                                \
   1e-5f,                                                                      \
   BIT_EPS_CLAMP,                                                              \
   BIT_SCALE_RECIP_MUL,                                                        \
   BIT_DEQUANT_RECIP,                                                          \
   BIT_ROUND_HALF_EVEN,                                                        \
   -128,                                                                       \
   127}

/* Quantizes x (rows x columns): codes of its shape, bit_rt_scale_count scales
   that turn codes back into values, and the sum of each row's codes (`rows`
   sums; NULL: not wanted). `quantizer` NULL: BIT_QUANTIZER_INIT. BIT_RANGE if
   a sum could exceed 32 bits. */
BIT_API bit_status bit_rt_absmax_quantize(const float *x, size_t rows,
                                          size_t columns,
                                          const bit_quantizer *quantizer,
                                          int8_t *codes, float *scales,
                                          int32_t *sums);

/* --- Weights: ternary codes by the mean magnitude. ----------------------- */

/* scale = max(mean |w|, eps) with sums in double, in ascending order, rounded
   to f32 once; code = clamp(round_half_even(w / scale), -1, 1). n x k weights,
   per tensor, row or group; eps > 0. BIT_RANGE names the first weight that is
   not finite. */
BIT_API bit_status bit_rt_absmean_quantize(const float *w, size_t n, size_t k,
                                           bit_granularity granularity,
                                           size_t group, float eps,
                                           int8_t *codes, float *scales);

/* --- Scales. ------------------------------------------------------------- */

/* y = f32(codes) * scale. */
BIT_API bit_status bit_rt_dequantize(const int8_t *codes, size_t rows,
                                     size_t columns, const float *scales,
                                     bit_granularity granularity, size_t group,
                                     float *y);

/* y = x * scale; y may be x. */
BIT_API bit_status bit_rt_scale_apply(const float *x, size_t rows,
                                      size_t columns, const float *scales,
                                      bit_granularity granularity, size_t group,
                                      float *y);

/* What follows an integer product of m tokens and n outputs, the sums of
   `groups` (1 or more) groups of k apart (acc: m x n x groups):
     y[m,n] = fma(f32(acc[m,n,g]), x_scales[m] * w_scales[n,g], y[m,n])
   for ascending g, from bias[n], without bias the first product. There are 1
   or m x_scales, and 1 (if groups is 1) or n * groups w_scales. */
BIT_API bit_status bit_rt_scale_accumulators(
    const int32_t *acc, size_t m, size_t n, size_t groups,
    const float *x_scales, size_t x_scale_count, const float *w_scales,
    size_t w_scale_count, const float *bias, float *y);

#ifdef __cplusplus
}
#endif

#endif /* BIT_QUANT_H */
