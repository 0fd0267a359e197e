// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_IMPORT_CONVERTOPERATORS_H
#define BIT_LIB_IMPORT_CONVERTOPERATORS_H

#include "Model.h"

namespace bit::detail {

/// Writes operators whose versions libonnx takes for one another, or does not
/// convert, in terms of others; before its conversion.
void rewriteOperators(Model &model);

/// Says after the conversion from opset 10 or before what Resize meant there.
mlir::LogicalResult placeFirstResize(Model &model);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_CONVERTOPERATORS_H
