/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "cpu.h"

#include "bit/runtime.h"
#include <stdio.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

/* Registers of a cpuid answer. */
enum { EAX, EBX, ECX, EDX };

/* One feature: where cpuid has it and which register state it needs. */
typedef enum { STATE_NONE, STATE_AVX, STATE_AVX512 } register_state;
typedef struct {
  uint64_t feature;
  uint32_t leaf, subleaf;
  uint8_t reg, bit;
  uint8_t state;
} x86_feature;

static const x86_feature x86_features[] = {
    {BIT_CPU_SSE3, 1, 0, ECX, 0, STATE_NONE},
    {BIT_CPU_SSSE3, 1, 0, ECX, 9, STATE_NONE},
    {BIT_CPU_FMA, 1, 0, ECX, 12, STATE_AVX},
    {BIT_CPU_CX16, 1, 0, ECX, 13, STATE_NONE},
    {BIT_CPU_SSE4_1, 1, 0, ECX, 19, STATE_NONE},
    {BIT_CPU_SSE4_2, 1, 0, ECX, 20, STATE_NONE},
    {BIT_CPU_MOVBE, 1, 0, ECX, 22, STATE_NONE},
    {BIT_CPU_POPCNT, 1, 0, ECX, 23, STATE_NONE},
    {BIT_CPU_AVX, 1, 0, ECX, 28, STATE_AVX},
    {BIT_CPU_F16C, 1, 0, ECX, 29, STATE_AVX},
    {BIT_CPU_BMI, 7, 0, EBX, 3, STATE_NONE},
    {BIT_CPU_AVX2, 7, 0, EBX, 5, STATE_AVX},
    {BIT_CPU_BMI2, 7, 0, EBX, 8, STATE_NONE},
    {BIT_CPU_AVX512F, 7, 0, EBX, 16, STATE_AVX512},
    {BIT_CPU_AVX512DQ, 7, 0, EBX, 17, STATE_AVX512},
    {BIT_CPU_AVX512CD, 7, 0, EBX, 28, STATE_AVX512},
    {BIT_CPU_AVX512BW, 7, 0, EBX, 30, STATE_AVX512},
    {BIT_CPU_AVX512VL, 7, 0, EBX, 31, STATE_AVX512},
    {BIT_CPU_AVX512VBMI, 7, 0, ECX, 1, STATE_AVX512},
    {BIT_CPU_AVX512VBMI2, 7, 0, ECX, 6, STATE_AVX512},
    {BIT_CPU_GFNI, 7, 0, ECX, 8, STATE_NONE},
    {BIT_CPU_AVX512VNNI, 7, 0, ECX, 11, STATE_AVX512},
    {BIT_CPU_AVXVNNI, 7, 1, EAX, 4, STATE_AVX},
    {BIT_CPU_LZCNT, 0x80000001u, 0, ECX, 5, STATE_NONE},
};

/* XCR0: xmm and ymm; with opmask and both halves of zmm. */
#define XCR0_AVX UINT64_C(0x06)
#define XCR0_AVX512 UINT64_C(0xe6)

uint64_t bitrt_x86_features(const bitrt_cpuid_source *source) {
  uint32_t regs[4] = {0};
  source->cpuid(source->context, 0, 0, regs);
  uint32_t max_leaf = regs[EAX];
  source->cpuid(source->context, 0x80000000u, 0, regs);
  uint32_t max_extended_leaf = regs[EAX];
  uint32_t max_subleaf_7 = 0;
  if (max_leaf >= 7) {
    source->cpuid(source->context, 7, 0, regs);
    max_subleaf_7 = regs[EAX];
  }

  uint64_t xcr0 = 0;
  if (max_leaf >= 1) {
    source->cpuid(source->context, 1, 0, regs);
    if (regs[ECX] >> 27 & 1) /* OSXSAVE */
      xcr0 = source->xgetbv(source->context);
  }
  const int saved[] = {[STATE_NONE] = 1,
                       [STATE_AVX] = (xcr0 & XCR0_AVX) == XCR0_AVX,
                       [STATE_AVX512] = (xcr0 & XCR0_AVX512) == XCR0_AVX512};

  uint64_t features = 0;
  for (size_t i = 0; i < sizeof(x86_features) / sizeof(x86_features[0]); ++i) {
    const x86_feature *f = &x86_features[i];
    /* Beyond its last leaf an Intel CPU answers with that of another one. */
    uint32_t last = f->leaf >= 0x80000000u ? max_extended_leaf : max_leaf;
    if (f->leaf > last || f->subleaf > max_subleaf_7 || !saved[f->state])
      continue;
    source->cpuid(source->context, f->leaf, f->subleaf, regs);
    if (regs[f->reg] >> f->bit & 1)
      features |= f->feature;
  }
  return features;
}

