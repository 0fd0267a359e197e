/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The few float operations that C leaves to libm, which we do not link. */
#ifndef BITRT_FLOAT_MATH_H
#define BITRT_FLOAT_MATH_H

#include <math.h> /* constants only: INFINITY, NAN */
#include <stdint.h>
#include <string.h>

static inline uint32_t bitrt_float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

static inline float bitrt_float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/* |value| as bits: as integers they order like magnitudes, NaN above all. */
static inline uint32_t bitrt_magnitude_bits(float value) {
  return bitrt_float_bits(value) & 0x7fffffffu;
}

static inline int bitrt_is_finite(float value) {
  return bitrt_magnitude_bits(value) < 0x7f800000u;
}

/* To the nearest integer, ties to even, for |value| <= 2^22: adding 1.5 * 2^23
   leaves no room for a fraction, so that the addition rounds. */
static inline float bitrt_round_half_even(float value) {
  const float no_fraction = 12582912.0f;
  return (value + no_fraction) - no_fraction;
}

/* floor for |value| <= 2^30. */
static inline float bitrt_floor(float value) {
  float truncated = (float)(int32_t)value;
  return truncated > value ? truncated - 1.0f : truncated;
}

/* a * b + c with one rounding. The product of two floats is exact in double;
   the sum is rounded to odd there, after which rounding to float is right. */
static inline float bitrt_fma(float a, float b, float c) {
#if defined(__FP_FAST_FMAF)
  return __builtin_fmaf(a, b, c);
#else
  double product = (double)a * (double)b, addend = (double)c;
  double sum = product + addend;
  double part = sum - product;
  double rest = (product - (sum - part)) + (addend - part);
  uint64_t bits;
  memcpy(&bits, &sum, sizeof(bits));
  /* Infinity and NaN have no rest that compares. */
  if ((rest > 0 || rest < 0) && (bits & 1) == 0) {
    bits += (rest > 0) == (sum > 0) ? UINT64_C(1) : UINT64_MAX;
    memcpy(&sum, &bits, sizeof(sum));
  }
  return (float)sum;
#endif
}

#endif /* BITRT_FLOAT_MATH_H */
