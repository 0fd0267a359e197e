// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/P1.h"
#include "gtest/gtest.h"
#include <limits>
#include <random>
#include <set>
#include <utility>
#include <vector>

using namespace bit;

namespace {

std::vector<int8_t> randomWeights(int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<int8_t> weights(count);
  for (int8_t &weight : weights)
    weight = static_cast<int8_t>(static_cast<int>(engine() % 2 * 2) - 1);
  return weights;
}

std::vector<uint8_t> pack(const P1Layout &layout,
                          const std::vector<int8_t> &weights) {
  // A byte that is left out shows.
  std::vector<uint8_t> packed(layout.getPackedBytes(), 0xAA);
  EXPECT_EQ(
      packP1(layout, weights.data(), 0, layout.getNumRows(), packed.data()),
      std::nullopt);
  return packed;
}

TEST(P1Test, UnpacksWhatItPacked) {
  for (int64_t n : {1, 2, 15, 16, 17, 63, 64, 65, 79, 80, 129, 192, 200})
    for (int64_t k = 1; k <= 70; ++k) {
      auto layout = P1Layout::get(n, k);
      auto weights = randomWeights(n * k, 1000 * n + k);
      auto packed = pack(*layout, weights);
      std::vector<int8_t> unpacked(n * k, 5);
      unpackP1(*layout, packed.data(), unpacked.data());
      ASSERT_EQ(unpacked, weights) << "n = " << n << ", k = " << k;
    }
}

TEST(P1Test, EveryBitHasAPlaceOfItsOwnAndTheRestIsZero) {
  for (int64_t n : {1, 16, 17, 70, 128, 130})
    for (int64_t k : {1, 5, 32, 65}) {
      auto layout = P1Layout::get(n, k);
      std::set<std::pair<int64_t, int>> places;
      for (int64_t row = 0; row < n; ++row)
        for (int64_t column = 0; column < k; ++column) {
          auto position = layout->getPosition(row, column);
          ASSERT_GE(position.byte, 0);
          ASSERT_LT(position.byte, layout->getPackedBytes());
          places.insert({position.byte, position.shift});
        }
      ASSERT_EQ(static_cast<int64_t>(places.size()), n * k);
      auto packed = pack(*layout, std::vector<int8_t>(n * k, 1));
      for (int64_t byte = 0; byte < layout->getPackedBytes(); ++byte)
        for (int shift = 0; shift < 8; ++shift)
          ASSERT_EQ(packed[byte] >> shift & 1,
                    static_cast<int>(places.count({byte, shift})));
    }
}

TEST(P1Test, PutsBitsWhereTheDocumentSays) {
  auto layout = P1Layout::get(100, 80);
  std::vector<int8_t> weights(100 * 80, -1);
  // Row 85 = block 1 (3 groups), group 1, row 5; k = 55 = step 1, plane 5,
  // byte 3.
  weights[85 * 80 + 55] = 1;
  auto packed = pack(*layout, weights);
  int64_t byte = 64 * 4 * 3 + (1 * 3 + 1) * 64 + 5 * 4 + 3;
  EXPECT_EQ(packed[byte], 1 << 5);
  packed[byte] = 0;
  EXPECT_EQ(packed, std::vector<uint8_t>(packed.size()));
}

TEST(P1Test, PacksInPiecesAsInOne) {
  constexpr int64_t n = 150, k = 37;
  auto layout = P1Layout::get(n, k);
  auto weights = randomWeights(n * k, 7);
  std::vector<uint8_t> pieces(layout->getPackedBytes(), 0xAA);
  for (int64_t row = 0; row < n; row += 48)
    packP1(*layout, weights.data() + row * k, row,
           std::min<int64_t>(48, n - row), pieces.data());
  EXPECT_EQ(pieces, pack(*layout, weights));
}

/// 32 codes are checked at once: each of them, for each byte.
TEST(P1Test, RefusesEveryOtherByte) {
  constexpr int64_t k = 41;
  std::optional<P1Layout> layout = P1Layout::get(1, k);
  ASSERT_TRUE(layout);
  std::vector<uint8_t> packed(layout->getPackedBytes());
  for (int64_t at = 0; at < k; ++at)
    for (int byte = -128; byte < 128; ++byte) {
      std::vector<int8_t> weights(k, -1);
      weights[at] = static_cast<int8_t>(byte);
      std::optional<int64_t> bad =
          packP1(*layout, weights.data(), 0, 1, packed.data());
      if (byte == -1 || byte == 1)
        EXPECT_FALSE(bad) << byte;
      else
        EXPECT_EQ(bad, at) << byte;
    }
}

TEST(P1Test, PadsOnlyToWholeGroupsAndSteps) {
  EXPECT_EQ(P1Layout::get(1, 1)->getPackedBytes(), 64);
  EXPECT_EQ(P1Layout::get(10, 784)->getPackedBytes(), 25 * 64);
  EXPECT_EQ(P1Layout::get(65, 33)->getPackedBytes(), 5 * 2 * 64);
  EXPECT_EQ(P1Layout::get(6912, 2560)->getPackedBytes(), 6912 * 2560 / 8);
  EXPECT_EQ(P1Layout::get(0, 10)->getPackedBytes(), 0);
  EXPECT_EQ(P1Layout::get(10, 0)->getPackedBytes(), 0);
}

TEST(P1Test, RefusesSizesThatOverflow) {
  int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE(P1Layout::get(-1, 4));
  EXPECT_FALSE(P1Layout::get(4, -1));
  EXPECT_FALSE(P1Layout::get(huge, huge));
  EXPECT_FALSE(P1Layout::get(huge, 33));
  EXPECT_TRUE(P1Layout::get(huge / 8, 1));
}

} // namespace
