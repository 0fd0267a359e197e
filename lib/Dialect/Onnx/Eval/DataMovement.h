// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_DIALECT_ONNX_EVAL_DATAMOVEMENT_H
#define BIT_LIB_DIALECT_ONNX_EVAL_DATAMOVEMENT_H

#include "bit/Dialect/Onnx/Eval/HostTensor.h"
#include "mlir/IR/Operation.h"

namespace bit::onnx {

/// True if `op` is one of the evaluated operators that only move elements.
bool isDataMovement(mlir::Operation *op);

/// How many of the first operands are data; the others are small integers that
/// have to be onnx.Constant.
unsigned getNumDataOperands(mlir::Operation *op);

/// Computes all results of `op` from its data operands.
llvm::Expected<llvm::SmallVector<HostTensor>>
moveData(mlir::Operation *op, llvm::ArrayRef<HostTensor> inputs);

} // namespace bit::onnx

#endif // BIT_LIB_DIALECT_ONNX_EVAL_DATAMOVEMENT_H
