/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Checked sizes, the caller's allocator, and buffers that grow. */
#ifndef BITRT_MEMORY_H
#define BITRT_MEMORY_H

#include "bit/runtime.h"
#include <stdbool.h>

enum { BITRT_ALIGNMENT = 64 };

/* *result = a * b or a + b; false where that exceeds PTRDIFF_MAX. */
bool bitrt_multiply(size_t a, size_t b, size_t *result);
bool bitrt_add(size_t a, size_t b, size_t *result);

extern const bit_allocator bitrt_default_allocator;

/* 64-byte aligned; NULL for sizes over PTRDIFF_MAX. */
void *bitrt_allocate(const bit_allocator *allocator, size_t bytes);
void bitrt_free(const bit_allocator *allocator, void *memory, size_t bytes);

/* Memory that is kept from run to run. {NULL, 0} is a valid empty one. */
typedef struct bitrt_buffer {
  uint8_t *data;
  size_t bytes;
} bitrt_buffer;

/* Makes it at least `bytes` large, without keeping its contents. On failure it
   is false and the buffer empty. Asking for 0 bytes gives an address, too. */
bool bitrt_reserve(const bit_allocator *allocator, bitrt_buffer *buffer,
                   size_t bytes);
void bitrt_release(const bit_allocator *allocator, bitrt_buffer *buffer);

#endif /* BITRT_MEMORY_H */
