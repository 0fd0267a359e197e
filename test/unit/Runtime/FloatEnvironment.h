// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The float environment of the calling thread, which a host may have changed.

#ifndef BIT_TEST_FLOATENVIRONMENT_H
#define BIT_TEST_FLOATENVIRONMENT_H

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__x86_64__)

/// Flushes denormals, rounds up; what compiled code runs with.
constexpr uint64_t flushes = 0x8040, roundsUp = _MM_ROUND_UP, ours = 0x1f80;

inline uint64_t readFloatEnvironment() {
  // Without the flags that arithmetic sets.
  return _mm_getcsr() & ~0x3fu;
}
inline void writeFloatEnvironment(uint64_t word) { _mm_setcsr(word); }

#elif defined(__aarch64__)

constexpr uint64_t flushes = UINT64_C(1) << 24, roundsUp = UINT64_C(1) << 22,
                   ours = 0;

inline uint64_t readFloatEnvironment() {
  uint64_t word;
  __asm__ volatile("mrs %0, fpcr" : "=r"(word));
  return word;
}
inline void writeFloatEnvironment(uint64_t word) {
  __asm__ volatile("msr fpcr, %0" : : "r"(word) : "memory");
}

#endif

#endif // BIT_TEST_FLOATENVIRONMENT_H
