/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What one core can do at best: fused multiply-adds from registers, and reading
 * memory from one end to the other. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { CHAINS = 12 };

/* `rounds` of 12 independent fused multiply-adds of 16 floats; returns how many
 * operations a round has. */
__attribute__((target("avx512f"))) int64_t probe_fma512(int64_t rounds) {
  __m512 sums[CHAINS], one = _mm512_set1_ps(1.0f);
#pragma clang loop unroll(full)
  for (int j = 0; j < CHAINS; ++j)
    sums[j] = one;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; ++j)
      __asm__ volatile("vfmadd231ps %1, %1, %0" : "+v"(sums[j]) : "v"(one));
  }
  return (int64_t)CHAINS * 16 * 2;
}

/* The same of 8 floats. */
__attribute__((target("avx2,fma"))) int64_t probe_fma256(int64_t rounds) {
  __m256 sums[CHAINS], one = _mm256_set1_ps(1.0f);
#pragma clang loop unroll(full)
  for (int j = 0; j < CHAINS; ++j)
    sums[j] = one;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; ++j)
      __asm__ volatile("vfmadd231ps %1, %1, %0" : "+x"(sums[j]) : "x"(one));
  }
  return (int64_t)CHAINS * 8 * 2;
}

/* Reads `bytes`, a multiple of 256, at `data`. */
__attribute__((target("avx2"))) int64_t probe_read(const char *data,
                                                   size_t bytes) {
  __m256i sums[8];
#pragma clang loop unroll(full)
  for (int j = 0; j < 8; ++j)
    sums[j] = _mm256_setzero_si256();
  for (size_t i = 0; i + 256 <= bytes; i += 256) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; ++j)
      sums[j] = _mm256_xor_si256(
          sums[j],
          _mm256_loadu_si256((const __m256i *)(data + i + 32 * (size_t)j)));
  }
#pragma clang loop unroll(full)
  for (int j = 1; j < 8; ++j)
    sums[0] = _mm256_xor_si256(sums[0], sums[j]);
  return _mm256_extract_epi64(sums[0], 0);
}
