// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Magnitudes are compared as bit patterns: for positive floats the difference
// of two patterns is their distance in ulp. Halves are compared as the floats
// that they widen to.

#ifndef BIT_LIB_CONVERSION_ONNXTOBIT_MAGNITUDES_H
#define BIT_LIB_CONVERSION_ONNXTOBIT_MAGNITUDES_H

#include "bit/Dialect/Onnx/Eval/HostTensor.h"
#include "llvm/ADT/bit.h"

namespace bit {

/// How far the magnitudes of one level may lie apart: float32. Straight-through
/// arithmetic, w + (q - w), is exact up to |w| = 2s; from there its error grows
/// with |w|, to 32 ulp either way at 64 times the level.
inline constexpr uint32_t kMaxUlps = 64;

/// The same for halves, of which 64 ulp would be levels of their own: what one
/// rounding makes of a value on either side.
inline constexpr uint32_t kMaxHalfUlps = 2;

/// What an ulp is in the type of the weight.
struct Precision {
  unsigned shift;   ///< bits of a float32 below the type's last one
  uint32_t maxUlps; ///< of the type
};

inline std::optional<Precision> getPrecision(onnx::Format format) {
  switch (format) {
  case onnx::Format::F32:
    return Precision{0, kMaxUlps};
  case onnx::Format::F16:
    return Precision{13, kMaxHalfUlps};
  case onnx::Format::BF16:
    return Precision{16, kMaxHalfUlps};
  default:
    return std::nullopt;
  }
}

inline constexpr uint32_t kInfinity = 0x7f800000;

inline uint32_t magnitude(float value) {
  return llvm::bit_cast<uint32_t>(value) & 0x7fffffff;
}

/// The smallest and largest magnitude besides 0.
struct Range {
  uint32_t low = ~0u, high = 0;

  void add(Range other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
  bool isLevel(Precision precision) const {
    return high == 0 || (high < kInfinity &&
                         high - low <= precision.maxUlps << precision.shift);
  }
  /// All magnitudes are the same one.
  bool isExact() const { return high == 0 || low == high; }
};

} // namespace bit

#endif // BIT_LIB_CONVERSION_ONNXTOBIT_MAGNITUDES_H
