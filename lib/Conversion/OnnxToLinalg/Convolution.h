// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What convolutions of floats, of integers and transposed ones share.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_CONVOLUTION_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_CONVOLUTION_H

#include "Windows.h"

namespace bit::onnx {

/// Errors of ranks and of the group.
mlir::LogicalResult checkConvOperands(mlir::Operation *op, mlir::Value x,
                                      mlir::Value w, mlir::Value bias,
                                      int64_t group);
/// An error, or a check at run time.
mlir::LogicalResult checkDivisible(mlir::OpBuilder &builder,
                                   mlir::Operation *op, mlir::OpFoldResult size,
                                   int64_t group, llvm::StringRef what);

/// The tensor with `dim` split in (group, rest), and back; for one group it
/// stays as it is.
mlir::Value splitGroups(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value tensor, unsigned dim, int64_t group);
mlir::Value joinGroups(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value tensor, unsigned dim, int64_t group);

/// The tensor with elements of the other type, if that differs.
mlir::Value toComputeTensor(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value tensor, mlir::Type onnxType);
mlir::Value toStorageTensor(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value tensor, mlir::Type onnxType);

/// The bias (null: 0) of each channel, in the compute type: where chains of
/// multiply-adds start.
mlir::FailureOr<mlir::Value> startFromBias(mlir::OpBuilder &builder,
                                           mlir::Operation *op,
                                           mlir::Value bias, const Dims &sizes,
                                           mlir::Type onnxType);

/// The loops: x (n, [group], c, ...) that holds all taps, w ([group], out, c,
/// ...), init (n, [group], out, ...), without the group's dim if there is one
/// group. Taps where `mask` (null: none), of x's spatial dims, is 0 are
/// skipped.
mlir::Value createConvLoops(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value x, mlir::Value w, mlir::Value init,
                            const Window &window, int64_t group,
                            mlir::Type onnxType, mlir::Value mask = {});

/// The convolution in the compute type; `bias` may be null.
mlir::FailureOr<mlir::Value>
createConvolution(mlir::OpBuilder &builder, mlir::Operation *op, mlir::Value x,
                  mlir::Value w, mlir::Value bias, mlir::Type onnxType,
                  int64_t group, const WindowAttributes &attributes);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_CONVOLUTION_H
