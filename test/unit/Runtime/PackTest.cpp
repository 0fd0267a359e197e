// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P2 and P1 against their description, read element by element.

#include "bit/quant.h"
#include "gtest/gtest.h"
#include <random>
#include <vector>

namespace {

/// The code of (row, column), looked up as the layout's drawing says: blocks of
/// 64 rows (the last one of ceil(rest / 16) groups), steps of 16 k, of 32 with
/// one bit, groups.
int lookUp(const std::vector<uint8_t> &packed, size_t n, size_t k, size_t row,
           size_t column, bool binary) {
  size_t step = binary ? 32 : 16;
  size_t steps = (k + step - 1) / step;
  size_t at = 0;
  for (size_t block = 0;; ++block) {
    size_t groups = std::min<size_t>(4, (n - block * 64 + 15) / 16);
    if (row < block * 64 + 64) {
      size_t group = (row - block * 64) / 16;
      at += (column / step * groups + group) * 64;
      break;
    }
    at += groups * steps * 64;
  }
  size_t j = row % 16 * 4 + column % 4;
  size_t p = column % step / 4;
  if (binary)
    return packed[at + j] >> p & 1 ? 1 : -1;
  return (packed[at + j] >> (2 * p) & 3) - 1;
}

std::vector<int8_t> randomCodes(size_t count, bool binary) {
  std::mt19937 generator(static_cast<unsigned>(count));
  std::vector<int8_t> codes(count);
  for (int8_t &code : codes)
    code =
        static_cast<int8_t>(binary ? generator() % 2 * 2 : generator() % 3) - 1;
  return codes;
}

using Shape = std::pair<size_t, size_t>;
class PackTest : public testing::TestWithParam<Shape> {};

TEST_P(PackTest, PutsEachCodeInItsPlace) {
  auto [n, k] = GetParam();
  for (bool binary : {false, true}) {
    std::vector<int8_t> codes = randomCodes(n * k, binary);
    std::vector<uint8_t> packed(binary ? bit_rt_packed_binary_bytes(n, k)
                                       : bit_rt_packed_bytes(n, k),
                                0xff);
    size_t step = binary ? 32 : 16;
    ASSERT_EQ(packed.size(), (n + 15) / 16 * ((k + step - 1) / step) * 64);
    auto pack = binary ? bit_rt_pack_binary : bit_rt_pack_ternary;
    ASSERT_EQ(pack(codes.data(), n, k, packed.data()), BIT_OK);
    size_t paddedRows = (n + 15) / 16 * 16;
    size_t paddedK = (k + step - 1) / step * step;
    for (size_t row = 0; row < paddedRows; ++row)
      for (size_t column = 0; column < paddedK; ++column)
        ASSERT_EQ(lookUp(packed, n, k, row, column, binary),
                  row < n && column < k ? codes[row * k + column]
                  : binary              ? -1
                                        : 0)
            << row << ", " << column;
  }
}

TEST_P(PackTest, UnpacksWhatItPacked) {
  auto [n, k] = GetParam();
  for (bool binary : {false, true}) {
    std::vector<int8_t> codes = randomCodes(n * k, binary), back(n * k);
    std::vector<uint8_t> packed(binary ? bit_rt_packed_binary_bytes(n, k)
                                       : bit_rt_packed_bytes(n, k));
    auto pack = binary ? bit_rt_pack_binary : bit_rt_pack_ternary;
    auto unpack = binary ? bit_rt_unpack_binary : bit_rt_unpack_ternary;
    ASSERT_EQ(pack(codes.data(), n, k, packed.data()), BIT_OK);
    ASSERT_EQ(unpack(packed.data(), n, k, back.data()), BIT_OK);
    EXPECT_EQ(back, codes);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, PackTest,
                         testing::Values(Shape(1, 1), Shape(16, 16),
                                         Shape(17, 15), Shape(64, 33),
                                         Shape(65, 16), Shape(100, 70),
                                         Shape(129, 1), Shape(0, 5),
                                         Shape(5, 0)));

TEST(PackTest, NamesCodesOutsideTheSet) {
  int8_t codes[6] = {0, 1, -1, 1, 2, 0};
  uint8_t packed[64];
  EXPECT_EQ(bit_rt_pack_ternary(codes, 2, 3, packed), BIT_RANGE);
  EXPECT_STREQ(bit_last_error(), "expects codes -1, 0 and 1, got 2 at [1, 1]");
  EXPECT_EQ(bit_rt_pack_binary(codes, 2, 3, packed), BIT_RANGE);
  EXPECT_STREQ(bit_last_error(), "expects codes -1 and 1, got 0 at [0, 0]");
  std::fill(packed, packed + 64, 0xff);
  EXPECT_EQ(bit_rt_unpack_ternary(packed, 2, 3, codes), BIT_RANGE);
  EXPECT_STREQ(bit_last_error(), "expects codes -1, 0 and 1, got 2 at [0, 0]");
}

TEST(PackTest, RefusesWhatCannotBe) {
  uint8_t byte;
  EXPECT_EQ(bit_rt_packed_bytes(SIZE_MAX, SIZE_MAX), 0u);
  EXPECT_EQ(bit_rt_packed_bytes(size_t{1} << 40, size_t{1} << 40), 0u);
  EXPECT_EQ(bit_rt_packed_binary_bytes(size_t{1} << 40, size_t{1} << 40), 0u);
  EXPECT_EQ(
      bit_rt_pack_ternary(nullptr, size_t{1} << 40, size_t{1} << 40, &byte),
      BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "1099511627776 x 1099511627776 elements "
                                 "exceed the address space");
  EXPECT_EQ(bit_rt_pack_ternary(nullptr, 1, 1, &byte), BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "expects codes, got NULL");
  int8_t code = 0;
  EXPECT_EQ(bit_rt_pack_ternary(&code, 1, 1, nullptr), BIT_INVALID_ARGUMENT);
  EXPECT_STREQ(bit_last_error(), "expects packed weights, got NULL");
}

} // namespace
