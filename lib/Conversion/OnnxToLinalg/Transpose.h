// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_TRANSPOSE_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_TRANSPOSE_H

#include "mlir/IR/Builders.h"

namespace bit::onnx {

/// A constant with its dims permuted, or null where `tensor` is no constant:
/// weights are transposed once, here, instead of at every run.
mlir::Value transposeConstant(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::Value tensor,
                              llvm::ArrayRef<int64_t> permutation);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_TRANSPOSE_H
