// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements as numbers: reading, comparing, making them up.

#ifndef BIT_RUN_VALUES_H
#define BIT_RUN_VALUES_H

#include "Array.h"
#include "Model.h"
#include <random>

namespace bitrun {

/// Numbers an element consists of: 2 if it is complex.
size_t numbersPerElement(int32_t dtype);

/// Number `index` of the array (of its elements times numbersPerElement).
double numberAt(const Array &array, size_t index);

/// The same as text that tells all values apart.
std::string formatNumberAt(const Array &array, size_t index);

/// Nothing if they agree; else one line about the worst element. NaN agrees
/// with NaN. Integers are compared exactly where they are equal, else as reals.
std::string compare(const Array &got, const Array &expected, double rtol,
                    double atol);

/// Floats have magnitudes in 1/16 .. 1, integers are 0 or 1 (which any table
/// of at least two rows takes as an index).
Array makeRandom(const Port &port, const std::vector<int64_t> &shape,
                 std::mt19937_64 &generator);

} // namespace bitrun

#endif // BIT_RUN_VALUES_H
