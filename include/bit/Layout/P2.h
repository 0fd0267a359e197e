// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P2: ternary and binary weights in 2 bits, one sequential stream that
// every x86 level and the generic kernel read. docs/kernels.md draws it.

#ifndef BIT_LAYOUT_P2_H
#define BIT_LAYOUT_P2_H

#include <cstdint>
#include <optional>

namespace bit {

/// The arithmetic of layout P2 for N rows (output features) of K weights.
///
/// Rows come in groups of 16 and groups in blocks of 4; the last block has only
/// the groups it needs. A block holds, for each step of 16 k, the 64 bytes of
/// each of its groups one after another. Byte j of a group belongs to row
/// j / 4 of the group; its bits 2p and 2p+1 hold w + 1 for
/// k = 16 * step + 4 * p + j % 4. Whatever pads rows or k is code 1, the
/// weight 0.
class P2Layout {
public:
  static constexpr int64_t rowsPerGroup = 16;
  static constexpr int64_t groupsPerBlock = 4;
  static constexpr int64_t rowsPerBlock = rowsPerGroup * groupsPerBlock;
  static constexpr int64_t kPerStep = 16;
  static constexpr int64_t bytesPerGroup = 64;
  static constexpr int64_t alignment = 64;
  /// Four codes of weight 0.
  static constexpr uint8_t paddingByte = 0x55;

  /// Nothing if a size is negative or the packed bytes do not fit int64_t.
  static std::optional<P2Layout> get(int64_t n, int64_t k);

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
  P2Layout(int64_t n, int64_t k, int64_t groups, int64_t steps)
      : n(n), k(k), groups(groups), steps(steps) {}

  int64_t n, k, groups, steps;
};

/// Packs `rows` rows, the first of them row `firstRow` of the matrix, from
/// row-major `weights` into `packed`, the bytes of the whole matrix. A weight
/// outside -1, 0, 1 is not packed: its index in `weights` is returned. Where
/// the caller packs in pieces, each piece begins at a multiple of 16 rows.
std::optional<int64_t> packP2(const P2Layout &layout, const int8_t *weights,
                              int64_t firstRow, int64_t rows, uint8_t *packed);

/// The inverse: all N x K weights, row-major.
void unpackP2(const P2Layout &layout, const uint8_t *packed, int8_t *weights);

} // namespace bit

#endif // BIT_LAYOUT_P2_H
