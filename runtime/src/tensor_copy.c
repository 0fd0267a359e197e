/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tensor.h"

#include <string.h>

/* A walk over all elements; strides in bytes. */
typedef struct copy_plan {
  int32_t rank;
  size_t element_bytes;
  int64_t shape[BIT_MAX_RANK], to[BIT_MAX_RANK], from[BIT_MAX_RANK];
} copy_plan;

/* The element's size as a constant makes memcpy one move. */
#define COPY_ROW(bytes)                                                        \
  for (int64_t i = 0; i < count; ++i)                                          \
  memcpy(to + i * to_stride, from + i * from_stride, bytes)

static void copy_row(uint8_t *to, int64_t to_stride, const uint8_t *from,
                     int64_t from_stride, int64_t count, size_t bytes) {
  if (to_stride == (int64_t)bytes && from_stride == (int64_t)bytes) {
    memcpy(to, from, (size_t)count * bytes);
    return;
  }
  switch (bytes) {
  case 1:
    COPY_ROW(1);
    return;
  case 2:
    COPY_ROW(2);
    return;
  case 4:
    COPY_ROW(4);
    return;
  case 8:
    COPY_ROW(8);
    return;
  default:
    COPY_ROW(bytes);
  }
}

static void copy_dim(const copy_plan *plan, int32_t dim, uint8_t *to,
                     const uint8_t *from) {
  if (dim == plan->rank - 1) {
    copy_row(to, plan->to[dim], from, plan->from[dim], plan->shape[dim],
             plan->element_bytes);
    return;
  }
  for (int64_t i = 0; i < plan->shape[dim]; ++i)
    copy_dim(plan, dim + 1, to + i * plan->to[dim], from + i * plan->from[dim]);
}

/* Strided tensors have elements and a rank of 1 or more: all others count as
   contiguous. */
static copy_plan make_plan(const bit_tensor *tensor) {
  copy_plan plan = {.rank = tensor->rank,
                    .element_bytes = bit_dtype_bytes(tensor->dtype)};
  int64_t bytes = (int64_t)plan.element_bytes;
  int64_t contiguous = bytes;
  for (int32_t i = tensor->rank; i-- > 0;) {
    plan.shape[i] = tensor->shape[i];
    plan.to[i] = contiguous;
    /* The stride of a dim of 1 is never used and may be anything. */
    plan.from[i] = tensor->shape[i] > 1 ? tensor->strides[i] * bytes : 0;
    contiguous *= tensor->shape[i];
  }
  return plan;
}

void bitrt_gather(const bit_tensor *tensor, void *contiguous) {
  copy_plan plan = make_plan(tensor);
  copy_dim(&plan, 0, contiguous, tensor->data);
}

void bitrt_scatter(const void *contiguous, const bit_tensor *tensor) {
  copy_plan plan = make_plan(tensor);
  for (int32_t i = 0; i < plan.rank; ++i) {
    int64_t stride = plan.to[i];
    plan.to[i] = plan.from[i];
    plan.from[i] = stride;
  }
  copy_dim(&plan, 0, tensor->data, contiguous);
}
