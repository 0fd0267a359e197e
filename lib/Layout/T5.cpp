// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/T5.h"
#include <algorithm>
#include <cstring>
#include <limits>

namespace bit {

static int64_t ceilDiv(int64_t value, int64_t unit) {
  return value / unit + (value % unit != 0);
}

std::optional<T5Layout> T5Layout::get(int64_t n, int64_t k) {
  if (n < 0 || k < 0)
    return std::nullopt;
  int64_t units = ceilDiv(n, rowsPerUnit);
  int64_t steps = ceilDiv(k, kPerStep);
  constexpr int64_t limit =
      std::numeric_limits<int64_t>::max() / (rowsPerUnit * bytesPerStep);
  if (steps != 0 && units > limit / steps)
    return std::nullopt;
  return T5Layout(n, k, units, steps);
}

int64_t T5Layout::getStepsOfPanel(int64_t panel) const {
  return std::min(stepsPerPanel, steps - panel * stepsPerPanel);
}

int64_t T5Layout::getRowsOfBlock(int64_t block) const {
  return std::min(unitsPerBlock, units - block * unitsPerBlock) * rowsPerUnit;
}

T5Layout::Position T5Layout::getPosition(int64_t row, int64_t column) const {
  int64_t panel = column / kPerPanel, block = row / rowsPerBlock;
  int64_t step = column % kPerPanel / kPerStep;
  // Every panel before this one is full, and so is every block.
  int64_t byte =
      (panel * stepsPerPanel * getPaddedRows() +
       block * rowsPerBlock * getStepsOfPanel(panel)) *
          bytesPerStep +
      (step * bytesPerStep + column % bytesPerStep) * getRowsOfBlock(block) +
      row % rowsPerBlock / rowsPerUnit * rowsPerUnit +
      getPlaceOfRow(row % rowsPerUnit);
  return {byte, static_cast<int>(column % kPerStep / bytesPerStep)};
}

/// Packs one row's weights of one panel; `out` is its first byte, the others
/// are `distance` bytes from each other.
static void packRow(const int8_t *weights, int64_t count, int64_t distance,
                    uint8_t *out) {
  constexpr int64_t width = T5Layout::kPerStep, bytes = T5Layout::bytesPerStep;
  for (int64_t first = 0; first < count; first += width) {
    int8_t step[width] = {};
    std::memcpy(step, weights + first, std::min(width, count - first));
    for (int64_t g = 0; g < bytes; ++g) {
      int value = step[g] + 3 * step[bytes + g] + 9 * step[2 * bytes + g] +
                  27 * step[3 * bytes + g] + 81 * step[4 * bytes + g];
      *out =
          static_cast<uint8_t>(value < 0 ? T5Layout::signBit - value : value);
      out += distance;
    }
  }
}

void packT5(const T5Layout &layout, const int8_t *weights, uint8_t *packed) {
  int64_t n = layout.getNumRows(), k = layout.getNumColumns();
  std::memset(packed, 0, layout.getPackedBytes());
  // 64 rows by a panel at a time: what is read and written stays cached.
  for (int64_t panel = 0; panel < layout.getNumPanels(); ++panel)
    for (int64_t row = 0; row < n; ++row) {
      int64_t column = panel * T5Layout::kPerPanel;
      packRow(weights + row * k + column,
              std::min(T5Layout::kPerPanel, k - column),
              layout.getRowsOfBlock(row / T5Layout::rowsPerBlock),
              packed + layout.getPosition(row, column).byte);
    }
}

void unpackT5(const T5Layout &layout, const uint8_t *packed, int8_t *weights) {
  for (int64_t row = 0; row < layout.getNumRows(); ++row)
    for (int64_t column = 0; column < layout.getNumColumns(); ++column) {
      auto [byte, trit] = layout.getPosition(row, column);
      int code = packed[byte];
      int value = code & T5Layout::signBit ? T5Layout::signBit - code : code;
      // As a number of base 3 whose digits are w + 1.
      value += 121;
      for (; trit > 0; --trit)
        value /= 3;
      *weights++ = static_cast<int8_t>(value % 3 - 1);
    }
}

} // namespace bit
