// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of layout P1.

#ifndef BIT_CONVERSION_BITTOVECTOR_P1KERNEL_H
#define BIT_CONVERSION_BITTOVECTOR_P1KERNEL_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"

namespace bit {

/// A kernel that reads layout P1: of binary weights only. A bit b is the weight
/// 2 b - 1, so tiles sum 2 b * x.
class P1Kernel : public PlaneKernel {
public:
  P1Kernel() : PlaneKernel(1) {}

  llvm::StringRef getLayout() const final { return "p1"; }
  void pack(llvm::ArrayRef<int8_t> codes, int64_t n, int64_t k,
            llvm::MutableArrayRef<uint8_t> out) const final;
};

} // namespace bit

#endif // BIT_CONVERSION_BITTOVECTOR_P1KERNEL_H
