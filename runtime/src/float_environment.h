/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A host may run with denormals flushed or another rounding; a model's bits
   may not depend on that, nor on which thread computes them. */
#ifndef BITRT_FLOAT_ENVIRONMENT_H
#define BITRT_FLOAT_ENVIRONMENT_H

#include <stdint.h>

/* Switches the calling thread to round-to-nearest, denormals kept, exceptions
   masked; returns what to give to bitrt_leave_float. */
static inline uint64_t bitrt_enter_float(void) {
#if defined(__x86_64__)
  uint32_t before, ours = 0x1f80;
  __asm__ volatile("stmxcsr %0" : "=m"(before));
  __asm__ volatile("ldmxcsr %0" : : "m"(ours) : "memory");
  return before;
#elif defined(__aarch64__)
  uint64_t before, ours = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(ours) : "memory");
  return before;
#else
  return 0;
#endif
}

static inline void bitrt_leave_float(uint64_t before) {
#if defined(__x86_64__)
  uint32_t word = (uint32_t)before;
  __asm__ volatile("ldmxcsr %0" : : "m"(word) : "memory");
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(before) : "memory");
#else
  (void)before;
#endif
}

#endif /* BITRT_FLOAT_ENVIRONMENT_H */
