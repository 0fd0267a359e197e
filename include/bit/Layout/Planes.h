// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts P1 and P2: binary weights in 1 bit and ternary ones in 2, one
// sequential stream that every x86 level and the generic kernels read.
// docs/kernels.md draws it.

#ifndef BIT_LAYOUT_PLANES_H
#define BIT_LAYOUT_PLANES_H

#include <cstdint>
#include <optional>

namespace bit {

/// A layout of B = 1 or 2 bits a weight for N rows (output features) of K
/// weights. The code of a weight is w > 0 in 1 bit and w + 1 in 2.
///
/// Rows come in groups of 16 and groups in blocks of 4; the last block has only
/// the groups it needs. A block holds, for each step of 32 / B k, the 64 bytes
/// of each of its groups one after another. Byte j of a group belongs to row
/// j / 4 of the group; its bits from B * p on, the plane p, hold the code of
/// k = 32 / B * step + 4 * p + j % 4. What pads rows or k is the weight 0 in 2
/// bits; 1 bit has none, so it is a weight like others, and nothing may be
/// multiplied by it.
class PlaneLayout {
public:
  static constexpr int64_t rowsPerGroup = 16;
  static constexpr int64_t groupsPerBlock = 4;
  static constexpr int64_t rowsPerBlock = rowsPerGroup * groupsPerBlock;
  static constexpr int64_t bytesPerGroup = 64;
  static constexpr int64_t alignment = 64;

  /// The k of one step.
  static constexpr int64_t getStepK(int64_t bits) { return 32 / bits; }

  /// The byte whose codes are all those of padding.
  static constexpr uint8_t getPaddingByte(int64_t bits) {
    return bits == 1 ? 0 : 0x55;
  }

  /// Nothing if a size is negative or the packed bytes do not fit int64_t.
  static std::optional<PlaneLayout> get(int64_t bits, int64_t n, int64_t k);

  int64_t getBits() const { return bits; }
  int64_t getStepK() const { return getStepK(bits); }
  int64_t getNumRows() const { return n; }
  int64_t getNumColumns() const { return k; }
  int64_t getNumSteps() const { return steps; }
  int64_t getNumGroups() const { return groups; }
  int64_t getNumBlocks() const {
    return (groups + groupsPerBlock - 1) / groupsPerBlock;
  }
  int64_t getPackedBytes() const { return groups * steps * bytesPerGroup; }

  /// Groups of 16 rows in `block`: 4, or fewer in the last one.
  int64_t getGroupsOfBlock(int64_t block) const;

  /// Where the weight of (row, column) is.
  struct Position {
    int64_t byte;
    int shift;
  };
  Position getPosition(int64_t row, int64_t column) const;

  /// Packs `rows` rows, the first of them row `firstRow` of the matrix, from
  /// row-major `weights` into `packed`, the bytes of the whole matrix. A weight
  /// that has no code is not packed: its index in `weights` is returned. Where
  /// the caller packs in pieces, each piece begins at a multiple of 16 rows.
  std::optional<int64_t> pack(const int8_t *weights, int64_t firstRow,
                              int64_t rows, uint8_t *packed) const;

  /// The inverse: all N x K weights, row-major.
  void unpack(const uint8_t *packed, int8_t *weights) const;

private:
  PlaneLayout(int64_t bits, int64_t n, int64_t k, int64_t groups, int64_t steps)
      : bits(bits), n(n), k(k), groups(groups), steps(steps) {}

  int64_t bits, n, k, groups, steps;
};

} // namespace bit

#endif // BIT_LAYOUT_PLANES_H
