// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_BITTOVECTOR_BITTOVECTOR_H
#define BIT_CONVERSION_BITTOVECTOR_BITTOVECTOR_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace bit {

#define GEN_PASS_DECL
#include "bit/Conversion/BitToVector/Passes.h.inc"

void populateBitToVectorPatterns(mlir::RewritePatternSet &patterns);

#define GEN_PASS_REGISTRATION
#include "bit/Conversion/BitToVector/Passes.h.inc"

} // namespace bit

#endif // BIT_CONVERSION_BITTOVECTOR_BITTOVECTOR_H
