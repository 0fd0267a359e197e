// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/P2.h"
#include <algorithm>
#include <cstring>

namespace bit {

static int64_t ceilDiv(int64_t value, int64_t unit) {
  return value / unit + (value % unit != 0);
}

/// Packs 16 codes into 4 bytes, the bytes of a word side by side; false if some
/// are not -1, 0 or 1.
static bool packStep(const int8_t *weights, uint8_t *out) {
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

/// Packs one row of one group; `out` is the row's 4 bytes in step 0.
static std::optional<int64_t> packRow(const int8_t *weights, int64_t k,
                                      int64_t stride, uint8_t *out) {
  for (int64_t first = 0; first < k; first += P2Layout::kPerStep) {
    const int64_t count = std::min(P2Layout::kPerStep, k - first);
    int8_t step[P2Layout::kPerStep] = {};
    std::memcpy(step, weights + first, count);
    if (!packStep(step, out))
      for (int64_t i = 0; i < count; ++i)
        if (step[i] < -1 || step[i] > 1)
          return first + i;
    out += stride;
  }
  return std::nullopt;
}

std::optional<int64_t> packP2(const P2Layout &layout, const int8_t *weights,
                              int64_t firstRow, int64_t rows, uint8_t *packed) {
  int64_t k = layout.getNumColumns();
  if (k == 0)
    return std::nullopt;
  int64_t paddedRows =
      std::min(ceilDiv(rows, P2Layout::rowsPerGroup) * P2Layout::rowsPerGroup,
               layout.getNumGroups() * P2Layout::rowsPerGroup - firstRow);
  for (int64_t i = 0; i < paddedRows; ++i) {
    int64_t row = firstRow + i;
    int64_t stride = layout.getGroupsOfBlock(row / P2Layout::rowsPerBlock) *
                     P2Layout::bytesPerGroup;
    uint8_t *out = packed + layout.getPosition(row, 0).byte;
    if (i >= rows) {
      for (int64_t step = 0; step < layout.getNumSteps(); ++step)
        std::memset(out + step * stride, P2Layout::paddingByte, 4);
      continue;
    }
    if (auto bad = packRow(weights + i * k, k, stride, out))
      return i * k + *bad;
  }
  return std::nullopt;
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
