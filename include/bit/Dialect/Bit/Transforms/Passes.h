// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_BIT_TRANSFORMS_PASSES_H
#define BIT_DIALECT_BIT_TRANSFORMS_PASSES_H

#include "bit/Dialect/Bit/Transforms/Packing.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Pass/Pass.h"
#include <memory>

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace bit {

#define GEN_PASS_DECL
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"

/// Splits bit.linear into steps on f32 values of rank 2.
void populateDecomposeLinearPatterns(mlir::RewritePatternSet &patterns);

/// Fuses elementwise linalg ops where `controlFusion` agrees.
void populateFuseElementwisePatterns(
    mlir::RewritePatternSet &patterns,
    const mlir::linalg::ControlFusionFn &controlFusion);

/// Makes elementwise linalg ops epilogues of the kernels whose results they
/// read.
void populateFuseEpiloguesPatterns(mlir::RewritePatternSet &patterns);

#define GEN_PASS_REGISTRATION
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"

} // namespace bit

#endif // BIT_DIALECT_BIT_TRANSFORMS_PASSES_H
