// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Our fma, floor and rounding against libm's.

#include "float_math.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

namespace {

TEST(FloatMathTest, FmaRoundsOnce) {
  std::mt19937 generator(23);
  // All bit patterns, then exponents so close that halfway cases are frequent.
  for (int i = 0; i < 3000000; ++i) {
    auto any = [&] {
      uint32_t bits = generator();
      if (i % 2)
        bits = (bits & 0x80fff00f) | (120 + generator() % 14) << 23;
      return bitrt_float_from_bits(bits);
    };
    float a = any(), b = any(), c = any();
    float got = bitrt_fma(a, b, c), expected = std::fma(a, b, c);
    if (std::isnan(expected))
      ASSERT_TRUE(std::isnan(got));
    else
      ASSERT_EQ(bitrt_float_bits(got), bitrt_float_bits(expected))
          << a << " * " << b << " + " << c;
  }
}

TEST(FloatMathTest, RoundsAndFloors) {
  for (int i = -2000; i <= 2000; ++i) {
    float value = static_cast<float>(i) / 8;
    EXPECT_EQ(bitrt_round_half_even(value), std::nearbyint(value));
    EXPECT_EQ(bitrt_floor(value), std::floor(value));
  }
}

} // namespace
