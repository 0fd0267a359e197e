// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Features from recorded cpuid answers. A row holds only the leaves that are
// read, in the form that `cpuid -r` prints.

#include "bit/runtime.h"
#include "gtest/gtest.h"
#include <vector>

extern "C" {
#include "cpu.h"
}

namespace {

struct Leaf {
  uint32_t leaf, subleaf, eax, ebx, ecx, edx;
};

struct Dump {
  const char *name;
  std::vector<Leaf> leaves;
  uint64_t xcr0;
  uint64_t has, lacks; ///< BIT_CPU_*
};

void answer(void *context, uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
  const Dump &dump = *static_cast<const Dump *>(context);
  for (const Leaf &entry : dump.leaves)
    if (entry.leaf == leaf && entry.subleaf == subleaf) {
      out[0] = entry.eax;
      out[1] = entry.ebx;
      out[2] = entry.ecx;
      out[3] = entry.edx;
      return;
    }
  out[0] = out[1] = out[2] = out[3] = 0;
}

uint64_t answerXcr0(void *context) {
  return static_cast<const Dump *>(context)->xcr0;
}

uint64_t featuresOf(const Dump &dump) {
  bitrt_cpuid_source source{answer, answerXcr0, const_cast<Dump *>(&dump)};
  return bitrt_x86_features(&source);
}

constexpr uint64_t v3 = BIT_CPU_LEVEL_X86_64_V3;
constexpr uint64_t vnni512 = BIT_CPU_LEVEL_AVX512VNNI;

const Dump nehalem{"Nehalem",
                   {{0, 0, 0x0b, 0, 0, 0},
                    {1, 0, 0x106a5, 0, 0x009ce3bd, 0xbfebfbff},
                    {0x80000000, 0, 0x80000008, 0, 0, 0},
                    {0x80000001, 0, 0, 0, 1, 0x28100800}},
                   0,
                   BIT_CPU_SSE4_2 | BIT_CPU_POPCNT | BIT_CPU_CX16,
                   BIT_CPU_AVX | BIT_CPU_AVX2 | BIT_CPU_LZCNT};
const Dump haswell{"Haswell",
                   {{0, 0, 0x0d, 0, 0, 0},
                    {1, 0, 0x306c3, 0, 0x7ffafbff, 0xbfebfbff},
                    {7, 0, 0, 0x000027ab, 0, 0x9c000000},
                    {0x80000000, 0, 0x80000008, 0, 0, 0},
                    {0x80000001, 0, 0, 0, 0x21, 0x2c100800}},
                   7,
                   v3,
                   BIT_CPU_AVX512F | BIT_CPU_AVXVNNI | BIT_CPU_GFNI};
const Dump alderLake{"AlderLake",
                     {{0, 0, 0x20, 0, 0, 0},
                      {1, 0, 0x90672, 0, 0x7ffafbff, 0xbfebfbff},
                      {7, 0, 2, 0x239c27eb, 0x98c027bc, 0xfc1cc410},
                      {7, 1, 0x00401c30, 0, 0, 0},
                      {0x80000000, 0, 0x80000008, 0, 0, 0},
                      {0x80000001, 0, 0, 0, 0x121, 0x2c100800}},
                     7,
                     BIT_CPU_LEVEL_AVXVNNI | BIT_CPU_GFNI,
                     BIT_CPU_AVX512F | BIT_CPU_AVX512VNNI};
const Dump zen4{"Zen4",
                {{0, 0, 0x10, 0, 0, 0},
                 {1, 0, 0xa60f12, 0, 0x7ef8320b, 0x178bfbff},
                 {7, 0, 1, 0xf1bf97a9, 0x00405fce, 0x10000010},
                 {7, 1, 0x20, 0, 0, 0},
                 {0x80000000, 0, 0x80000028, 0, 0, 0},
                 {0x80000001, 0, 0xa60f12, 0, 0x75c237ff, 0x2fd3fbff}},
                0xe7,
                vnni512 | BIT_CPU_AVX512VBMI | BIT_CPU_AVX512VBMI2,
                BIT_CPU_AVXVNNI};

Dump withXcr0(Dump dump, const char *name, uint64_t xcr0, uint64_t has,
              uint64_t lacks) {
  dump.name = name;
  dump.xcr0 = xcr0;
  dump.has = has;
  dump.lacks = lacks;
  return dump;
}

/// A hypervisor that hides OSXSAVE; asking XCR0 then would be a fault.
Dump withoutOsxsave(Dump dump) {
  dump.name = "Zen4WithoutOsxsave";
  dump.leaves[1].ecx &= ~(1u << 27);
  dump.has = BIT_CPU_SSE4_2 | BIT_CPU_BMI2;
  dump.lacks = BIT_CPU_AVX | BIT_CPU_AVX2 | BIT_CPU_FMA | BIT_CPU_AVX512F;
  return dump;
}

class CpuTest : public testing::TestWithParam<Dump> {};

TEST_P(CpuTest, HasWhatItHas) {
  uint64_t features = featuresOf(GetParam());
  EXPECT_EQ(features & GetParam().has, GetParam().has) << std::hex << features;
  EXPECT_EQ(features & GetParam().lacks, 0u) << std::hex << features;
}

INSTANTIATE_TEST_SUITE_P(
    Dumps, CpuTest,
    testing::Values(nehalem, haswell, alderLake, zen4,
                    withXcr0(zen4, "Zen4WithoutZmmState", 7, v3,
                             BIT_CPU_AVX512F | BIT_CPU_AVX512VNNI),
                    withXcr0(haswell, "HaswellWithoutYmmState", 3,
                             BIT_CPU_SSE4_2 | BIT_CPU_BMI2,
                             BIT_CPU_AVX | BIT_CPU_AVX2 | BIT_CPU_FMA),
                    withoutOsxsave(zen4)),
    [](const auto &info) { return std::string(info.param.name); });

TEST(CpuTest, DoesNotReadBeyondTheLastLeaf) {
  // An old Intel CPU answers leaf 7 with its last leaf: here, all ones.
  Dump old{"Old",
           {{0, 0, 2, 0, 0, 0},
            {1, 0, 0, 0, 0, 0},
            {7, 0, ~0u, ~0u, ~0u, ~0u},
            {7, 1, ~0u, ~0u, ~0u, ~0u},
            {0x80000000, 0, 0, 0, 0, 0},
            {0x80000001, 0, ~0u, ~0u, ~0u, ~0u}},
           0xe7,
           0,
           0};
  EXPECT_EQ(featuresOf(old), 0u);
}

TEST(CpuTest, ReadsHardwareCapabilities) {
  // Cortex-A53, Neoverse N1, Neoverse V1 under Linux.
  EXPECT_EQ(bitrt_aarch64_features(0xff, 0), BIT_CPU_NEON);
  EXPECT_EQ(bitrt_aarch64_features(0x119fff, 0),
            BIT_CPU_NEON | BIT_CPU_DOTPROD | BIT_CPU_FULLFP16);
  EXPECT_EQ(bitrt_aarch64_features(0x119fff, 0x2000),
            BIT_CPU_NEON | BIT_CPU_DOTPROD | BIT_CPU_FULLFP16 | BIT_CPU_I8MM);
}

#if defined(__x86_64__)
TEST(CpuTest, AgreesWithTheCompilersBuiltins) {
  uint64_t features = bit_cpu_features();
  EXPECT_EQ(!!(features & BIT_CPU_AVX2), !!__builtin_cpu_supports("avx2"));
  EXPECT_EQ(!!(features & BIT_CPU_FMA), !!__builtin_cpu_supports("fma"));
  EXPECT_EQ(!!(features & BIT_CPU_AVX512F),
            !!__builtin_cpu_supports("avx512f"));
  EXPECT_EQ(!!(features & BIT_CPU_AVX512VNNI),
            !!__builtin_cpu_supports("avx512vnni"));
}
#endif

TEST(CpuTest, NamesFeatures) {
  char text[80];
  EXPECT_STREQ(bitrt_format_features(text, sizeof(text), 0), "");
  EXPECT_STREQ(bitrt_format_features(text, sizeof(text),
                                     BIT_CPU_AVX2 | BIT_CPU_AVX512VNNI),
               "avx2, avx512vnni");
  EXPECT_STREQ(bitrt_format_features(text, 8, BIT_CPU_LEVEL_X86_64_V3),
               "sse3, s");
}

} // namespace
