/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "memory.h"
#include "tensor.h"

#include <inttypes.h>

/* What a process can address, by far: code that multiplies such a size by the
   constants of a model still does not overflow. */
#define MOST_BYTES (UINT64_C(1) << 47)

bool bitrt_count_bytes(const int64_t *dims, int32_t rank, size_t element_bytes,
                       size_t *bytes) {
  size_t product = element_bytes;
  bool empty = false;
  for (int32_t i = 0; i < rank; ++i) {
    empty |= dims[i] == 0;
    if (dims[i] != 0 && (!bitrt_multiply(product, (size_t)dims[i], &product) ||
                         product > MOST_BYTES))
      return false;
  }
  *bytes = empty ? 0 : product;
  return true;
}

static bit_status check_dims(const bit_tensor *tensor, const bitrt_port *port,
                             bitrt_error error) {
  const bit_abi_tensor *expected = port->tensor;
  char expects[BITRT_SHAPE_BYTES], got[BITRT_SHAPE_BYTES];
  if (tensor->rank != expected->rank)
    return bitrt_fail(error, BIT_WRONG_RANK,
                      "%s '%s': expects rank %d %s, got rank %d", port->kind,
                      expected->name, (int)expected->rank,
                      bitrt_format_shape(expects, expected->dims,
                                         expected->rank, port->dim_names),
                      (int)tensor->rank);
  if (tensor->rank > 0 && tensor->shape == NULL)
    return bitrt_fail(error, BIT_WRONG_SHAPE,
                      "%s '%s': expects a shape, got NULL", port->kind,
                      expected->name);
  for (int32_t i = 0; i < tensor->rank; ++i)
    if (tensor->shape[i] < 0 ||
        (expected->dims[i] >= 0 && tensor->shape[i] != expected->dims[i]))
      return bitrt_fail(
          error, BIT_WRONG_SHAPE, "%s '%s': expects shape %s, got %s",
          port->kind, expected->name,
          bitrt_format_shape(expects, expected->dims, expected->rank,
                             port->dim_names),
          bitrt_format_shape(got, tensor->shape, tensor->rank, NULL));
  return BIT_OK;
}

static bool is_contiguous(const bit_tensor *tensor, size_t bytes) {
  if (tensor->strides == NULL || bytes == 0)
    return true;
  int64_t stride = 1;
  for (int32_t i = tensor->rank; i-- > 0;) {
    if (tensor->shape[i] != 1 && tensor->strides[i] != stride)
      return false;
    stride *= tensor->shape[i]; /* bytes fit, so this does */
  }
  return true;
}

/* Adds the bytes from the first to the last element along each dim. */
static bool find_extent(const bit_tensor *tensor, size_t element_bytes,
                        int64_t *before, int64_t *after) {
  *before = 0;
  *after = (int64_t)element_bytes;
  for (int32_t i = 0; i < tensor->rank; ++i) {
    int64_t reach;
    if (__builtin_mul_overflow(tensor->strides[i], tensor->shape[i] - 1,
                               &reach) ||
        __builtin_mul_overflow(reach, (int64_t)element_bytes, &reach))
      return false;
    int64_t *side = reach < 0 ? before : after;
    if (__builtin_add_overflow(*side, reach, side))
      return false;
  }
  return true;
}

static bit_status check_strides(const bit_tensor *tensor,
                                const bitrt_port *port, size_t element_bytes,
                                bitrt_view *view, bitrt_error error) {
  char shape[BITRT_SHAPE_BYTES], strides[BITRT_SHAPE_BYTES];
  uintptr_t address = (uintptr_t)tensor->data;
  int64_t before = 0, after = (int64_t)view->bytes;
  bool fits =
      view->contiguous || find_extent(tensor, element_bytes, &before, &after);
  uintptr_t back = fits ? (uintptr_t)0 - (uintptr_t)before : 0;
  if (!fits || back > address || (uintptr_t)after > UINTPTR_MAX - address)
    return bitrt_fail(
        error, BIT_WRONG_STRIDES,
        "%s '%s': strides %s of shape %s leave the address space", port->kind,
        port->tensor->name,
        tensor->strides == NULL
            ? "NULL"
            : bitrt_format_shape(strides, tensor->strides, tensor->rank, NULL),
        bitrt_format_shape(shape, tensor->shape, tensor->rank, NULL));
  view->first = (const uint8_t *)(address - back);
  view->last = (const uint8_t *)(address + (uintptr_t)after);
  return BIT_OK;
}

bit_status bitrt_check_tensor(const bit_tensor *tensor, const bitrt_port *port,
                              bitrt_view *view, bitrt_error error) {
  const char *kind = port->kind, *name = port->tensor->name;
  if (tensor->dtype != port->tensor->dtype)
    return bitrt_fail(error, BIT_WRONG_DTYPE,
                      "%s '%s': expects dtype %s, got %s (%d)", kind, name,
                      bit_dtype_name(port->tensor->dtype),
                      bit_dtype_name(tensor->dtype), (int)tensor->dtype);
  bit_status status = check_dims(tensor, port, error);
  if (status != BIT_OK)
    return status;
  size_t element_bytes = bit_dtype_bytes(tensor->dtype);
  char shape[BITRT_SHAPE_BYTES];
  if (!bitrt_count_bytes(tensor->shape, tensor->rank, element_bytes,
                         &view->bytes))
    return bitrt_fail(
        error, BIT_WRONG_SHAPE, "%s '%s': shape %s exceeds the address space",
        kind, name,
        bitrt_format_shape(shape, tensor->shape, tensor->rank, NULL));
  if (tensor->data == NULL && view->bytes > 0)
    return bitrt_fail(error, BIT_BAD_POINTER, "%s '%s': expects data, got NULL",
                      kind, name);
  size_t alignment = element_bytes < 8 ? element_bytes : 8;
  if ((uintptr_t)tensor->data % alignment != 0 && view->bytes > 0)
    return bitrt_fail(error, BIT_BAD_POINTER,
                      "%s '%s': expects data aligned to %zu bytes, got %p",
                      kind, name, alignment, tensor->data);
  view->contiguous = is_contiguous(tensor, view->bytes);
  return check_strides(tensor, port, element_bytes, view, error);
}

static uint64_t magnitude(int64_t value) {
  return value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
}

/* Sorts the dims by stride; each must step over all that is inside it. */
bool bitrt_is_injective(const bit_tensor *tensor) {
  int32_t order[BIT_MAX_RANK];
  int32_t count = 0;
  if (tensor->strides == NULL)
    return true;
  for (int32_t i = 0; i < tensor->rank; ++i) {
    if (tensor->shape[i] == 0)
      return true;
    if (tensor->shape[i] == 1)
      continue;
    int32_t at = count++;
    for (; at > 0 && magnitude(tensor->strides[order[at - 1]]) >
                         magnitude(tensor->strides[i]);
         --at)
      order[at] = order[at - 1];
    order[at] = i;
  }
  uint64_t inside = 0; /* the reach of the dims so far; the view was checked */
  for (int32_t i = 0; i < count; ++i) {
    uint64_t stride = magnitude(tensor->strides[order[i]]);
    if (stride <= inside)
      return false;
    inside += stride * ((uint64_t)tensor->shape[order[i]] - 1);
  }
  return true;
}
