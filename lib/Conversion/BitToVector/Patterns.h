// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_CONVERSION_BITTOVECTOR_PATTERNS_H
#define BIT_LIB_CONVERSION_BITTOVECTOR_PATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace bit {

void populateAttentionToVectorPatterns(mlir::RewritePatternSet &patterns);
void populateCodeMatmulToVectorPatterns(mlir::RewritePatternSet &patterns);
void populateAbsmaxQuantizeToVectorPatterns(mlir::RewritePatternSet &patterns);
void populatePackedMatmulToVectorPatterns(mlir::RewritePatternSet &patterns);
void populatePackPanelsToVectorPatterns(mlir::RewritePatternSet &patterns);
void populatePanelConvToVectorPatterns(mlir::RewritePatternSet &patterns);
void populatePanelsToVectorPatterns(mlir::RewritePatternSet &patterns);

} // namespace bit

#endif // BIT_LIB_CONVERSION_BITTOVECTOR_PATTERNS_H
