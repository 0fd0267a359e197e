/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What every function of bit/quant.h checks. */
#ifndef BITRT_QUANT_CHECK_H
#define BITRT_QUANT_CHECK_H

#include "bit/quant.h"
#include "error.h"
#include <stdbool.h>

/* rows * columns, of elements of up to 8 bytes. */
bit_status bitrt_count_elements(size_t rows, size_t columns, size_t *count);

/* A pointer to `count` elements called `name`. */
bit_status bitrt_check_pointer(const void *pointer, size_t count,
                               const char *name);

/* Which scale element (row, column) has: row * row_step + column / run. */
typedef struct bitrt_scale_map {
  size_t row_step, run;
} bitrt_scale_map;
bitrt_scale_map bitrt_map_scales(size_t columns, bit_granularity granularity,
                                 size_t group);

#endif /* BITRT_QUANT_CHECK_H */
