// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P2: ternary weights in 2 bits.

#ifndef BIT_LAYOUT_P2_H
#define BIT_LAYOUT_P2_H

#include "bit/Layout/Planes.h"

namespace bit {

/// Two bits a weight, w + 1. Whatever pads rows or k is code 1, the weight 0.
class P2Layout : public PlaneLayout {
public:
  static constexpr int64_t kPerStep = PlaneLayout::getStepK(2);
  /// Four codes of weight 0.
  static constexpr uint8_t paddingByte = 0x55;

  static std::optional<P2Layout> get(int64_t n, int64_t k) {
    if (auto layout = PlaneLayout::get(2, n, k))
      return P2Layout(*layout);
    return std::nullopt;
  }

private:
  explicit P2Layout(const PlaneLayout &layout) : PlaneLayout(layout) {}
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
