/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where messages are written: one place a thread, one a session. */
#ifndef BITRT_ERROR_H
#define BITRT_ERROR_H

#include "bit/runtime.h"

enum { BITRT_MESSAGE_BYTES = 512 };

typedef struct bitrt_error {
  char *text; /* BITRT_MESSAGE_BYTES of it */
} bitrt_error;

/* The buffer behind bit_last_error of the calling thread. */
bitrt_error bitrt_thread_error(void);

/* Writes the message, cut to the buffer's size, and returns `status`, so that
   a check can `return bitrt_fail(...)`. */
bit_status bitrt_fail(bitrt_error error, bit_status status, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));

/* "[2, ?, 64]" into text, cut to its size; a dim of -1 gives its name or "?".
 */
enum { BITRT_SHAPE_BYTES = 160 };
const char *bitrt_format_shape(char text[BITRT_SHAPE_BYTES],
                               const int64_t *dims, int32_t rank,
                               const char *const *names);

#endif /* BITRT_ERROR_H */
