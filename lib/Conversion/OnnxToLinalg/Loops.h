// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two loop nests that most operators are: pointwise with broadcast, and
// reduction over axes.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_LOOPS_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_LOOPS_H

#include "Dims.h"
#include "mlir/IR/AffineMap.h"

namespace bit::onnx {

/// A tensor as a loop nest reads it.
struct LoopOperand {
  mlir::Value tensor;
  /// From the nest's dims to the tensor's.
  mlir::AffineMap map;
  /// Dims of the tensor that may turn out to be 1 at run time, where the index
  /// is then 0. Empty: none.
  llvm::SmallVector<bool> maybeOne;
};

/// The numpy broadcast of several tensors.
struct Broadcast {
  Dims sizes;
  llvm::SmallVector<LoopOperand> operands;
};

/// How one operand's dims depend on those of the broadcast result.
struct DimsUse {
  llvm::SmallVector<mlir::AffineExpr> exprs;
  llvm::SmallVector<bool> maybeOne;
};

/// Fails with an error at `op` where dims differ whatever the inputs. What is
/// known only at run time is checked there.
mlir::LogicalResult broadcastDims(mlir::OpBuilder &builder, mlir::Operation *op,
                                  llvm::ArrayRef<Dims> operands, Dims &sizes,
                                  llvm::SmallVectorImpl<DimsUse> &uses);
/// The same for tensors and, if given, one more shape.
mlir::FailureOr<Broadcast> broadcast(
    mlir::OpBuilder &builder, mlir::Operation *op, mlir::ValueRange tensors,
    std::optional<llvm::ArrayRef<mlir::OpFoldResult>> shape = std::nullopt);
/// ONNX's unidirectional broadcast: the result has the first tensor's sizes,
/// and operands that would make it larger are an error.
mlir::FailureOr<Broadcast> broadcastToFirst(mlir::OpBuilder &builder,
                                            mlir::Operation *op,
                                            mlir::ValueRange tensors);

/// Takes the elements of the operands and returns the result's.
using PointwiseBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// One parallel loop for each of `sizes`.
mlir::Value createPointwise(mlir::OpBuilder &builder, mlir::Location loc,
                            llvm::ArrayRef<LoopOperand> operands,
                            llvm::ArrayRef<mlir::OpFoldResult> sizes,
                            mlir::Type elementType, PointwiseBody body);
/// The operands have the result's shape, or (rows) its shape without `dropped`
/// dims.
mlir::Value createPointwise(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::ValueRange operands, mlir::Type elementType,
                            PointwiseBody body,
                            llvm::ArrayRef<int64_t> dropped = {});

/// Takes an element and the accumulator.
using ReductionBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::Value, mlir::Value)>;

/// Reduces `axes` (sorted), which the result no longer has. Neighbouring axes
/// are one loop.
mlir::Value createReduction(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value input, llvm::ArrayRef<int64_t> axes,
                            mlir::Value initial, ReductionBody body);

/// Inserts dims of size 1 where the result has `axes` (sorted).
mlir::Value insertUnitDims(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value tensor, llvm::ArrayRef<int64_t> axes);

/// Removes a dim whose size is 1.
mlir::Value dropUnitDim(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value tensor, int64_t dim);

/// A new tensor of one value.
mlir::Value createFilled(mlir::OpBuilder &builder, mlir::Location loc,
                         llvm::ArrayRef<mlir::OpFoldResult> sizes,
                         mlir::Value value);

/// `value` as `type`: where that knows more sizes they are checked.
mlir::Value castTo(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value value, mlir::RankedTensorType type);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_LOOPS_H
