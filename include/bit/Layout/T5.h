// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout T5: five ternary weights in a byte, 1.6 bits each. docs/kernels.md
// draws it.

#ifndef BIT_LAYOUT_T5_H
#define BIT_LAYOUT_T5_H

#include <cstdint>
#include <optional>

namespace bit {

/// The arithmetic of layout T5 for N rows (output features) of K weights.
///
/// Why? A product by one token reads each weight once: where weights come from
/// memory, fewer bytes are less time. A byte is the index of a table of sums of
/// five activations; sums of opposite signs differ in one bit, so that 122
/// entries are enough.
///
/// A step is 20 k. Byte g = 0..3 of a row's step has the weights of
/// k = 20 * step + 4 * p + g, p = 0..4: |v| and the sign of
/// v = sum of w[p] * 3^p in its top bit. Panels are 240 k, blocks 256 rows; the
/// last of each has only the steps, and the units of 64 rows, that it needs.
/// Panel after panel, block after block, step after step, byte after byte,
/// there are the bytes of the block's rows, 64 rows in an order that
/// interleaving bytes and words turns into theirs. Whatever pads is weight 0.
class T5Layout {
public:
  static constexpr int64_t tritsPerByte = 5;
  static constexpr int64_t bytesPerStep = 4; ///< of a row
  static constexpr int64_t kPerStep = tritsPerByte * bytesPerStep;
  static constexpr int64_t stepsPerPanel = 12;
  static constexpr int64_t kPerPanel = kPerStep * stepsPerPanel;
  static constexpr int64_t rowsPerUnit = 64;
  static constexpr int64_t unitsPerBlock = 4;
  static constexpr int64_t rowsPerBlock = rowsPerUnit * unitsPerBlock;
  static constexpr uint8_t signBit = 0x80;

  /// Nothing if a size is negative or the packed bytes do not fit int64_t.
  static std::optional<T5Layout> get(int64_t n, int64_t k);

  int64_t getNumRows() const { return n; }
  int64_t getNumColumns() const { return k; }
  int64_t getNumSteps() const { return steps; }
  int64_t getNumPanels() const {
    return (steps + stepsPerPanel - 1) / stepsPerPanel;
  }
  int64_t getNumUnits() const { return units; }
  int64_t getNumBlocks() const {
    return (units + unitsPerBlock - 1) / unitsPerBlock;
  }
  int64_t getPaddedRows() const { return units * rowsPerUnit; }
  int64_t getPackedBytes() const {
    return steps * bytesPerStep * getPaddedRows();
  }

  /// Steps of a panel: 12, or fewer in the last one.
  int64_t getStepsOfPanel(int64_t panel) const;
  /// Rows of a block, padded: 256, or fewer in the last one.
  int64_t getRowsOfBlock(int64_t block) const;

  /// Where a row of 64 is among their bytes.
  static constexpr int64_t getPlaceOfRow(int64_t row) {
    return row % 16 / 4 * 16 + row / 16 * 4 + row % 4;
  }

  /// Where the weight of (row, column) is: a byte, and which of its five.
  struct Position {
    int64_t byte;
    int trit;
  };
  Position getPosition(int64_t row, int64_t column) const;

private:
  T5Layout(int64_t n, int64_t k, int64_t units, int64_t steps)
      : n(n), k(k), units(units), steps(steps) {}

  int64_t n, k, units, steps;
};

/// Packs row-major N x K weights, all of them -1, 0 or 1.
void packT5(const T5Layout &layout, const int8_t *weights, uint8_t *packed);

/// The inverse.
void unpackT5(const T5Layout &layout, const uint8_t *packed, int8_t *weights);

} // namespace bit

#endif // BIT_LAYOUT_T5_H
