// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/P1.h"
#include "PackPlanes.h"

namespace bit {

namespace {

struct P1Step {
  static constexpr int8_t padding = -1;
  static constexpr uint8_t paddingByte = 0;
  static bool isCode(int8_t weight) { return weight == -1 || weight == 1; }

  static bool pack(const int8_t *weights, uint8_t *out) {
    static_assert(P1Layout::kPerStep == 32);
    constexpr uint32_t ones = 0x01010101;
    uint32_t packed = 0, wrong = 0;
    for (int plane = 0; plane < 8; ++plane) {
      uint32_t codes;
      std::memcpy(&codes, weights + 4 * plane, sizeof(codes));
      const uint32_t negative = codes >> 7 & ones;
      const uint32_t positive = negative ^ ones;
      wrong |= codes ^ (negative * 255 | positive);
      packed |= positive << plane;
    }
    std::memcpy(out, &packed, sizeof(packed));
    return wrong == 0;
  }
};

} // namespace

std::optional<int64_t> packP1(const P1Layout &layout, const int8_t *weights,
                              int64_t firstRow, int64_t rows, uint8_t *packed) {
  return packPlanes<P1Layout, P1Step>(layout, weights, firstRow, rows, packed);
}

void unpackP1(const P1Layout &layout, const uint8_t *packed, int8_t *weights) {
  for (int64_t row = 0; row < layout.getNumRows(); ++row)
    for (int64_t column = 0; column < layout.getNumColumns(); ++column) {
      PlaneLayout::Position position = layout.getPosition(row, column);
      int bit = packed[position.byte] >> position.shift & 1;
      *weights++ = static_cast<int8_t>(2 * bit - 1);
    }
}

} // namespace bit
