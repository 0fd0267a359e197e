// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout P1: binary weights in 1 bit.

#ifndef BIT_LAYOUT_P1_H
#define BIT_LAYOUT_P1_H

#include "bit/Layout/Planes.h"

namespace bit {

/// One bit a weight, 0 for -1 and 1 for 1. Whatever pads rows or k is 0: there
/// is no weight 0, so nothing may be multiplied by it.
class P1Layout : public PlaneLayout {
public:
  static constexpr int64_t kPerStep = PlaneLayout::getStepK(1);

  static std::optional<P1Layout> get(int64_t n, int64_t k) {
    if (auto layout = PlaneLayout::get(1, n, k))
      return P1Layout(*layout);
    return std::nullopt;
  }

private:
  explicit P1Layout(const PlaneLayout &layout) : PlaneLayout(layout) {}
};

/// Packs `rows` rows, the first of them row `firstRow` of the matrix, from
/// row-major `weights` into `packed`, the bytes of the whole matrix. A weight
/// that is not -1 or 1 is not packed: its index in `weights` is returned. Where
/// the caller packs in pieces, each piece begins at a multiple of 16 rows.
std::optional<int64_t> packP1(const P1Layout &layout, const int8_t *weights,
                              int64_t firstRow, int64_t rows, uint8_t *packed);

/// The inverse: all N x K weights, row-major.
void unpackP1(const P1Layout &layout, const uint8_t *packed, int8_t *weights);

} // namespace bit

#endif // BIT_LAYOUT_P1_H
