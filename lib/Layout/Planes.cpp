// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/Planes.h"
#include <algorithm>
#include <cstring>
#include <limits>

namespace bit {

static int64_t ceilDiv(int64_t value, int64_t unit) {
  return value / unit + (value % unit != 0);
}

std::optional<PlaneLayout> PlaneLayout::get(int64_t bits, int64_t n,
                                            int64_t k) {
  if (n < 0 || k < 0)
    return std::nullopt;
  int64_t groups = ceilDiv(n, rowsPerGroup);
  int64_t steps = ceilDiv(k, getStepK(bits));
  constexpr int64_t limit = std::numeric_limits<int64_t>::max() / bytesPerGroup;
  if (steps != 0 && groups > limit / steps)
    return std::nullopt;
  return PlaneLayout(bits, n, k, groups, steps);
}

int64_t PlaneLayout::getGroupsOfBlock(int64_t block) const {
  return std::min(groupsPerBlock, groups - block * groupsPerBlock);
}

PlaneLayout::Position PlaneLayout::getPosition(int64_t row,
                                               int64_t column) const {
  int64_t block = row / rowsPerBlock;
  int64_t group = row % rowsPerBlock / rowsPerGroup;
  int64_t step = column / getStepK();
  int64_t plane = column % getStepK() / 4;
  // Every block before this one is full, so its bytes are those of 4 groups.
  int64_t unit =
      block * groupsPerBlock * steps + step * getGroupsOfBlock(block) + group;
  return {unit * bytesPerGroup + row % rowsPerGroup * 4 + column % 4,
          static_cast<int>(bits * plane)};
}

template <int64_t bits> static bool hasCode(int8_t weight) {
  return weight == -1 || weight == 1 || (bits == 2 && weight == 0);
}

/// Packs a step of a row into 4 bytes; false if some weight has no code.
template <int64_t bits>
static bool packStep(const int8_t *weights, uint8_t *out) {
  constexpr uint32_t ones = 0x01010101;
  uint32_t packed = 0, wrong = 0;
  for (int64_t plane = 0; plane < 8 / bits; ++plane) {
    uint32_t four;
    std::memcpy(&four, weights + 4 * plane, sizeof(four));
    const uint32_t negative = four >> 7 & ones;
    const uint32_t positive = (bits == 1 ? ones : four & ones) & ~negative;
    wrong |= four ^ (negative * 255 | positive);
    // Bytes are 0, 1 or 2, so none carries into the next.
    const uint32_t codes = bits == 1 ? positive : ones + positive - negative;
    packed |= codes << bits * plane;
  }
  std::memcpy(out, &packed, sizeof(packed));
  return wrong == 0;
}

template <int64_t bits>
static std::optional<int64_t> packRow(const int8_t *weights, int64_t k,
                                      int64_t stride, uint8_t *out) {
  constexpr int64_t stepK = PlaneLayout::getStepK(bits);
  for (int64_t first = 0; first < k; first += stepK, out += stride) {
    const int64_t count = std::min(stepK, k - first);
    int8_t step[stepK];
    std::memset(step, bits == 1 ? -1 : 0, sizeof(step));
    std::memcpy(step, weights + first, count);
    if (!packStep<bits>(step, out))
      for (int64_t at = 0; at < count; ++at)
        if (!hasCode<bits>(step[at]))
          return first + at;
  }
  return std::nullopt;
}

std::optional<int64_t> PlaneLayout::pack(const int8_t *weights,
                                         int64_t firstRow, int64_t rows,
                                         uint8_t *packed) const {
  if (k == 0)
    return std::nullopt;
  int64_t paddedRows = std::min(ceilDiv(rows, rowsPerGroup) * rowsPerGroup,
                                groups * rowsPerGroup - firstRow);
  for (int64_t i = 0; i < paddedRows; ++i) {
    int64_t row = firstRow + i;
    int64_t stride = getGroupsOfBlock(row / rowsPerBlock) * bytesPerGroup;
    uint8_t *out = packed + getPosition(row, 0).byte;
    if (i >= rows) {
      for (int64_t step = 0; step < steps; ++step)
        std::memset(out + step * stride, getPaddingByte(bits), 4);
      continue;
    }
    auto wrong =
        (bits == 1 ? packRow<1> : packRow<2>)(weights + i * k, k, stride, out);
    if (wrong)
      return i * k + *wrong;
  }
  return std::nullopt;
}

void PlaneLayout::unpack(const uint8_t *packed, int8_t *weights) const {
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column) {
      Position position = getPosition(row, column);
      int code = packed[position.byte] >> position.shift & ((1 << bits) - 1);
      *weights++ = static_cast<int8_t>(bits == 1 ? 2 * code - 1 : code - 1);
    }
}

} // namespace bit