uint64_t bitrt_aarch64_features(uint64_t hwcap, uint64_t hwcap2) {
  uint64_t features = 0;
  if (hwcap >> 1 & 1) /* HWCAP_ASIMD */
    features |= BIT_CPU_NEON;
  if (hwcap >> 20 & 1) /* HWCAP_ASIMDDP */
    features |= BIT_CPU_DOTPROD;
  if (hwcap >> 10 & 1) /* HWCAP_ASIMDHP */
    features |= BIT_CPU_FULLFP16;
  if (hwcap2 >> 13 & 1) /* HWCAP2_I8MM */
    features |= BIT_CPU_I8MM;
  return features;
}

#if defined(__x86_64__)
static void native_cpuid(void *context, uint32_t leaf, uint32_t subleaf,
                         uint32_t registers[4]) {
  (void)context;
  __cpuid_count(leaf, subleaf, registers[EAX], registers[EBX], registers[ECX],
                registers[EDX]);
}

static uint64_t native_xgetbv(void *context) {
  (void)context;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}
#endif

uint64_t bit_cpu_features(void) {
#if defined(__x86_64__)
  const bitrt_cpuid_source native = {native_cpuid, native_xgetbv, NULL};
  return bitrt_x86_features(&native);
#elif defined(__aarch64__) && defined(__linux__)
  return bitrt_aarch64_features(getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
#elif defined(__aarch64__)
  return BIT_CPU_NEON;
#else
  return 0;
#endif
}

static const struct {
  uint64_t feature;
  const char *name;
} feature_names[] = {
    {BIT_CPU_SSE3, "sse3"},
    {BIT_CPU_SSSE3, "ssse3"},
    {BIT_CPU_SSE4_1, "sse4.1"},
    {BIT_CPU_SSE4_2, "sse4.2"},
    {BIT_CPU_POPCNT, "popcnt"},
    {BIT_CPU_CX16, "cx16"},
    {BIT_CPU_AVX, "avx"},
    {BIT_CPU_AVX2, "avx2"},
    {BIT_CPU_FMA, "fma"},
    {BIT_CPU_F16C, "f16c"},
    {BIT_CPU_BMI, "bmi"},
    {BIT_CPU_BMI2, "bmi2"},
    {BIT_CPU_LZCNT, "lzcnt"},
    {BIT_CPU_MOVBE, "movbe"},
    {BIT_CPU_AVXVNNI, "avxvnni"},
    {BIT_CPU_AVX512F, "avx512f"},
    {BIT_CPU_AVX512CD, "avx512cd"},
    {BIT_CPU_AVX512BW, "avx512bw"},
    {BIT_CPU_AVX512DQ, "avx512dq"},
    {BIT_CPU_AVX512VL, "avx512vl"},
    {BIT_CPU_AVX512VNNI, "avx512vnni"},
    {BIT_CPU_AVX512VBMI, "avx512vbmi"},
    {BIT_CPU_AVX512VBMI2, "avx512vbmi2"},
    {BIT_CPU_GFNI, "gfni"},
    {BIT_CPU_NEON, "neon"},
    {BIT_CPU_DOTPROD, "dotprod"},
    {BIT_CPU_I8MM, "i8mm"},
    {BIT_CPU_FULLFP16, "fullfp16"},
};

const char *bitrt_format_features(char *text, size_t bytes, uint64_t features) {
  size_t used = 0;
  text[0] = '\0';
  size_t count = sizeof(feature_names) / sizeof(feature_names[0]);
  for (size_t i = 0; i < count && used < bytes; ++i) {
    if (!(features & feature_names[i].feature))
      continue;
    features &= ~feature_names[i].feature;
    int n = snprintf(text + used, bytes - used, "%s%s", used ? ", " : "",
                     feature_names[i].name);
    used += n > 0 ? (size_t)n : 0;
  }
  if (features && used < bytes)
    snprintf(text + used, bytes - used, "%sone this runtime does not know",
             used ? ", " : "");
  return text;
}
