// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops over rows and steps that packing has for any number of bits.

#ifndef BIT_LIB_LAYOUT_PACKPLANES_H
#define BIT_LIB_LAYOUT_PACKPLANES_H

#include "bit/Layout/Planes.h"
#include <algorithm>
#include <cstring>

namespace bit {

/// How one layout packs a step of a row. `LayoutT` has kPerStep.
///   static constexpr int8_t padding;       the weight that pads k
///   static constexpr uint8_t paddingByte;  the byte that pads rows
///   static bool pack(const int8_t *weights, uint8_t *out);
/// Packs into 4 bytes; false if some weight is none of the layout's.
///   static bool isCode(int8_t weight);
template <typename LayoutT, typename StepT>
std::optional<int64_t> packPlanes(const LayoutT &layout, const int8_t *weights,
                                  int64_t firstRow, int64_t rows,
                                  uint8_t *packed) {
  constexpr int64_t kPerStep = LayoutT::kPerStep;
  constexpr int64_t rowsPerGroup = PlaneLayout::rowsPerGroup;
  int64_t k = layout.getNumColumns();
  if (k == 0)
    return std::nullopt;
  int64_t paddedRows =
      std::min((rows + rowsPerGroup - 1) / rowsPerGroup * rowsPerGroup,
               layout.getNumGroups() * rowsPerGroup - firstRow);
  for (int64_t i = 0; i < paddedRows; ++i) {
    int64_t row = firstRow + i;
    int64_t stride = layout.getGroupsOfBlock(row / PlaneLayout::rowsPerBlock) *
                     PlaneLayout::bytesPerGroup;
    uint8_t *out = packed + layout.getPosition(row, 0).byte;
    if (i >= rows) {
      for (int64_t step = 0; step < layout.getNumSteps(); ++step)
        std::memset(out + step * stride, StepT::paddingByte, 4);
      continue;
    }
    const int8_t *source = weights + i * k;
    for (int64_t first = 0; first < k; first += kPerStep, out += stride) {
      const int64_t count = std::min(kPerStep, k - first);
      int8_t step[kPerStep];
      std::memset(step, StepT::padding, sizeof(step));
      std::memcpy(step, source + first, count);
      if (!StepT::pack(step, out))
        for (int64_t at = 0; at < count; ++at)
          if (!StepT::isCode(step[at]))
            return i * k + first + at;
    }
  }
  return std::nullopt;
}

} // namespace bit

#endif // BIT_LIB_LAYOUT_PACKPLANES_H
