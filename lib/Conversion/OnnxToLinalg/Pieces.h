// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Slices of tensors, which may be empty: MLIR refuses one without elements that
// begins where its tensor ends.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_PIECES_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_PIECES_H

#include "Dims.h"

namespace bit::onnx {

/// The elements of `tensor` from `offsets` on, `strides` apart.
mlir::Value takePiece(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value tensor, const Dims &offsets,
                      const Dims &sizes, const Dims &strides);

/// `tensor` with `piece` written at `offsets`.
mlir::Value putPiece(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value piece, mlir::Value tensor, const Dims &offsets,
                     const Dims &sizes);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_PIECES_H
