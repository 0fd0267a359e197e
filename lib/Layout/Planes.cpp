// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/Planes.h"
#include <algorithm>
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

} // namespace bit
