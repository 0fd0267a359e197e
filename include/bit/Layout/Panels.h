// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels: the columns of a matrix in groups that a product reads as one
// sequential stream. docs/kernels.md says why.

#ifndef BIT_LAYOUT_PANELS_H
#define BIT_LAYOUT_PANELS_H

#include <cstdint>

namespace bit {

/// A K x N matrix as P x K x W: panels[p][k][j] is column p * W + j of row k,
/// or 0 where there is no such column.
struct PanelLayout {
  /// Widths are multiples of it.
  static constexpr int64_t unit = 16;
  /// The k that a dot product of bytes takes at once.
  static constexpr int64_t quad = 4;
  /// The width of a matrix that has so many columns.
  static constexpr int64_t maxWidth = 32;

  int64_t k, n, width;
  /// The matrix is stored as N x K.
  bool transposed;
  /// Four k of a column lie side by side: P x ceil(K / 4) x W x 4.
  bool quads = false;

  /// The width that suits n columns: enough to fill the registers of a tile,
  /// and no more padding than needed.
  static int64_t getWidth(int64_t n) { return n <= unit ? unit : maxWidth; }
  /// The same for codes of a byte: one row's sums are chains, and it takes more
  /// of them to keep up with the memory.
  static int64_t getCodeWidth(int64_t n) {
    return n <= maxWidth ? getWidth(n) : 2 * maxWidth;
  }
  static int64_t getNumPanels(int64_t n, int64_t width) {
    return n / width + (n % width != 0);
  }

  /// The same for the channels of a convolution, whose pixels make up for
  /// fewer registers: less padding counts more.
  static int64_t getChannelWidth(int64_t n) {
    bool isNarrow = n <= 3 * maxWidth && (n - 1) % maxWidth < unit;
    return isNarrow ? unit : maxWidth;
  }
  /// Whether a convolution to so many channels, each a sum of k products, gains
  /// from panels: channels fill registers, and sums are longer than what it
  /// costs to store them.
  static bool suitsConvolution(int64_t channels, int64_t k) {
    return channels >= unit && k >= unit;
  }

  int64_t getNumPanels() const { return getNumPanels(n, width); }
  /// Elements of one panel.
  int64_t getPanelSize() const {
    return (quads ? getNumQuads() * quad : k) * width;
  }
  int64_t getNumQuads() const { return k / quad + (k % quad != 0); }
};

/// Writes panel `panel` of a row-major `matrix` to `out`, getPanelSize()
/// elements of `elementBytes` bytes, 1, 2 or 4; 1 for quads.
void packPanel(const PanelLayout &layout, const char *matrix,
               int64_t elementBytes, int64_t panel, char *out);

} // namespace bit

#endif // BIT_LAYOUT_PANELS_H
