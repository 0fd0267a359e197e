// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_GATHERND_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_GATHERND_H

#include "Indexing.h"

namespace bit::onnx {

/// The last dim of `indices`, of size `length`, as separate tensors, checked
/// against the dims that they index.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
splitTuples(mlir::OpBuilder &builder, mlir::Operation *op, mlir::Value indices,
            llvm::ArrayRef<mlir::OpFoldResult> dataDims, int64_t length);

/// Checks that `indices` address elements of `data` along `axis`, and that it
/// is not larger than `data` in other dims.
mlir::LogicalResult checkElementIndices(mlir::OpBuilder &builder,
                                        mlir::Operation *op, mlir::Value data,
                                        mlir::Value indices, int64_t axis);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_GATHERND_H
