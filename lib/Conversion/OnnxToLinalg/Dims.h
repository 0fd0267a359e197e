// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of tensors and the values of small tensors that hold shapes, traced
// through the operations that made them, so that what is equal at run time is
// one SSA value at compile time.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_DIMS_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_DIMS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include <optional>

namespace bit::onnx {

using Dims = llvm::SmallVector<mlir::OpFoldResult>;

/// Creates the dynamic dims of all arguments at the function's entry, one for
/// each symbolic name; arguments that share a name are checked to agree.
mlir::LogicalResult materializeArgumentDims(mlir::OpBuilder &builder,
                                            mlir::func::FuncOp func);

/// The size of one dim: an index attribute where it is known.
mlir::OpFoldResult getDim(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value tensor, int64_t dim);
Dims getDims(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor);

/// Whether two sizes are the same whatever the inputs: equal constants, one
/// value, or the same arithmetic on the same values.
bool isSameDim(mlir::OpFoldResult a, mlir::OpFoldResult b);

/// Index arithmetic that folds constants.
mlir::OpFoldResult addDims(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::OpFoldResult a, mlir::OpFoldResult b);
mlir::OpFoldResult mulDims(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::OpFoldResult a, mlir::OpFoldResult b);
mlir::OpFoldResult mulDims(mlir::OpBuilder &builder, mlir::Location loc,
                           llvm::ArrayRef<mlir::OpFoldResult> dims);
/// The quotient of two products of sizes where it is exact whatever the inputs:
/// every factor of the divisor cancels.
std::optional<mlir::OpFoldResult>
divideDims(mlir::OpBuilder &builder, mlir::Location loc,
           llvm::ArrayRef<mlir::OpFoldResult> dividend,
           llvm::ArrayRef<mlir::OpFoldResult> divisor);
mlir::Value toValue(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::OpFoldResult dim);

/// The tensor with `sizes` of `elementType`; constant sizes become static.
mlir::RankedTensorType getTensorType(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                                     mlir::Type elementType);

/// Fails at run time with "expects ..." unless `condition`.
void emitCheck(mlir::OpBuilder &builder, mlir::Location loc,
               mlir::Value condition, const llvm::Twine &message);
/// Checks a == b unless they are provably the same. False where they provably
/// differ, which is then left to the caller.
bool checkSameDim(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::OpFoldResult a, mlir::OpFoldResult b,
                  const llvm::Twine &message);

/// Elements of a tensor known one by one, row-major: of constants and of what
/// makeElements built, at most maxKnownElements.
inline constexpr int64_t maxKnownElements = 64;
std::optional<llvm::SmallVector<mlir::Value>>
getKnownElements(mlir::OpBuilder &builder, mlir::Location loc,
                 mlir::Value tensor);
/// The same of a small static vector or scalar, read where they are not known.
llvm::SmallVector<mlir::Value>
readElements(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor);
mlir::Value makeElements(mlir::OpBuilder &builder, mlir::Location loc,
                         llvm::ArrayRef<mlir::Value> elements,
                         mlir::RankedTensorType type);

/// The constant that `value` holds, if any.
std::optional<int64_t> getConstant(mlir::OpFoldResult value);
/// An element of a shape tensor as a size, and back.
mlir::OpFoldResult elementToDim(mlir::OpBuilder &builder, mlir::Location loc,
                                mlir::Value element);
mlir::Value dimToElement(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::OpFoldResult dim, mlir::Type elementType);

/// The value without casts that only hide static sizes or signs.
mlir::Value stripCasts(mlir::Value value);
/// The value before casts that forgot static sizes.
mlir::Value stripStaticCasts(mlir::Value value);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_DIMS_H
