/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "float_environment.h"
#include "float_math.h"
#include "memory.h"
#include "quant_check.h"

static bit_status check(const void *from, size_t rows, size_t columns,
                        const float *scales, bit_granularity granularity,
                        size_t group, const float *y) {
  size_t count, scale_count;
  bit_status status = bitrt_count_elements(rows, columns, &count);
  if (status == BIT_OK)
    status =
        bit_rt_scale_count(rows, columns, granularity, group, &scale_count);
  if (status == BIT_OK)
    status = bitrt_check_pointer(from, count, "values");
  if (status == BIT_OK)
    status = bitrt_check_pointer(scales, count > 0 ? scale_count : 0, "scales");
  if (status == BIT_OK)
    status = bitrt_check_pointer(y, count, "y");
  return status;
}

bit_status bit_rt_dequantize(const int8_t *codes, size_t rows, size_t columns,
                             const float *scales, bit_granularity granularity,
                             size_t group, float *y) {
  bit_status status =
      check(codes, rows, columns, scales, granularity, group, y);
  if (status != BIT_OK)
    return status;
  bitrt_scale_map map = bitrt_map_scales(columns, granularity, group);
  uint64_t environment = bitrt_enter_float();
  for (size_t row = 0; row < rows; ++row)
    for (size_t column = 0; column < columns; ++column) {
      size_t i = row * columns + column;
      y[i] = (float)codes[i] * scales[row * map.row_step + column / map.run];
    }
  bitrt_leave_float(environment);
  return BIT_OK;
}

bit_status bit_rt_scale_apply(const float *x, size_t rows, size_t columns,
                              const float *scales, bit_granularity granularity,
                              size_t group, float *y) {
  bit_status status = check(x, rows, columns, scales, granularity, group, y);
  if (status != BIT_OK)
    return status;
  bitrt_scale_map map = bitrt_map_scales(columns, granularity, group);
  uint64_t environment = bitrt_enter_float();
  for (size_t row = 0; row < rows; ++row)
    for (size_t column = 0; column < columns; ++column) {
      size_t i = row * columns + column;
      y[i] = x[i] * scales[row * map.row_step + column / map.run];
    }
  bitrt_leave_float(environment);
  return BIT_OK;
}

/* One output: a chain over its groups. */
static float rescale(const int32_t *acc, size_t groups, float x_scale,
                     const float *w_scales, const float *bias) {
  /* Adding -0 changes no product. */
  float y = bias != NULL ? *bias : -0.0f;
  for (size_t g = 0; g < groups; ++g)
    y = bitrt_fma((float)acc[g], x_scale * w_scales[g], y);
  return y;
}

bit_status bit_rt_scale_accumulators(const int32_t *acc, size_t m, size_t n,
                                     size_t groups, const float *x_scales,
                                     size_t x_scale_count,
                                     const float *w_scales,
                                     size_t w_scale_count, const float *bias,
                                     float *y) {
  bitrt_error error = bitrt_thread_error();
  size_t outputs, weights, count;
  bit_status status = bitrt_count_elements(m, n, &outputs);
  if (status == BIT_OK)
    status = bitrt_count_elements(n, groups, &weights);
  if (status == BIT_OK)
    status = bitrt_count_elements(outputs, groups, &count);
  if (status != BIT_OK)
    return status;
  if (groups == 0)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects at least 1 group, got 0");
  if (x_scale_count != 1 && x_scale_count != m)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects 1 or %zu x_scales, got %zu", m, x_scale_count);
  if (w_scale_count != weights && (w_scale_count != 1 || groups != 1))
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects %s%zu w_scales, got %zu",
                      groups == 1 ? "1 or " : "", weights, w_scale_count);
  status = bitrt_check_pointer(acc, count, "acc");
  if (status == BIT_OK)
    status = bitrt_check_pointer(x_scales, count, "x_scales");
  if (status == BIT_OK)
    status = bitrt_check_pointer(w_scales, count, "w_scales");
  if (status == BIT_OK)
    status = bitrt_check_pointer(y, outputs, "y");
  if (status != BIT_OK)
    return status;
  uint64_t environment = bitrt_enter_float();
  for (size_t row = 0; row < m; ++row)
    for (size_t column = 0; column < n; ++column) {
      size_t i = row * n + column;
      y[i] = rescale(acc + i * groups, groups,
                     x_scales[x_scale_count == 1 ? 0 : row],
                     w_scales + (w_scale_count == 1 ? 0 : column * groups),
                     bias != NULL ? bias + column : NULL);
    }
  bitrt_leave_float(environment);
  return BIT_OK;
}
