/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#define _POSIX_C_SOURCE 200809L
#include "memory.h"

#include <stdlib.h>

bool bitrt_multiply(size_t a, size_t b, size_t *result) {
  return !__builtin_mul_overflow(a, b, result) && *result <= PTRDIFF_MAX;
}

bool bitrt_add(size_t a, size_t b, size_t *result) {
  return !__builtin_add_overflow(a, b, result) && *result <= PTRDIFF_MAX;
}

static void *default_alloc(void *context, size_t bytes, size_t alignment) {
  (void)context;
  void *memory = NULL;
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}

static void default_free(void *context, void *memory, size_t bytes) {
  (void)context;
  (void)bytes;
  free(memory);
}

const bit_allocator bitrt_default_allocator = {default_alloc, default_free,
                                               NULL};

void *bitrt_allocate(const bit_allocator *allocator, size_t bytes) {
  if (bytes > PTRDIFF_MAX)
    return NULL;
  return allocator->alloc(allocator->context, bytes, BITRT_ALIGNMENT);
}

void bitrt_free(const bit_allocator *allocator, void *memory, size_t bytes) {
  if (memory != NULL)
    allocator->free(allocator->context, memory, bytes);
}

bool bitrt_reserve(const bit_allocator *allocator, bitrt_buffer *buffer,
                   size_t bytes) {
  if (buffer->data != NULL && buffer->bytes >= bytes)
    return true;
  bitrt_release(allocator, buffer);
  if (bytes < BITRT_ALIGNMENT)
    bytes = BITRT_ALIGNMENT;
  buffer->data = bitrt_allocate(allocator, bytes);
  buffer->bytes = buffer->data != NULL ? bytes : 0;
  return buffer->data != NULL;
}

void bitrt_release(const bit_allocator *allocator, bitrt_buffer *buffer) {
  bitrt_free(allocator, buffer->data, buffer->bytes);
  buffer->data = NULL;
  buffer->bytes = 0;
}
