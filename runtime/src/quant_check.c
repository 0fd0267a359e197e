/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "quant_check.h"

#include "memory.h"

bit_status bitrt_count_elements(size_t rows, size_t columns, size_t *count) {
  size_t bytes;
  if (bitrt_multiply(rows, columns, count) &&
      bitrt_multiply(*count, sizeof(int64_t), &bytes))
    return BIT_OK;
  return bitrt_fail(bitrt_thread_error(), BIT_INVALID_ARGUMENT,
                    "%zu x %zu elements exceed the address space", rows,
                    columns);
}

bit_status bitrt_check_pointer(const void *pointer, size_t count,
                               const char *name) {
  if (pointer != NULL || count == 0)
    return BIT_OK;
  return bitrt_fail(bitrt_thread_error(), BIT_INVALID_ARGUMENT,
                    "expects %s, got NULL", name);
}

bit_status bit_rt_scale_count(size_t rows, size_t columns,
                              bit_granularity granularity, size_t group,
                              size_t *count) {
  bitrt_error error = bitrt_thread_error();
  if (count == NULL)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects a place for the count, got NULL");
  size_t elements;
  bit_status status = bitrt_count_elements(rows, columns, &elements);
  if (status != BIT_OK)
    return status;
  switch (granularity) {
  case BIT_PER_TENSOR:
    *count = 1;
    return BIT_OK;
  case BIT_PER_ROW:
    *count = rows;
    return BIT_OK;
  case BIT_PER_COLUMN:
    *count = columns;
    return BIT_OK;
  case BIT_PER_GROUP:
    if (group == 0 || columns % group != 0)
      return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                        "expects a group that divides %zu columns, got %zu",
                        columns, group);
    *count = rows * (columns / group);
    return BIT_OK;
  }
  return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                    "expects a granularity of 0..3, got %d", (int)granularity);
}

bitrt_scale_map bitrt_map_scales(size_t columns, bit_granularity granularity,
                                 size_t group) {
  size_t all = columns > 0 ? columns : 1;
  switch (granularity) {
  case BIT_PER_ROW:
    return (bitrt_scale_map){1, all};
  case BIT_PER_COLUMN:
    return (bitrt_scale_map){0, 1};
  case BIT_PER_GROUP:
    return (bitrt_scale_map){columns / group, group};
  case BIT_PER_TENSOR:
    break;
  }
  return (bitrt_scale_map){0, all};
}
