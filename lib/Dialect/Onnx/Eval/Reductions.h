// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_DIALECT_ONNX_EVAL_REDUCTIONS_H
#define BIT_LIB_DIALECT_ONNX_EVAL_REDUCTIONS_H

#include "Expression.h"

namespace bit::onnx {

/// True if `op` is one of the Reduce operators that are evaluated.
bool isReduction(mlir::Operation *op);

/// Reduces what `source` computes over axes that lie side by side.
llvm::Expected<HostTensor> reduce(mlir::Operation *op, Expression &source);

} // namespace bit::onnx

#endif // BIT_LIB_DIALECT_ONNX_EVAL_REDUCTIONS_H
