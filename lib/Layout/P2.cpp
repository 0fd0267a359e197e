// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/P2.h"
#include "PackPlanes.h"

namespace bit {

namespace {

struct P2Step {
  static constexpr int8_t padding = 0;
  static constexpr uint8_t paddingByte = P2Layout::paddingByte;
  static bool isCode(int8_t weight) { return weight >= -1 && weight <= 1; }

  static bool pack(const int8_t *weights, uint8_t *out) {
    static_assert(P2Layout::kPerStep == 16 && P2Layout::paddingByte == 0x55);
    constexpr uint32_t ones = 0x01010101;
    uint32_t packed = 0x55555555, wrong = 0;
    for (int plane = 0; plane < 4; ++plane) {
      uint32_t codes;
      std::memcpy(&codes, weights + 4 * plane, sizeof(codes));
      const uint32_t negative = codes >> 7 & ones;
      const uint32_t positive = codes & ones & ~negative;
      wrong |= codes ^ (negative * 255 | positive);
      // Against the padding's code 1, w + 1 differs by an exclusive or of 1 for
      // -1 and of 3 for 1.
      packed ^= (negative | positive * 3) << 2 * plane;
    }
    std::memcpy(out, &packed, sizeof(packed));
    return wrong == 0;
  }
};

} // namespace

std::optional<int64_t> packP2(const P2Layout &layout, const int8_t *weights,
                              int64_t firstRow, int64_t rows, uint8_t *packed) {
  return packPlanes<P2Layout, P2Step>(layout, weights, firstRow, rows, packed);
}

void unpackP2(const P2Layout &layout, const uint8_t *packed, int8_t *weights) {
  for (int64_t row = 0; row < layout.getNumRows(); ++row)
    for (int64_t column = 0; column < layout.getNumColumns(); ++column) {
      PlaneLayout::Position position = layout.getPosition(row, column);
      int code = packed[position.byte] >> position.shift & 3;
      *weights++ = static_cast<int8_t>(code - 1);
    }
}

} // namespace bit
