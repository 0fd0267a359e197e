/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The checksum of a model's weights (weights_hash of bit/abi.h), which the
 * compiler writes and BIT_VERIFY_WEIGHTS compares: against damage, not against
 * forgery. Any change of one 8-byte word changes it. C99.
 */
#ifndef BIT_CHECKSUM_H
#define BIT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BIT_CHECKSUM_LANES 8
#define BIT_CHECKSUM_BLOCK ((size_t)8 * BIT_CHECKSUM_LANES)

/* The state of a checksum; begin with {{0}, {0}, 0}. */
typedef struct bit_checksum {
  uint64_t lanes[BIT_CHECKSUM_LANES];
  unsigned char block[8 * BIT_CHECKSUM_LANES]; /* the bytes % 64 last ones */
  uint64_t bytes;
} bit_checksum;

/* Eight independent chains, each one invertible in its word and in its state;
   words are in the byte order of the machine, little-endian on all we know. */
static inline void bit_checksum_blocks(bit_checksum *sum, const void *data,
                                       size_t blocks) {
  const unsigned char *at = (const unsigned char *)data;
  uint64_t lanes[BIT_CHECKSUM_LANES];
  memcpy(lanes, sum->lanes, sizeof(lanes));
  for (; blocks > 0; --blocks, at += BIT_CHECKSUM_BLOCK) {
    int i;
    for (i = 0; i < BIT_CHECKSUM_LANES; ++i) {
      uint64_t word;
      memcpy(&word, at + 8 * i, 8);
      lanes[i] = (lanes[i] ^ word) * UINT64_C(0x9e3779b97f4a7c15);
      lanes[i] ^= lanes[i] >> 29;
    }
  }
  memcpy(sum->lanes, lanes, sizeof(lanes));
}

/* Adds `count` bytes. */
static inline void bit_checksum_add(bit_checksum *sum, const void *data,
                                    size_t count) {
  const unsigned char *at = (const unsigned char *)data;
  size_t used = (size_t)(sum->bytes % BIT_CHECKSUM_BLOCK);
  sum->bytes += count;
  if (used > 0) {
    size_t part = BIT_CHECKSUM_BLOCK - used;
    if (part > count)
      part = count;
    memcpy(sum->block + used, at, part);
    if (used + part < BIT_CHECKSUM_BLOCK)
      return;
    bit_checksum_blocks(sum, sum->block, 1);
    at += part;
    count -= part;
  }
  bit_checksum_blocks(sum, at, count / BIT_CHECKSUM_BLOCK);
  used = count % BIT_CHECKSUM_BLOCK;
  if (used > 0)
    memcpy(sum->block, at + (count - used), used);
}

/* The checksum of all that was added, never {0, 0}; `sum` is used up. */
static inline void bit_checksum_finish(bit_checksum *sum, uint64_t result[2]) {
  uint64_t mixed[2];
  size_t used = (size_t)(sum->bytes % BIT_CHECKSUM_BLOCK);
  int i;
  if (used > 0) {
    memset(sum->block + used, 0, BIT_CHECKSUM_BLOCK - used);
    bit_checksum_blocks(sum, sum->block, 1);
  }
  mixed[0] = sum->bytes;
  mixed[1] = ~sum->bytes;
  for (i = 0; i < BIT_CHECKSUM_LANES; ++i) {
    uint64_t *word = &mixed[i % 2];
    *word = (*word ^ sum->lanes[i]) * UINT64_C(0xd6e8feb86659fd93);
    *word ^= *word >> 32;
  }
  result[0] = mixed[0];
  result[1] = mixed[1] != 0 ? mixed[1] : 1;
}

#endif /* BIT_CHECKSUM_H */
