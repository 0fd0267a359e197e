// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles of 16 x 16 words, so that neither side moves a cache line more than
// once, made of squares of 8 x 8, which are transposed in registers.

#include "bit/Support/TransposeWords.h"
#include "bit/Support/Vectorize.h"
#include <algorithm>
#include <cstring>

namespace bit {
namespace {

constexpr int64_t kSquare = 8, kTile = 16, kWord = 4;
using Vector [[gnu::vector_size(kSquare * kWord)]] = int32_t;

struct Matrix {
  const char *from;
  int64_t fromStep;
  char *to;
  int64_t toStep;

  BIT_INLINE_BODY const char *getSource(int64_t r, int64_t c) const {
    return from + (c * fromStep + r) * kWord;
  }
  BIT_INLINE_BODY char *getTarget(int64_t r, int64_t c) const {
    return to + (r * toStep + c) * kWord;
  }
};

BIT_INLINE_BODY void transposeSquare(const Matrix &m, int64_t r, int64_t c) {
  Vector in[kSquare], pairs[kSquare], fours[kSquare];
  for (int64_t i = 0; i < kSquare; ++i)
    std::memcpy(&in[i], m.getSource(r, c + i), sizeof(Vector));
  for (int64_t i = 0; i < kSquare; i += 2) {
    pairs[i] =
        __builtin_shufflevector(in[i], in[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    pairs[i + 1] =
        __builtin_shufflevector(in[i], in[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int64_t i = 0; i < kSquare; i += 4)
    for (int64_t half = 0; half < 2; ++half) {
      Vector a = pairs[i + half], b = pairs[i + 2 + half];
      fours[i + 2 * half] =
          __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      fours[i + 2 * half + 1] =
          __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int64_t i = 0; i < kSquare / 2; ++i) {
    Vector low = __builtin_shufflevector(fours[i], fours[i + 4], 0, 1, 2, 3, 8,
                                         9, 10, 11);
    Vector high = __builtin_shufflevector(fours[i], fours[i + 4], 4, 5, 6, 7,
                                          12, 13, 14, 15);
    std::memcpy(m.getTarget(r + i, c), &low, sizeof(Vector));
    std::memcpy(m.getTarget(r + i + 4, c), &high, sizeof(Vector));
  }
}

BIT_INLINE_BODY void transposeBody(const Matrix &m, int64_t rows,
                                   int64_t columns) {
  int64_t wholeRows = rows - rows % kSquare;
  int64_t wholeColumns = columns - columns % kSquare;
  for (int64_t i = 0; i < wholeRows; i += kTile)
    for (int64_t j = 0; j < wholeColumns; j += kTile)
      for (int64_t r = i; r < std::min(wholeRows, i + kTile); r += kSquare)
        for (int64_t c = j; c < std::min(wholeColumns, j + kTile); c += kSquare)
          transposeSquare(m, r, c);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = r < wholeRows ? wholeColumns : 0; c < columns; ++c)
      std::memcpy(m.getTarget(r, c), m.getSource(r, c), kWord);
}

void transposeBaseline(const Matrix &m, int64_t rows, int64_t columns) {
  transposeBody(m, rows, columns);
}
BIT_AVX2 void transposeAvx2(const Matrix &m, int64_t rows, int64_t columns) {
  transposeBody(m, rows, columns);
}

} // namespace

void transposeWords(const char *from, int64_t fromStep, char *to,
                    int64_t toStep, int64_t rows, int64_t columns) {
  Matrix matrix{from, fromStep, to, toStep};
  hasAvx2() ? transposeAvx2(matrix, rows, columns)
            : transposeBaseline(matrix, rows, columns);
}

} // namespace bit
