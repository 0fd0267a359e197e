// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements of tensors as numbers.

#ifndef BIT_VERIFY_ELEMENTS_H
#define BIT_VERIFY_ELEMENTS_H

#include <cstdint>
#include <string>

namespace bit {

/// Returns whether numbers of this type can be read and written here: all types
/// that compiled models take.
bool isNumber(int32_t dtype);

bool isFloat(int32_t dtype);
bool isSigned(int32_t dtype);

/// Returns the element at `data` as the nearest double.
double readNumber(const uint8_t *data, int32_t dtype);

/// Writes the element nearest to `value`; integers wrap.
void writeNumber(uint8_t *data, int32_t dtype, double value);

/// Returns the element at `data` as text that tells all values apart.
std::string formatNumber(const uint8_t *data, int32_t dtype);

} // namespace bit

#endif // BIT_VERIFY_ELEMENTS_H
