// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of layout P2.

#ifndef BIT_CONVERSION_BITTOVECTOR_P2KERNEL_H
#define BIT_CONVERSION_BITTOVECTOR_P2KERNEL_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"

namespace bit {

using P2Tile = PlaneTile;
using P2Step = PlaneStep;

/// A kernel that reads layout P2.
class P2Kernel : public PlaneKernel {
public:
  P2Kernel() : PlaneKernel(2) {}

  llvm::StringRef getLayout() const final { return "p2"; }
  void pack(llvm::ArrayRef<int8_t> codes, int64_t n, int64_t k,
            llvm::MutableArrayRef<uint8_t> out) const final;
};

} // namespace bit

#endif // BIT_CONVERSION_BITTOVECTOR_P2KERNEL_H
