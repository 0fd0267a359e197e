// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_EXPANDMATH_EXPANDMATH_H
#define BIT_CONVERSION_EXPANDMATH_EXPANDMATH_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace bit {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "bit/Conversion/ExpandMath/Passes.h.inc"

/// Adds one pattern for each `math` operation that would become a call. They
/// are for mlir::walkAndApplyPatterns: math.sqrt is replaced by itself and a
/// select, which a greedy driver would repeat.
void populateExpandMathPatterns(mlir::RewritePatternSet &patterns);

} // namespace bit

#endif // BIT_CONVERSION_EXPANDMATH_EXPANDMATH_H
