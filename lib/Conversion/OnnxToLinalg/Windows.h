// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels that slide over the spatial dims of [N, C, ...]: what convolutions
// and pooling share.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_WINDOWS_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_WINDOWS_H

#include "OnnxPattern.h"

namespace bit::onnx {

/// The attributes of one operator; what is not given is 1, pads 0.
struct WindowAttributes {
  std::optional<llvm::ArrayRef<int64_t>> kernel, strides, dilations, pads;
  llvm::StringRef autoPad;
  bool ceilMode = false;
};

/// One entry for each spatial dim.
struct Window {
  Dims input, kernel;
  llvm::SmallVector<int64_t> strides, dilations;
  /// Padding before and after; for outputs rounded up, taps may lie behind.
  Dims begin, end;
  /// What holds the input and all taps.
  Dims padded;
  Dims output;

  unsigned rank() const { return input.size(); }
  /// The input position of a tap, counted from the padding's start.
  mlir::AffineExpr position(unsigned dim, mlir::AffineExpr output,
                            mlir::AffineExpr tap) const {
    return output * strides[dim] + tap * dilations[dim];
  }
};

/// A list of `rank` numbers in [least, 2^31), `fallback` where it is not given;
/// none with an error.
std::optional<llvm::SmallVector<int64_t>>
getList(mlir::Operation *op, llvm::StringRef name,
        std::optional<llvm::ArrayRef<int64_t>> values, size_t rank,
        int64_t least, int64_t fallback);

/// The kernel's sizes; an error or a check at run time where they differ from
/// the attribute.
mlir::FailureOr<Dims>
getKernel(mlir::OpBuilder &builder, mlir::Operation *op, mlir::Value weight,
          std::optional<llvm::ArrayRef<int64_t>> attribute);

/// `input` and `kernel` are the spatial dims. Kernels that do not fit are an
/// error or fail at run time.
mlir::FailureOr<Window> getWindow(mlir::OpBuilder &builder, mlir::Operation *op,
                                  llvm::ArrayRef<mlir::OpFoldResult> input,
                                  llvm::ArrayRef<mlir::OpFoldResult> kernel,
                                  const WindowAttributes &attributes);

/// The tensor with `value` around its spatial dims, its last ones.
mlir::Value padSpatial(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value tensor, const Window &window,
                       mlir::Value value);

/// Index arithmetic that folds constants.
mlir::OpFoldResult subDims(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::OpFoldResult a, mlir::OpFoldResult b);
mlir::OpFoldResult maxDims(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::OpFoldResult a, mlir::OpFoldResult b);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_WINDOWS_H
