// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference lowering: the oracle of all kernels.

#ifndef BIT_CONVERSION_BITTOLINALG_BITTOLINALG_H
#define BIT_CONVERSION_BITTOLINALG_BITTOLINALG_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace bit {

#define GEN_PASS_DECL
#include "bit/Conversion/BitToLinalg/Passes.h.inc"

/// Lowers bit ops on tensors; bit.linear has to be in the form that
/// populateDecomposeLinearPatterns makes.
void populateBitToLinalgPatterns(mlir::RewritePatternSet &patterns);

#define GEN_PASS_REGISTRATION
#include "bit/Conversion/BitToLinalg/Passes.h.inc"

} // namespace bit

#endif // BIT_CONVERSION_BITTOLINALG_BITTOLINALG_H
