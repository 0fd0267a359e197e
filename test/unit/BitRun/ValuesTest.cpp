// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Values.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>

using namespace bitrun;

namespace {

template <typename T>
Array arrayOf(int32_t dtype, std::vector<int64_t> shape,
              const std::vector<T> &values) {
  Array array;
  array.dtype = dtype;
  array.elementBytes = bit_dtype_bytes(dtype);
  array.shape = std::move(shape);
  array.data.resize(values.size() * sizeof(T));
  if (!values.empty())
    std::memcpy(array.data.data(), values.data(), array.data.size());
  return array;
}

Array floats(const std::vector<float> &values) {
  return arrayOf(BIT_FLOAT32, {static_cast<int64_t>(values.size())}, values);
}

double decoded(int32_t dtype, uint16_t bits) {
  if (bit_dtype_bytes(dtype) == 2)
    return numberAt(arrayOf<uint16_t>(dtype, {}, {bits}), 0);
  return numberAt(arrayOf<uint8_t>(dtype, {}, {static_cast<uint8_t>(bits)}), 0);
}

TEST(ValuesTest, DecodesSmallFloats) {
  EXPECT_EQ(decoded(BIT_FLOAT16, 0x3c00), 1);
  EXPECT_EQ(decoded(BIT_FLOAT16, 0xfbff), -65504);
  EXPECT_EQ(decoded(BIT_FLOAT16, 1), std::ldexp(1, -24));
  EXPECT_EQ(decoded(BIT_FLOAT16, 0x7c00), HUGE_VAL);
  EXPECT_EQ(decoded(BIT_BFLOAT16, 0x4049), 3.140625);
  EXPECT_EQ(decoded(BIT_FLOAT8E4M3FN, 0x7e), 448);
  EXPECT_TRUE(std::isnan(decoded(BIT_FLOAT8E4M3FN, 0x7f)));
  EXPECT_EQ(decoded(BIT_FLOAT8E4M3FNUZ, 0x7f), 240);
  EXPECT_TRUE(std::isnan(decoded(BIT_FLOAT8E4M3FNUZ, 0x80)));
  EXPECT_EQ(decoded(BIT_FLOAT8E5M2, 0x7b), 57344);
  EXPECT_EQ(decoded(BIT_FLOAT8E5M2FNUZ, 0x7f), 57344);
  EXPECT_EQ(decoded(BIT_FLOAT4E2M1, 7), 6);
  EXPECT_EQ(decoded(BIT_FLOAT4E2M1, 9), -.5);
  EXPECT_EQ(decoded(BIT_FLOAT8E8M0, 126), .5);
}

TEST(ValuesTest, ComparesLikeNumpy) {
  EXPECT_EQ(compare(floats({1, 2}), floats({1, 2}), 0, 0), "");
  EXPECT_EQ(compare(floats({NAN, INFINITY}), floats({NAN, INFINITY}), 0, 0),
            "");
  EXPECT_EQ(compare(floats({1.05f}), floats({1}), .1, 0), "");
  EXPECT_EQ(compare(floats({1.05f}), floats({1}), 0, .1), "");
  EXPECT_EQ(compare(floats({1.5f, 3}), floats({1, 2}), 0, 0),
            "expects 1, got 1.5 at [0] (off by 0.5, relative 0.5); 2 of 2 "
            "numbers differ");
  EXPECT_EQ(compare(floats({1.5f, 3}), floats({1, 2}), .1, 0),
            "expects 1, got 1.5 at [0] (off by 0.5, relative 0.5); 2 of 2 "
            "numbers differ");
  EXPECT_NE(compare(floats({1}), floats({NAN}), 1, 1), "");
  EXPECT_NE(compare(floats({NAN}), floats({1}), 1, 1), "");
  EXPECT_NE(compare(floats({1}), floats({INFINITY}), 1, 1), "");
  EXPECT_NE(compare(floats({INFINITY}), floats({-INFINITY}), 1, 1), "");
  EXPECT_EQ(compare(floats({}), floats({}), 0, 0), "");
  EXPECT_EQ(compare(floats({1}), floats({1, 2}), 0, 0),
            "expects float32 [2], got float32 [1]");
}

TEST(ValuesTest, TellsLargeIntegersApart) {
  int64_t large = int64_t{1} << 60;
  Array a = arrayOf<int64_t>(BIT_INT64, {}, {large});
  Array b = arrayOf<int64_t>(BIT_INT64, {}, {large + 1});
  EXPECT_EQ(compare(a, b, 0, 0),
            "expects 1152921504606846977, got 1152921504606846976 at [] (off "
            "by 0, relative 0); 1 of 1 numbers differ");
}

TEST(ValuesTest, MakesValuesOfEveryType) {
  std::mt19937_64 generator(7);
  for (int32_t dtype = BIT_FLOAT32; dtype <= BIT_INT2; ++dtype) {
    if (dtype == BIT_STRING)
      continue;
    Port port{"x", dtype, {64}, {""}};
    Array array = makeRandom(port, {64}, generator);
    bool differs = false;
    for (size_t i = 0; i < 64 * numbersPerElement(dtype); ++i) {
      double value = numberAt(array, i);
      EXPECT_TRUE(std::fabs(value) <= 6) << bit_dtype_name(dtype) << value;
      differs |= value != numberAt(array, 0);
    }
    EXPECT_TRUE(differs) << bit_dtype_name(dtype);
  }
}

} // namespace
