/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "float_environment.h"
#include "float_math.h"
#include "quant_check.h"

static bit_status check_quantizer(const bit_quantizer *quantizer,
                                  bit_quantizer *copy) {
  bitrt_error error = bitrt_thread_error();
  *copy = (bit_quantizer)BIT_QUANTIZER_INIT;
  if (quantizer == NULL)
    return BIT_OK;
  if (quantizer->size < sizeof(*copy))
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects bit_quantizer.size of at least %zu, got %zu",
                      sizeof(*copy), quantizer->size);
  *copy = *quantizer;
  if (copy->bits < 2 || copy->bits > 8)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT, "expects 2..8 bits, got %d",
                      (int)copy->bits);
  if (copy->granularity < BIT_PER_TENSOR || copy->granularity > BIT_PER_COLUMN)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects a granularity of 0..2, got %d",
                      (int)copy->granularity);
  if (!bitrt_is_finite(copy->eps) || copy->eps < 0)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects a finite eps >= 0, got %g", (double)copy->eps);
  if (copy->eps_mode < 0 || copy->eps_mode > BIT_EPS_NONE || copy->scale < 0 ||
      copy->scale > BIT_SCALE_INVERSE || copy->dequant < 0 ||
      copy->dequant > BIT_DEQUANT_DIRECT || copy->rounding < 0 ||
      copy->rounding > BIT_ROUND_HALF_UP)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects forms of a quantizer, got eps_mode %d, scale "
                      "%d, dequant %d, rounding %d",
                      (int)copy->eps_mode, (int)copy->scale, (int)copy->dequant,
                      (int)copy->rounding);
  if (copy->low < -128 || copy->low > 0 || copy->high < 0 || copy->high > 127)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects -128 <= low <= 0 <= high <= 127, got %d and %d",
                      (int)copy->low, (int)copy->high);
  return BIT_OK;
}

/* The factor that makes codes, and the scale that reverts them. */
typedef struct factors {
  float step; /* s, or d of the inverse form */
  float scale;
  bool valid;
} factors;

static factors find_factors(const bit_quantizer *quantizer, uint32_t absmax) {
  const float q = (float)((1 << (quantizer->bits - 1)) - 1);
  float a = bitrt_float_from_bits(absmax);
  if (quantizer->eps_mode == BIT_EPS_CLAMP)
    a = a < quantizer->eps ? quantizer->eps : a; /* NaN stays */
  else if (quantizer->eps_mode == BIT_EPS_ADD)
    a = a + quantizer->eps;
  factors result;
  if (quantizer->scale == BIT_SCALE_INVERSE)
    result.step = a / q;
  else if (quantizer->scale == BIT_SCALE_DIV)
    result.step = q / a;
  else
    result.step = (1.0f / a) * q;
  result.valid = bitrt_is_finite(a) && bitrt_is_finite(result.step) &&
                 (quantizer->scale != BIT_SCALE_INVERSE || result.step > 0);
  if (!result.valid)
    result.scale = NAN;
  else if (quantizer->dequant == BIT_DEQUANT_DIRECT)
    result.scale = a / q;
  else if (quantizer->scale == BIT_SCALE_INVERSE)
    result.scale = result.step;
  else
    result.scale = 1.0f / result.step;
  return result;
}

/* Clamping to integers first gives the same code as rounding first, and keeps
   the value where the roundings are exact. */
static int8_t make_code(const bit_quantizer *quantizer, float x,
                        const factors *by) {
  float v = quantizer->scale == BIT_SCALE_INVERSE ? x / by->step : x * by->step;
  bool half_up = quantizer->rounding == BIT_ROUND_HALF_UP;
  if (half_up)
    v = v + 0.5f;
  float low = (float)quantizer->low, high = (float)quantizer->high;
  v = v < low ? low : v;
  v = v > high ? high : v;
  return (int8_t)(half_up ? bitrt_floor(v) : bitrt_round_half_even(v));
}

static uint32_t find_absmax(const float *x, size_t count, size_t stride) {
  uint32_t absmax = 0;
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = bitrt_magnitude_bits(x[i * stride]);
    absmax = bits > absmax ? bits : absmax;
  }
  return absmax;
}

static void make_codes(const bit_quantizer *quantizer, const float *x,
                       size_t count, size_t stride, const factors *by,
                       int8_t *codes) {
  for (size_t i = 0; i < count; ++i)
    codes[i * stride] =
        by->valid ? make_code(quantizer, x[i * stride], by) : (int8_t)0;
}

static void quantize(const bit_quantizer *quantizer, const float *x,
                     size_t rows, size_t columns, int8_t *codes,
                     float *scales) {
  size_t count = rows, length = columns, step = columns, stride = 1;
  if (quantizer->granularity == BIT_PER_TENSOR) {
    count = 1;
    length = rows * columns;
  } else if (quantizer->granularity == BIT_PER_COLUMN) {
    count = columns;
    length = rows;
    step = 1;
    stride = columns;
  }
  for (size_t i = 0; i < count; ++i) {
    uint32_t absmax =
        length > 0 ? find_absmax(x + i * step, length, stride) : 0;
    factors by = find_factors(quantizer, absmax);
    scales[i] = by.scale;
    if (length > 0)
      make_codes(quantizer, x + i * step, length, stride, &by,
                 codes + i * step);
  }
}

static void sum_rows(const int8_t *codes, size_t rows, size_t columns,
                     int32_t *sums) {
  for (size_t row = 0; row < rows; ++row) {
    int32_t sum = 0;
    for (size_t column = 0; column < columns; ++column)
      sum += codes[row * columns + column];
    sums[row] = sum;
  }
}

bit_status bit_rt_absmax_quantize(const float *x, size_t rows, size_t columns,
                                  const bit_quantizer *quantizer, int8_t *codes,
                                  float *scales, int32_t *sums) {
  bit_quantizer checked;
  size_t count, scale_count = 0;
  bit_status status = check_quantizer(quantizer, &checked);
  if (status == BIT_OK)
    status = bitrt_count_elements(rows, columns, &count);
  if (status == BIT_OK)
    status = bit_rt_scale_count(
        rows, columns, (bit_granularity)checked.granularity, 0, &scale_count);
  if (status == BIT_OK)
    status = bitrt_check_pointer(x, count, "x");
  if (status == BIT_OK)
    status = bitrt_check_pointer(codes, count, "codes");
  if (status == BIT_OK)
    status = bitrt_check_pointer(scales, scale_count, "scales");
  if (status != BIT_OK)
    return status;
  int32_t largest = checked.high > -checked.low ? checked.high : -checked.low;
  if (sums != NULL && largest > 0 && columns > (size_t)(INT32_MAX / largest))
    return bitrt_fail(bitrt_thread_error(), BIT_RANGE,
                      "expects at most %d columns, whose codes' sum fits 32 "
                      "bits, got %zu",
                      (int)(INT32_MAX / largest), columns);
  uint64_t environment = bitrt_enter_float();
  quantize(&checked, x, rows, columns, codes, scales);
  bitrt_leave_float(environment);
  if (sums != NULL)
    sum_rows(codes, rows, columns, sums);
  return BIT_OK;
}
