// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_LINALGTOVECTOR_CONVROWS_H
#define BIT_CONVERSION_LINALGTOVECTOR_CONVROWS_H

#include "mlir/IR/PatternMatch.h"

namespace bit::rows {

/// Goes before the products: what it declines is one of them.
void populateConvRows(mlir::RewritePatternSet &patterns, int64_t tileRows);

} // namespace bit::rows

#endif // BIT_CONVERSION_LINALGTOVECTOR_CONVROWS_H
