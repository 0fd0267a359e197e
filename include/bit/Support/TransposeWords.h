// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_SUPPORT_TRANSPOSEWORDS_H
#define BIT_SUPPORT_TRANSPOSEWORDS_H

#include <cstdint>

namespace bit {

/// Writes `rows` x `columns` words of four bytes, of any alignment: the one at
/// [r, c], which is `to + r * toStep + c`, is that at [c, r] of `from`, which
/// is `from + c * fromStep + r`. Steps are in words; the two may not overlap.
void transposeWords(const char *from, int64_t fromStep, char *to,
                    int64_t toStep, int64_t rows, int64_t columns);

} // namespace bit

#endif // BIT_SUPPORT_TRANSPOSEWORDS_H
