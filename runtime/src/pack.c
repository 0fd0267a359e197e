/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Layout P2. Rows come in groups of 16 and groups in blocks of 4; the last
 * block has only the groups it needs. A block holds, for each step of 16 k,
 * the 64 bytes of each of its groups. Byte j of a group belongs to row j / 4
 * of it; its bits 2p and 2p+1 hold w + 1 for k = 16 step + 4 p + j % 4.
 * Padding is the weight 0.
 */
#include "memory.h"
#include "quant_check.h"

#include <string.h>

enum { ROWS = 16, STEP = 16, GROUP_BYTES = 64, GROUPS = 4, BLOCK_ROWS = 64 };

/* Four codes of the weight 0. */
enum { PADDING = 0x55 };

static size_t divide_up(size_t value, size_t unit) {
  return value / unit + (value % unit != 0);
}

size_t bit_rt_packed_bytes(size_t n, size_t k) {
  size_t bytes;
  if (!bitrt_multiply(divide_up(n, ROWS), divide_up(k, STEP), &bytes) ||
      !bitrt_multiply(bytes, GROUP_BYTES, &bytes))
    return 0;
  return bytes;
}

size_t bit_rt_packed_binary_bytes(size_t n, size_t k) {
  return bit_rt_packed_bytes(n, k);
}

/* Where the 4 bytes of a row's first step are, and the way to the next step. */
typedef struct row_place {
  size_t first, stride;
} row_place;

static row_place place_row(size_t row, size_t n, size_t k) {
  size_t groups = divide_up(n, ROWS), steps = divide_up(k, STEP);
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

static bit_status outside(int code, bool binary, size_t row, size_t column) {
  return bitrt_fail(bitrt_thread_error(), BIT_RANGE,
                    "expects codes %s, got %d at [%zu, %zu]",
                    binary ? "-1 and 1" : "-1, 0 and 1", code, row, column);
}

static bit_status pack(const int8_t *codes, size_t n, size_t k, uint8_t *packed,
                       bool binary) {
  bit_status status = check(codes, n, k, packed);
  size_t bytes = bit_rt_packed_bytes(n, k);
  if (status != BIT_OK || bytes == 0)
    return status;
  memset(packed, PADDING, bytes);
  for (size_t row = 0; row < n; ++row) {
    row_place place = place_row(row, n, k);
    for (size_t column = 0; column < k; ++column) {
      int code = codes[row * k + column];
      if (code < -1 || code > 1 || (binary && code == 0))
        return outside(code, binary, row, column);
      uint8_t *byte =
          packed + place.first + column / STEP * place.stride + column % 4;
      /* Against the padding's 01, w + 1 differs by an exclusive or. */
      *byte ^= (uint8_t)(((code + 1) ^ 1) << (column % STEP / 4 * 2));
    }
  }
  return BIT_OK;
}

static bit_status unpack(const uint8_t *packed, size_t n, size_t k,
                         int8_t *codes, bool binary) {
  bit_status status = check(codes, n, k, packed);
  if (status != BIT_OK || bit_rt_packed_bytes(n, k) == 0)
    return status;
  for (size_t row = 0; row < n; ++row) {
    row_place place = place_row(row, n, k);
    for (size_t column = 0; column < k; ++column) {
      uint8_t byte =
          packed[place.first + column / STEP * place.stride + column % 4];
      int code = (byte >> (column % STEP / 4 * 2) & 3) - 1;
      if (code > 1 || (binary && code == 0))
        return outside(code, binary, row, column);
      codes[row * k + column] = (int8_t)code;
    }
  }
  return BIT_OK;
}

bit_status bit_rt_pack_ternary(const int8_t *codes, size_t n, size_t k,
                               uint8_t *packed) {
  return pack(codes, n, k, packed, false);
}

bit_status bit_rt_pack_binary(const int8_t *codes, size_t n, size_t k,
                              uint8_t *packed) {
  return pack(codes, n, k, packed, true);
}

bit_status bit_rt_unpack_ternary(const uint8_t *packed, size_t n, size_t k,
                                 int8_t *codes) {
  return unpack(packed, n, k, codes, false);
}

bit_status bit_rt_unpack_binary(const uint8_t *packed, size_t n, size_t k,
                                int8_t *codes) {
  return unpack(packed, n, k, codes, true);
}
