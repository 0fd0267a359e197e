// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P1 and P2. SameLayoutTest compares their bytes with the runtime's.

#include "bit/Layout/Planes.h"
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

class PlanesTest : public testing::TestWithParam<int64_t> {
protected:
  int64_t bits() { return GetParam(); }
  int mask() { return (1 << bits()) - 1; }

  PlaneLayout get(int64_t n, int64_t k) {
    return *PlaneLayout::get(bits(), n, k);
  }

  std::vector<int8_t> randomWeights(int64_t count, unsigned seed) {
    std::mt19937 engine(seed);
    std::vector<int8_t> weights(count);
    for (int8_t &weight : weights)
      weight = static_cast<int8_t>(
          static_cast<int>(bits() == 1 ? engine() % 2 * 2 : engine() % 3) - 1);
    return weights;
  }

  std::vector<uint8_t> pack(const PlaneLayout &layout,
                            const std::vector<int8_t> &weights) {
    // No padding, so a byte that is left out shows.
    std::vector<uint8_t> packed(layout.getPackedBytes(), 0xFE);
    EXPECT_EQ(
        layout.pack(weights.data(), 0, layout.getNumRows(), packed.data()),
        std::nullopt);
    return packed;
  }
};

TEST_P(PlanesTest, UnpacksWhatItPacked) {
  for (int64_t n : {1, 2, 15, 16, 17, 63, 64, 65, 79, 80, 129, 192, 200})
    for (int64_t k = 1; k <= 70; ++k) {
      PlaneLayout layout = get(n, k);
      auto weights = randomWeights(n * k, 1000 * n + k);
      auto packed = pack(layout, weights);
      std::vector<int8_t> unpacked(n * k, 5);
      layout.unpack(packed.data(), unpacked.data());
      ASSERT_EQ(unpacked, weights) << "n = " << n << ", k = " << k;
    }
}

TEST_P(PlanesTest, EveryCodeHasAPlaceOfItsOwnAndTheRestIsPadding) {
  const int one = bits() == 1 ? 1 : 2, padding = bits() == 1 ? 0 : 1;
  for (int64_t n : {1, 16, 17, 70, 128, 130})
    for (int64_t k : {1, 5, 16, 32, 33, 65}) {
      PlaneLayout layout = get(n, k);
      std::set<std::pair<int64_t, int>> places;
      for (int64_t row = 0; row < n; ++row)
        for (int64_t column = 0; column < k; ++column) {
          auto position = layout.getPosition(row, column);
          ASSERT_GE(position.byte, 0);
          ASSERT_LT(position.byte, layout.getPackedBytes());
          places.insert({position.byte, position.shift});
        }
      ASSERT_EQ(static_cast<int64_t>(places.size()), n * k);
      auto packed = pack(layout, std::vector<int8_t>(n * k, 1));
      for (int64_t byte = 0; byte < layout.getPackedBytes(); ++byte)
        for (int shift = 0; shift < 8; shift += static_cast<int>(bits()))
          ASSERT_EQ(packed[byte] >> shift & mask(),
                    places.count({byte, shift}) ? one : padding);
    }
}

TEST_P(PlanesTest, PutsCodesWhereTheDocumentSays) {
  constexpr int64_t n = 100, k = 80;
  PlaneLayout layout = get(n, k);
  std::vector<int8_t> weights(n * k, bits() == 1 ? -1 : 0);
  // Row 85 = block 1 (3 groups), group 1, row 5; byte 3 of a plane of step 1:
  // plane 5 of 1 bit, plane 2 of 2 bits.
  weights[85 * k + (bits() == 1 ? 32 + 5 * 4 : 16 + 2 * 4) + 3] = 1;
  auto packed = pack(layout, weights);
  int64_t steps = bits() == 1 ? 3 : 5;
  int64_t byte = 64 * 4 * steps + (1 * 3 + 1) * 64 + 5 * 4 + 3;
  EXPECT_EQ(packed[byte], bits() == 1 ? 1 << 5 : 0x65);
  packed[byte] = PlaneLayout::getPaddingByte(bits());
  EXPECT_THAT(packed, Each(Eq(bits() == 1 ? 0 : 0x55)));
}

TEST_P(PlanesTest, PacksInPiecesAsInOne) {
  constexpr int64_t n = 150, k = 37;
  PlaneLayout layout = get(n, k);
  auto weights = randomWeights(n * k, 7);
  std::vector<uint8_t> pieces(layout.getPackedBytes(), 0xFE);
  for (int64_t row = 0; row < n; row += 48)
    layout.pack(weights.data() + row * k, row, std::min<int64_t>(48, n - row),
                pieces.data());
  EXPECT_EQ(pieces, pack(layout, weights));
}

TEST_P(PlanesTest, NamesTheFirstWeightOutsideTheSet) {
  std::vector<int8_t> weights(60, 1);
  weights[41] = 2;
  weights[59] = -128;
  PlaneLayout layout = get(3, 20);
  std::vector<uint8_t> packed(layout.getPackedBytes());
  EXPECT_EQ(layout.pack(weights.data(), 0, 3, packed.data()), 41);
}

/// The codes of a step are checked at once: each of them, for each byte.
TEST_P(PlanesTest, RefusesEveryOtherByte) {
  constexpr int64_t k = 41;
  PlaneLayout layout = get(1, k);
  std::vector<uint8_t> packed(layout.getPackedBytes());
  for (int64_t at = 0; at < k; ++at)
    for (int byte = -128; byte < 128; ++byte) {
      std::vector<int8_t> weights(k, -1);
      weights[at] = static_cast<int8_t>(byte);
      std::optional<int64_t> bad =
          layout.pack(weights.data(), 0, 1, packed.data());
      if (byte == -1 || byte == 1 || (byte == 0 && bits() == 2))
        EXPECT_FALSE(bad) << byte;
      else
        EXPECT_EQ(bad, at) << byte;
    }
}

TEST_P(PlanesTest, PadsOnlyToWholeGroupsAndSteps) {
  const int64_t stepK = 32 / bits();
  EXPECT_EQ(get(1, 1).getPackedBytes(), 64);
  EXPECT_EQ(get(10, 49 * stepK).getPackedBytes(), 49 * 64);
  EXPECT_EQ(get(65, stepK + 1).getPackedBytes(), 5 * 2 * 64);
  EXPECT_EQ(get(65, stepK + 1).getNumBlocks(), 2);
  EXPECT_EQ(get(65, stepK + 1).getGroupsOfBlock(1), 1);
  EXPECT_EQ(get(6912, 2560).getPackedBytes(), 6912 * 2560 * bits() / 8);
}

TEST_P(PlanesTest, EmptyMatricesHaveNoBytes) {
  EXPECT_EQ(get(0, 10).getPackedBytes(), 0);
  EXPECT_EQ(get(10, 0).getPackedBytes(), 0);
  EXPECT_EQ(get(10, 0).pack(nullptr, 0, 10, nullptr), std::nullopt);
}

TEST_P(PlanesTest, RefusesSizesThatOverflow) {
  int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE(PlaneLayout::get(bits(), -1, 4));
  EXPECT_FALSE(PlaneLayout::get(bits(), 4, -1));
  EXPECT_FALSE(PlaneLayout::get(bits(), huge, huge));
  EXPECT_FALSE(PlaneLayout::get(bits(), huge, 33));
  EXPECT_TRUE(PlaneLayout::get(bits(), huge / 8, 1));
}

INSTANTIATE_TEST_SUITE_P(Bits, PlanesTest, testing::Values(1, 2),
                         testing::PrintToStringParamName());

} // namespace
