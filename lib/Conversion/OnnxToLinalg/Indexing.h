// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What operators share that read or write at indices which tensors hold.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_INDEXING_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_INDEXING_H

#include "OnnxPattern.h"

namespace bit::onnx {

/// Checks that all indices lie in [-size, size): an error at `op` where a
/// constant does not, a check at run time where they are not known.
mlir::LogicalResult checkIndices(mlir::OpBuilder &builder, mlir::Operation *op,
                                 mlir::Value indices, mlir::OpFoldResult size,
                                 const llvm::Twine &message);

/// A checked index as a position: a negative one counts from the end.
mlir::Value wrapIndex(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value index, mlir::Value size);

/// Checks a == b, and a <= b: an error at `op` that starts with "expects ..."
/// where it is known to be wrong, else a check at run time.
mlir::LogicalResult expectSameDim(mlir::OpBuilder &builder, mlir::Operation *op,
                                  mlir::OpFoldResult a, mlir::OpFoldResult b,
                                  const llvm::Twine &message);
mlir::LogicalResult expectAtMost(mlir::OpBuilder &builder, mlir::Operation *op,
                                 mlir::OpFoldResult a, mlir::OpFoldResult b,
                                 const llvm::Twine &message);

/// `tensor` with `length` elements along `axis`: an error at `op` or a check at
/// run time where it may have others.
mlir::FailureOr<mlir::Value> withLength(mlir::OpBuilder &builder,
                                        mlir::Operation *op, mlir::Value tensor,
                                        int64_t axis, int64_t length,
                                        const llvm::Twine &message);

/// The only element of `tensor`; an error at `op` where there are more.
mlir::FailureOr<mlir::Value> readScalar(mlir::OpBuilder &builder,
                                        mlir::Operation *op, mlir::Value tensor,
                                        llvm::StringRef name);

/// Takes the loops' positions and the values carried, returns the latter's
/// next ones.
using SerialBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange, mlir::ValueRange)>;

/// Loops in ascending order over `sizes` that carry values, for instance a
/// tensor that is written in place.
llvm::SmallVector<mlir::Value>
createSerialLoops(mlir::OpBuilder &builder, mlir::Location loc,
                  llvm::ArrayRef<mlir::OpFoldResult> sizes,
                  mlir::ValueRange initial, SerialBody body);

/// `tensor` as one row.
mlir::Value flatten(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value tensor);

/// Index arithmetic that folds.
struct IndexBuilder {
  mlir::OpBuilder &builder;
  mlir::Location loc;

  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  /// Of values that are not negative.
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value rem(mlir::Value a, mlir::Value b);
  /// Between 0 and b, whatever the sign of `a`.
  mlir::Value floorMod(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value less(mlir::Value a, mlir::Value b);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  /// 0 <= a < b
  mlir::Value inside(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  /// From and to an integer type.
  mlir::Value from(mlir::Value integer);
  mlir::Value to(mlir::Value index, mlir::Type type);
};

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_INDEXING_H
