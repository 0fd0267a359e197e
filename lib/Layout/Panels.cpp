// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Layout/Panels.h"
#include <algorithm>
#include <cstring>

namespace bit {

/// Columns of a matrix stored by columns are rows in memory: each is read a few
/// k at a time, so that what is written stays cached.
template <typename T>
static void packTransposed(const PanelLayout &layout, const char *matrix,
                           int64_t first, int64_t columns, char *out) {
  constexpr int64_t block = 64, bytes = sizeof(T);
  for (int64_t from = 0; from < layout.k; from += block) {
    int64_t to = std::min(from + block, layout.k);
    for (int64_t j = 0; j < columns; ++j)
      for (int64_t k = from; k < to; ++k)
        std::memcpy(out + (k * layout.width + j) * bytes,
                    matrix + ((first + j) * layout.k + k) * bytes, bytes);
  }
}

/// Runs of k stay short, so that what is read of all columns stays cached.
static void packQuads(const PanelLayout &layout, const char *matrix,
                      int64_t first, int64_t columns, char *out) {
  constexpr int64_t quad = PanelLayout::quad;
  for (int64_t k = 0; k < layout.k; ++k) {
    char *to = out + (k / quad) * layout.width * quad + k % quad;
    const char *from = layout.transposed ? matrix + first * layout.k + k
                                         : matrix + k * layout.n + first;
    int64_t stride = layout.transposed ? layout.k : 1;
    for (int64_t j = 0; j < columns; ++j)
      to[j * quad] = from[j * stride];
  }
}

void packPanel(const PanelLayout &layout, const char *matrix,
               int64_t elementBytes, int64_t panel, char *out) {
  int64_t first = panel * layout.width;
  int64_t columns = std::min(layout.width, layout.n - first);
  if (layout.quads) {
    std::memset(out, 0, layout.getPanelSize());
    return packQuads(layout, matrix, first, columns, out);
  }
  if (columns < layout.width)
    std::memset(out, 0, layout.getPanelSize() * elementBytes);
  if (layout.transposed) {
    auto *pack = elementBytes == 4   ? packTransposed<uint32_t>
                 : elementBytes == 2 ? packTransposed<uint16_t>
                                     : packTransposed<uint8_t>;
    return pack(layout, matrix, first, columns, out);
  }
  for (int64_t k = 0; k < layout.k; ++k)
    std::memcpy(out + k * layout.width * elementBytes,
                matrix + (k * layout.n + first) * elementBytes,
                columns * elementBytes);
}

} // namespace bit
