// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_LINALGTOVECTOR_PATTERNS_H
#define BIT_CONVERSION_LINALGTOVECTOR_PATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace bit::rows {

void populateElementwiseRows(mlir::RewritePatternSet &patterns);
void populateReductionRows(mlir::RewritePatternSet &patterns);
void populateProductRows(mlir::RewritePatternSet &patterns, int64_t tileRows,
                         int64_t tileVectors);

} // namespace bit::rows

#endif // BIT_CONVERSION_LINALGTOVECTOR_PATTERNS_H
