/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "float_environment.h"
#include "float_math.h"
#include "quant_check.h"

/* The `length` weights that share a scale. */
static void quantize_run(const float *w, size_t length, float eps,
                         int8_t *codes, float *scale) {
  double sum = 0;
  for (size_t i = 0; i < length; ++i)
    sum += (double)bitrt_float_from_bits(bitrt_magnitude_bits(w[i]));
  float mean = length > 0 ? (float)(sum / (double)length) : 0;
  *scale = mean < eps ? eps : mean;
  for (size_t i = 0; i < length; ++i) {
    float v = w[i] / *scale;
    v = v < -1.0f ? -1.0f : v;
    v = v > 1.0f ? 1.0f : v;
    codes[i] = (int8_t)bitrt_round_half_even(v);
  }
}

bit_status bit_rt_absmean_quantize(const float *w, size_t n, size_t k,
                                   bit_granularity granularity, size_t group,
                                   float eps, int8_t *codes, float *scales) {
  bitrt_error error = bitrt_thread_error();
  size_t count, scale_count;
  bit_status status = bitrt_count_elements(n, k, &count);
  if (status == BIT_OK)
    status = bit_rt_scale_count(n, k, granularity, group, &scale_count);
  if (status == BIT_OK && granularity == BIT_PER_COLUMN)
    status = bitrt_fail(error, BIT_INVALID_ARGUMENT,
                        "expects scales per tensor, row or group");
  if (status == BIT_OK && (!bitrt_is_finite(eps) || eps <= 0))
    status = bitrt_fail(error, BIT_INVALID_ARGUMENT,
                        "expects a finite eps > 0, got %g", (double)eps);
  if (status == BIT_OK)
    status = bitrt_check_pointer(w, count, "w");
  if (status == BIT_OK)
    status = bitrt_check_pointer(codes, count, "codes");
  if (status == BIT_OK)
    status = bitrt_check_pointer(scales, scale_count, "scales");
  if (status != BIT_OK)
    return status;
  for (size_t i = 0; i < count; ++i)
    if (!bitrt_is_finite(w[i]))
      return bitrt_fail(error, BIT_RANGE,
                        "expects finite weights, got %g at [%zu, %zu]",
                        (double)w[i], i / k, i % k);
  uint64_t environment = bitrt_enter_float();
  size_t length = scale_count > 0 ? count / scale_count : 0;
  for (size_t i = 0; i < scale_count; ++i)
    quantize_run(length > 0 ? w + i * length : w, length, eps,
                 length > 0 ? codes + i * length : codes, &scales[i]);
  bitrt_leave_float(environment);
  return BIT_OK;
}
