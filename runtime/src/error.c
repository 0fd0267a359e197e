/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static _Thread_local char thread_message[BITRT_MESSAGE_BYTES];

bitrt_error bitrt_thread_error(void) { return (bitrt_error){thread_message}; }

const char *bit_last_error(void) { return thread_message; }

bit_status bitrt_fail(bitrt_error error, bit_status status, const char *format,
                      ...) {
  va_list arguments;
  va_start(arguments, format);
  if (vsnprintf(error.text, BITRT_MESSAGE_BYTES, format, arguments) < 0)
    error.text[0] = '\0';
  va_end(arguments);
  return status;
}

const char *bitrt_format_shape(char text[BITRT_SHAPE_BYTES],
                               const int64_t *dims, int32_t rank,
                               const char *const *names) {
  size_t used = 0;
  for (int32_t i = 0; i < rank && used < BITRT_SHAPE_BYTES; ++i) {
    const char *comma = i == 0 ? "[" : ", ";
    int n;
    if (dims[i] >= 0 || names == NULL)
      n = snprintf(text + used, BITRT_SHAPE_BYTES - used, "%s%" PRId64, comma,
                   dims[i]);
    else
      n = snprintf(text + used, BITRT_SHAPE_BYTES - used, "%s%s", comma,
                   names[i][0] ? names[i] : "?");
    used += n > 0 ? (size_t)n : 0;
  }
  if (used < BITRT_SHAPE_BYTES)
    snprintf(text + used, BITRT_SHAPE_BYTES - used, rank > 0 ? "]" : "[]");
  return text;
}

const char *bit_status_string(bit_status status) {
  switch (status) {
  case BIT_OK:
    return "BIT_OK";
  case BIT_INVALID_ARGUMENT:
    return "BIT_INVALID_ARGUMENT";
  case BIT_OUT_OF_MEMORY:
    return "BIT_OUT_OF_MEMORY";
  case BIT_FILE_ERROR:
    return "BIT_FILE_ERROR";
  case BIT_BAD_LIBRARY:
    return "BIT_BAD_LIBRARY";
  case BIT_ABI_MISMATCH:
    return "BIT_ABI_MISMATCH";
  case BIT_UNSUPPORTED_CPU:
    return "BIT_UNSUPPORTED_CPU";
  case BIT_BAD_LEVEL:
    return "BIT_BAD_LEVEL";
  case BIT_BAD_WEIGHTS:
    return "BIT_BAD_WEIGHTS";
  case BIT_WRONG_COUNT:
    return "BIT_WRONG_COUNT";
  case BIT_WRONG_DTYPE:
    return "BIT_WRONG_DTYPE";
  case BIT_WRONG_RANK:
    return "BIT_WRONG_RANK";
  case BIT_WRONG_SHAPE:
    return "BIT_WRONG_SHAPE";
  case BIT_WRONG_STRIDES:
    return "BIT_WRONG_STRIDES";
  case BIT_BAD_POINTER:
    return "BIT_BAD_POINTER";
  case BIT_RUN_FAILED:
    return "BIT_RUN_FAILED";
  case BIT_SESSION_BUSY:
    return "BIT_SESSION_BUSY";
  case BIT_RANGE:
    return "BIT_RANGE";
  }
  return "unknown status";
}
