// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the layouts of 1 and 2 bits a weight share: one sequential stream that
// every x86 level and the generic kernels read. docs/kernels.md draws it.

#ifndef BIT_LAYOUT_PLANES_H
#define BIT_LAYOUT_PLANES_H

#include <cstdint>
#include <optional>

namespace bit {

/// The arithmetic of a layout of B bits a weight for N rows (output features)
/// of K weights.
///
/// Rows come in groups of 16 and groups in blocks of 4; the last block has only
/// the groups it needs. A block holds, for each step of 32 / B k, the 64 bytes
/// of each of its groups one after another. Byte j of a group belongs to row
/// j / 4 of the group; its bits from B * p on, the plane p, hold the code of
/// k = 32 / B * step + 4 * p + j % 4.
class PlaneLayout {
public:
  static constexpr int64_t rowsPerGroup = 16;
  static constexpr int64_t groupsPerBlock = 4;
  static constexpr int64_t rowsPerBlock = rowsPerGroup * groupsPerBlock;
  static constexpr int64_t bytesPerGroup = 64;
  static constexpr int64_t alignment = 64;

  /// The k of one step.
  static constexpr int64_t getStepK(int64_t bits) { return 32 / bits; }

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

private:
  PlaneLayout(int64_t bits, int64_t n, int64_t k, int64_t groups, int64_t steps)
      : bits(bits), n(n), k(k), groups(groups), steps(steps) {}

  int64_t bits, n, k, groups, steps;
};

} // namespace bit

#endif // BIT_LAYOUT_PLANES_H
