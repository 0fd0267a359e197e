/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The caller's tensors: checked, and copied where they are strided. */
#ifndef BITRT_TENSOR_H
#define BITRT_TENSOR_H

#include "error.h"
#include <stdbool.h>

/* One input or output as the model declares it. */
typedef struct bitrt_port {
  const char *kind; /* "input" or "output" */
  const bit_abi_tensor *tensor;
  const char *const *dim_names;
} bitrt_port;

/* What a check found out. */
typedef struct bitrt_view {
  size_t bytes;         /* of the elements, contiguous */
  bool contiguous;      /* row-major as it is */
  const uint8_t *first; /* the bytes it touches: first <= b < last */
  const uint8_t *last;
} bitrt_view;

/* Everything about `tensor` but the dims that only the run knows. */
bit_status bitrt_check_tensor(const bit_tensor *tensor, const bitrt_port *port,
                              bitrt_view *view, bitrt_error error);

/* Bytes of contiguous elements; false if they exceed 2^47. A dim of 0 does not
   hide others that are too large: code multiplies them, too. */
bool bitrt_count_bytes(const int64_t *dims, int32_t rank, size_t element_bytes,
                       size_t *bytes);

/* False if two elements of the tensor may be at one address. */
bool bitrt_is_injective(const bit_tensor *tensor);

/* From a strided tensor to contiguous memory, and back. Both were checked. */
void bitrt_gather(const bit_tensor *tensor, void *contiguous);
void bitrt_scatter(const void *contiguous, const bit_tensor *tensor);

#endif /* BITRT_TENSOR_H */
