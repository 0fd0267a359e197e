// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Pipelines/Levels.h"
#include "bit/abi.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace bit {

#define X86_64_V3                                                              \
  "cx16+popcnt+sse3+ssse3+sse4.1+sse4.2+avx+avx2+bmi+bmi2+f16c+fma+lzcnt+"     \
  "movbe"
#define AVX512 "avx512f+avx512cd+avx512bw+avx512dq+avx512vl"

static constexpr Level x86Levels[] = {
    {"avx512vbmi", X86_64_V3 "+" AVX512 "+avx512vnni+avx512vbmi",
     BIT_CPU_LEVEL_AVX512VBMI, /*base=*/"", /*kernelFeature=*/"avx512vbmi"},
    {"avx512vnni", X86_64_V3 "+" AVX512 "+avx512vnni",
     BIT_CPU_LEVEL_AVX512VNNI},
    {"avxvnni", X86_64_V3 "+avxvnni", BIT_CPU_LEVEL_AVXVNNI,
     /*base=*/"x86-64-v3"},
    {"x86-64-v3", X86_64_V3, BIT_CPU_LEVEL_X86_64_V3},
};

// Halves are computed in f32 on all of them, fullfp16 or not: one rounding less
// would be other bits.
static constexpr Level aarch64Levels[] = {
    {"i8mm", "neon+dotprod+i8mm", BIT_CPU_LEVEL_I8MM, /*base=*/"neon"},
    {"dotprod", "neon+dotprod", BIT_CPU_LEVEL_DOTPROD, /*base=*/"neon"},
    {"neon", "neon", BIT_CPU_LEVEL_NEON},
};

ArrayRef<Level> getLevels(StringRef architecture) {
  if (architecture == "x86_64")
    return x86Levels;
  if (architecture == "aarch64")
    return aarch64Levels;
  return {};
}

const Level *findLevel(StringRef architecture, StringRef name) {
  ArrayRef<Level> levels = getLevels(architecture);
  const Level *level =
      llvm::find_if(levels, [&](const Level &l) { return l.name == name; });
  return level == levels.end() ? nullptr : level;
}

} // namespace bit
