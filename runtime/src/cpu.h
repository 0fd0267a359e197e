/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the CPU can do, as BIT_CPU_* bits. */
#ifndef BITRT_CPU_H
#define BITRT_CPU_H

#include "bit/abi.h"

/* How the CPU is asked; a test asks recorded answers instead. */
typedef struct bitrt_cpuid_source {
  /* Registers in the order eax, ebx, ecx, edx. */
  void (*cpuid)(void *context, uint32_t leaf, uint32_t subleaf,
                uint32_t registers[4]);
  /* XCR0: which register states the operating system saves. Asked only if
     cpuid says that the instruction is there. */
  uint64_t (*xgetbv)(void *context);
  void *context;
} bitrt_cpuid_source;

uint64_t bitrt_x86_features(const bitrt_cpuid_source *source);

/* The same from AArch64 Linux's AT_HWCAP and AT_HWCAP2. */
uint64_t bitrt_aarch64_features(uint64_t hwcap, uint64_t hwcap2);

/* Names of the bits in `features` ("avx2, fma"), cut to `bytes`. */
const char *bitrt_format_features(char *text, size_t bytes, uint64_t features);

#endif /* BITRT_CPU_H */
