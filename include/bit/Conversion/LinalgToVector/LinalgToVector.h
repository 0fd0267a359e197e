// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_LINALGTOVECTOR_LINALGTOVECTOR_H
#define BIT_CONVERSION_LINALGTOVECTOR_LINALGTOVECTOR_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace bit {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "bit/Conversion/LinalgToVector/Passes.h.inc"

/// Adds the patterns of the three forms of rows; they do not overlap.
void populateLinalgToVectorPatterns(mlir::RewritePatternSet &patterns,
                                    const LinalgToVectorOptions &options);

} // namespace bit

#endif // BIT_CONVERSION_LINALGTOVECTOR_LINALGTOVECTOR_H
