// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What If, Loop and Scan share: bodies that become regions of scf, and values
// that cross their borders.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_CONTROLFLOW_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_CONTROLFLOW_H

#include "OnnxPattern.h"

namespace bit::onnx {

/// `type` without the sign of its elements.
mlir::RankedTensorType getStorageTensor(mlir::Type type);

/// A value of a body that is not converted yet, without its sign. The
/// conversion removes the cast.
mlir::Value toStorageTensor(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value value);
/// The reverse, for what replaces a body's arguments.
mlir::Value fromStorageTensor(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::Value value, mlir::Type onnxType);

/// What the import says of the sizes of the results of If and Loop, a list of
/// names for each result. The operations that they become keep it, and check it
/// where a branch or a body ends.
inline constexpr llvm::StringLiteral dimNamesAttr = "onnx.dims";

/// The size that `dim` of result `result` of `op` has by its name, or none
/// where it has no name that one of the function's inputs has.
std::optional<mlir::OpFoldResult> getNamedDim(mlir::OpBuilder &builder,
                                              mlir::Location loc,
                                              mlir::Operation *op,
                                              int64_t result, int64_t dim);

/// Checks at run time that the dims of `value` have the sizes that their names
/// in result `result` of `op` stand for.
void checkNamedDims(mlir::OpBuilder &builder, mlir::Operation *op,
                    mlir::Value value, int64_t result, const llvm::Twine &what);

/// `value` as `type`, checked at run time where that knows more; an error at
/// `op` that names `what` where they cannot be the same.
mlir::FailureOr<mlir::Value> carryAs(mlir::OpBuilder &builder,
                                     mlir::Operation *op, mlir::Value value,
                                     mlir::RankedTensorType type,
                                     const llvm::Twine &what);

/// The only element of `tensor`, which is checked to be one.
mlir::FailureOr<mlir::Value> readScalar(mlir::OpBuilder &builder,
                                        mlir::Operation *op, mlir::Value tensor,
                                        const llvm::Twine &what);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_CONTROLFLOW_H
