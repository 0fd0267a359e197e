/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Layouts P2 and P1 of 2 and 1 bits a weight. Rows come in groups of 16 and
 * groups in blocks of 4; the last block has only the groups it needs. A block
 * holds, for each step of 32 / bits k, the 64 bytes of each of its groups. Byte
 * j of a group belongs to row j / 4 of it; from bit p * bits on it holds the
 * code of k = 32 / bits * step + 4 p + j % 4: w + 1 in P2, w > 0 in P1. Padding
 * is the weight 0 in P2, the bit 0 in P1.
 */
#include "memory.h"
#include "quant_check.h"

#include <string.h>

enum { ROWS = 16, GROUP_BYTES = 64, GROUPS = 4, BLOCK_ROWS = 64 };

typedef enum kind { BINARY = 1, TERNARY = 2 } kind; /* bits a weight */

/* Four codes of the weight 0. */
enum { TERNARY_PADDING = 0x55 };

static size_t step_of(kind kind) { return 32 / (size_t)kind; }

static size_t divide_up(size_t value, size_t unit) {
  return value / unit + (value % unit != 0);
}

static size_t packed_bytes(size_t n, size_t k, kind kind) {
  size_t bytes;
  if (!bitrt_multiply(divide_up(n, ROWS), divide_up(k, step_of(kind)),
                      &bytes) ||
      !bitrt_multiply(bytes, GROUP_BYTES, &bytes))
    return 0;
  return bytes;
}

size_t bit_rt_packed_bytes(size_t n, size_t k) {
  return packed_bytes(n, k, TERNARY);
}

size_t bit_rt_packed_binary_bytes(size_t n, size_t k) {
  return packed_bytes(n, k, BINARY);
}

/* Where the 4 bytes of a row's first step are, and the way to the next step. */
typedef struct row_place {
  size_t first, stride;
} row_place;

static row_place place_row(size_t row, size_t n, size_t k, kind kind) {
  size_t groups = divide_up(n, ROWS), steps = divide_up(k, step_of(kind));
  size_t block = row / BLOCK_ROWS, group = row % BLOCK_ROWS / ROWS;
  size_t in_block = groups - block * GROUPS;
  if (in_block > GROUPS)
    in_block = GROUPS;
  return (row_place){(block * GROUPS * steps + group) * GROUP_BYTES +
                         row % ROWS * 4,
                     in_block * GROUP_BYTES};
}

static bit_status check(const void *codes, size_t n, size_t k,
                        const void *packed) {
  size_t count;
  bit_status status = bitrt_count_elements(n, k, &count);
  if (status == BIT_OK)
    status = bitrt_check_pointer(codes, count, "codes");
  if (status == BIT_OK)
    status = bitrt_check_pointer(packed, count, "packed weights");
  return status;
}

/* Where the code of `column` is in a row. */
static size_t byte_of(row_place place, size_t column, kind kind) {
  return place.first + column / step_of(kind) * place.stride + column % 4;
}

static unsigned shift_of(size_t column, kind kind) {
  return (unsigned)(column % step_of(kind) / 4 * (size_t)kind);
}

static bit_status outside(int code, kind kind, size_t row, size_t column) {
  return bitrt_fail(
      bitrt_thread_error(), BIT_RANGE, "expects codes %s, got %d at [%zu, %zu]",
      kind == BINARY ? "-1 and 1" : "-1, 0 and 1", code, row, column);
}

static bit_status pack(const int8_t *codes, size_t n, size_t k, uint8_t *packed,
                       kind kind) {
  bit_status status = check(codes, n, k, packed);
  size_t bytes = packed_bytes(n, k, kind);
  if (status != BIT_OK || bytes == 0)
    return status;
  memset(packed, kind == TERNARY ? TERNARY_PADDING : 0, bytes);
  for (size_t row = 0; row < n; ++row) {
    row_place place = place_row(row, n, k, kind);
    for (size_t column = 0; column < k; ++column) {
      int code = codes[row * k + column];
      if (code < -1 || code > 1 || (kind == BINARY && code == 0))
        return outside(code, kind, row, column);
      /* Against the padding, 01 or 0, a code differs by an exclusive or. */
      int bits = kind == TERNARY ? (code + 1) ^ 1 : code > 0;
      packed[byte_of(place, column, kind)] ^=
          (uint8_t)(bits << shift_of(column, kind));
    }
  }
  return BIT_OK;
}

static bit_status unpack(const uint8_t *packed, size_t n, size_t k,
                         int8_t *codes, kind kind) {
  bit_status status = check(codes, n, k, packed);
  if (status != BIT_OK || packed_bytes(n, k, kind) == 0)
    return status;
  for (size_t row = 0; row < n; ++row) {
    row_place place = place_row(row, n, k, kind);
    for (size_t column = 0; column < k; ++column) {
      int bits = packed[byte_of(place, column, kind)] >> shift_of(column, kind);
      int code = kind == TERNARY ? (bits & 3) - 1 : (bits & 1) * 2 - 1;
      if (code > 1)
        return outside(code, kind, row, column);
      codes[row * k + column] = (int8_t)code;
    }
  }
  return BIT_OK;
}

bit_status bit_rt_pack_ternary(const int8_t *codes, size_t n, size_t k,
                               uint8_t *packed) {
  return pack(codes, n, k, packed, TERNARY);
}

bit_status bit_rt_pack_binary(const int8_t *codes, size_t n, size_t k,
                              uint8_t *packed) {
  return pack(codes, n, k, packed, BINARY);
}

bit_status bit_rt_unpack_ternary(const uint8_t *packed, size_t n, size_t k,
                                 int8_t *codes) {
  return unpack(packed, n, k, codes, TERNARY);
}

bit_status bit_rt_unpack_binary(const uint8_t *packed, size_t n, size_t k,
                                int8_t *codes) {
  return unpack(packed, n, k, codes, BINARY);
}
