// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Support/TransposeWords.h"
#include "gtest/gtest.h"
#include <cstring>
#include <vector>

namespace {

// Squares, tiles and what is left of them; nothing beside the target changes.
TEST(TransposeWordsTest, AllSizes) {
  for (int64_t rows = 0; rows < 35; ++rows)
    for (int64_t columns = 0; columns < 35; ++columns) {
      int64_t fromStep = rows + columns % 3, toStep = columns + rows % 4;
      // One byte off any alignment.
      std::vector<char> from(columns * fromStep * 4 + 1);
      std::vector<char> to(rows * toStep * 4 + 1, 'x'), expected = to;
      for (size_t i = 0; i < from.size(); ++i)
        from[i] = char(i * 31 + i / 251);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c)
          std::memcpy(&expected[(r * toStep + c) * 4 + 1],
                      &from[(c * fromStep + r) * 4 + 1], 4);
      bit::transposeWords(from.data() + 1, fromStep, to.data() + 1, toStep,
                          rows, columns);
      ASSERT_EQ(to, expected) << rows << " x " << columns;
    }
}

} // namespace
