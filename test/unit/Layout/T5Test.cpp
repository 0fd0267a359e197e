// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/T5.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <limits>
#include <random>
#include <set>
#include <utility>
#include <vector>

using namespace bit;
using testing::Each;
using testing::Eq;

namespace {

std::vector<int8_t> randomWeights(int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<int8_t> weights(count);
  for (int8_t &weight : weights)
    weight = static_cast<int8_t>(static_cast<int>(engine() % 3) - 1);
  return weights;
}

std::vector<uint8_t> pack(const T5Layout &layout,
                          const std::vector<int8_t> &weights) {
  // 0xFF is no code, so a byte that is left out shows.
  std::vector<uint8_t> packed(layout.getPackedBytes(), 0xFF);
  packT5(layout, weights.data(), packed.data());
  return packed;
}

TEST(T5Test, UnpacksWhatItPacked) {
  for (int64_t n : {1, 16, 63, 64, 65, 128, 255, 256, 257, 400})
    for (int64_t k : {1, 3, 4, 5, 19, 20, 21, 80, 239, 240, 241, 260, 500}) {
      auto layout = T5Layout::get(n, k);
      auto weights = randomWeights(n * k, 1000 * n + k);
      auto packed = pack(*layout, weights);
      std::vector<int8_t> unpacked(n * k, 5);
      unpackT5(*layout, packed.data(), unpacked.data());
      ASSERT_EQ(unpacked, weights) << "n = " << n << ", k = " << k;
    }
}

TEST(T5Test, EveryWeightHasAPlaceOfItsOwnAndTheRestIsWeightZero) {
  for (int64_t n : {1, 64, 70, 300})
    for (int64_t k : {1, 20, 33, 250}) {
      auto layout = T5Layout::get(n, k);
      std::set<std::pair<int64_t, int>> places;
      std::vector<int> values(layout->getPackedBytes());
      for (int64_t row = 0; row < n; ++row)
        for (int64_t column = 0; column < k; ++column) {
          auto position = layout->getPosition(row, column);
          ASSERT_GE(position.byte, 0);
          ASSERT_LT(position.byte, layout->getPackedBytes());
          places.insert({position.byte, position.trit});
          int power = 1;
          for (int i = 0; i < position.trit; ++i)
            power *= 3;
          values[position.byte] += power;
        }
      ASSERT_EQ(static_cast<int64_t>(places.size()), n * k);
      auto ones = pack(*layout, std::vector<int8_t>(n * k, 1));
      auto minusOnes = pack(*layout, std::vector<int8_t>(n * k, -1));
      for (int64_t byte = 0; byte < layout->getPackedBytes(); ++byte) {
        ASSERT_EQ(ones[byte], values[byte]);
        ASSERT_EQ(minusOnes[byte],
                  values[byte] == 0 ? 0 : T5Layout::signBit + values[byte]);
      }
    }
}

TEST(T5Test, PutsWeightsWhereTheDocumentSays) {
  auto layout = T5Layout::get(400, 300);
  std::vector<int8_t> weights(400 * 300, 0);
  // Row 341 = block 1 (192 rows), unit 1, row 21: place 1 * 16 + 1 * 4 + 1;
  // k = 267 = panel 1 (3 steps), step 1, trit 1, byte 3.
  weights[341 * 300 + 267] = -1;
  auto packed = pack(*layout, weights);
  int64_t byte =
      12 * 4 * 448 + 3 * 4 * 256 + (1 * 4 + 3) * 192 + 64 + (16 + 4 + 1);
  EXPECT_EQ(packed[byte], 0x83);
  packed[byte] = 0;
  EXPECT_THAT(packed, Each(Eq(0)));
}

TEST(T5Test, IsAFifthSmallerThanTwoBits) {
  EXPECT_EQ(T5Layout::get(6912, 2560)->getPackedBytes(), 6912 * 2560 / 5);
  EXPECT_EQ(T5Layout::get(640, 2560)->getPackedBytes(), 640 * 2560 / 5);
}

TEST(T5Test, RefusesSizesWithoutBytes) {
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE(T5Layout::get(-1, 1));
  EXPECT_FALSE(T5Layout::get(1, -1));
  EXPECT_FALSE(T5Layout::get(most, most));
  EXPECT_FALSE(T5Layout::get(most, 21));
  EXPECT_TRUE(T5Layout::get(0, 0));
}

} // namespace
