// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/P2.h"
#include "bit/quant.h"
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

std::vector<uint8_t> pack(const P2Layout &layout,
                          const std::vector<int8_t> &weights) {
  // 0xFF is no code, so a byte that is left out shows.
  std::vector<uint8_t> packed(layout.getPackedBytes(), 0xFF);
  EXPECT_EQ(
      packP2(layout, weights.data(), 0, layout.getNumRows(), packed.data()),
      std::nullopt);
  return packed;
}

TEST(P2Test, UnpacksWhatItPacked) {
  for (int64_t n : {1, 2, 15, 16, 17, 63, 64, 65, 79, 80, 129, 192, 200})
    for (int64_t k = 1; k <= 50; ++k) {
      auto layout = P2Layout::get(n, k);
      auto weights = randomWeights(n * k, 1000 * n + k);
      auto packed = pack(*layout, weights);
      std::vector<int8_t> unpacked(n * k, 5);
      unpackP2(*layout, packed.data(), unpacked.data());
      ASSERT_EQ(unpacked, weights) << "n = " << n << ", k = " << k;
    }
}

TEST(P2Test, EveryCodeHasAPlaceOfItsOwnAndTheRestIsWeightZero) {
  for (int64_t n : {1, 16, 17, 70, 128, 130})
    for (int64_t k : {1, 5, 16, 33}) {
      auto layout = P2Layout::get(n, k);
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
        for (int shift = 0; shift < 8; shift += 2)
          ASSERT_EQ(packed[byte] >> shift & 3,
                    places.count({byte, shift}) ? 2 : 1);
    }
}

TEST(P2Test, PutsCodesWhereTheDocumentSays) {
  auto layout = P2Layout::get(100, 40);
  std::vector<int8_t> weights(100 * 40, 0);
  // Row 85 = block 1 (3 groups), group 1, row 5; k = 27 = step 1, plane 2,
  // byte 3.
  weights[85 * 40 + 27] = -1;
  auto packed = pack(*layout, weights);
  int64_t byte = 64 * 4 * 3 + (1 * 3 + 1) * 64 + 5 * 4 + 3;
  EXPECT_EQ(packed[byte], 0x45);
  packed[byte] = P2Layout::paddingByte;
  EXPECT_THAT(packed, Each(Eq(P2Layout::paddingByte)));
}

// The runtime is C and has code of its own for the same layout.
TEST(P2Test, TheRuntimePacksTheSameBytes) {
  for (int64_t n : {1, 15, 16, 17, 63, 64, 65, 79, 100, 129, 200})
    for (int64_t k = 1; k <= 50; ++k) {
      auto layout = P2Layout::get(n, k);
      auto weights = randomWeights(n * k, 100 * n + k);
      ASSERT_EQ(bit_rt_packed_bytes(n, k),
                static_cast<size_t>(layout->getPackedBytes()));
      std::vector<uint8_t> packed(layout->getPackedBytes(), 0xFF);
      ASSERT_EQ(bit_rt_pack_ternary(weights.data(), n, k, packed.data()),
                BIT_OK);
      ASSERT_EQ(packed, pack(*layout, weights)) << "n = " << n << ", k = " << k;
    }
}

TEST(P2Test, PacksInPiecesAsInOne) {
  constexpr int64_t n = 150, k = 37;
  auto layout = P2Layout::get(n, k);
  auto weights = randomWeights(n * k, 7);
  std::vector<uint8_t> pieces(layout->getPackedBytes(), 0xFF);
  for (int64_t row = 0; row < n; row += 48)
    packP2(*layout, weights.data() + row * k, row,
           std::min<int64_t>(48, n - row), pieces.data());
  EXPECT_EQ(pieces, pack(*layout, weights));
}

TEST(P2Test, NamesTheFirstWeightOutsideTheSet) {
  auto layout = P2Layout::get(3, 20);
  std::vector<int8_t> weights(60, 1);
  weights[41] = 2;
  weights[59] = -128;
  std::vector<uint8_t> packed(layout->getPackedBytes());
  EXPECT_EQ(packP2(*layout, weights.data(), 0, 3, packed.data()), 41);
}

/// Sixteen codes are checked at once: each of them, for each byte.
TEST(P2Test, RefusesEveryOtherByte) {
  constexpr int64_t k = 21;
  std::optional<P2Layout> layout = P2Layout::get(1, k);
  ASSERT_TRUE(layout);
  std::vector<uint8_t> packed(layout->getPackedBytes());
  for (int64_t at = 0; at < k; ++at)
    for (int byte = -128; byte < 128; ++byte) {
      std::vector<int8_t> weights(k, -1);
      weights[at] = static_cast<int8_t>(byte);
      std::optional<int64_t> bad =
          packP2(*layout, weights.data(), 0, 1, packed.data());
      if (byte >= -1 && byte <= 1)
        EXPECT_FALSE(bad) << byte;
      else
        EXPECT_EQ(bad, at) << byte;
    }
}

TEST(P2Test, PadsOnlyToWholeGroupsAndSteps) {
  EXPECT_EQ(P2Layout::get(1, 1)->getPackedBytes(), 64);
  EXPECT_EQ(P2Layout::get(10, 784)->getPackedBytes(), 49 * 64);
  EXPECT_EQ(P2Layout::get(65, 17)->getPackedBytes(), 5 * 2 * 64);
  EXPECT_EQ(P2Layout::get(65, 17)->getNumBlocks(), 2);
  EXPECT_EQ(P2Layout::get(65, 17)->getGroupsOfBlock(1), 1);
  EXPECT_EQ(P2Layout::get(6912, 2560)->getPackedBytes(), 6912 * 2560 / 4);
}

TEST(P2Test, EmptyMatricesHaveNoBytes) {
  EXPECT_EQ(P2Layout::get(0, 10)->getPackedBytes(), 0);
  EXPECT_EQ(P2Layout::get(10, 0)->getPackedBytes(), 0);
  EXPECT_EQ(packP2(*P2Layout::get(10, 0), nullptr, 0, 10, nullptr),
            std::nullopt);
}

TEST(P2Test, RefusesSizesThatOverflow) {
  int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE(P2Layout::get(-1, 4));
  EXPECT_FALSE(P2Layout::get(4, -1));
  EXPECT_FALSE(P2Layout::get(huge, huge));
  EXPECT_FALSE(P2Layout::get(huge, 17));
  EXPECT_TRUE(P2Layout::get(huge / 8, 1));
}

} // namespace
