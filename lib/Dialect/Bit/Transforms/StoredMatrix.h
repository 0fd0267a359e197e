// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrices of floats that are computed from constants of fewer bytes.

#ifndef BIT_LIB_DIALECT_BIT_TRANSFORMS_STOREDMATRIX_H
#define BIT_LIB_DIALECT_BIT_TRANSFORMS_STOREDMATRIX_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include <optional>

namespace bit {

/// A matrix of f32 that is, element by element, a constant of f32, f16 or bf16,
/// or one of i8, which may be multiplied by a constant once.
struct StoredMatrix {
  mlir::Value matrix;
  /// The rows of the constant are columns.
  bool transposed = false;
  /// The constant factor, if there is one: a tensor read at `scaleMap` of the
  /// matrix' dims, or a number.
  mlir::Value scales;
  mlir::AffineMap scaleMap;

  /// Makes `scales` a constant vector of one element or of one for each place
  /// in dim `dim` of the matrix. Fails if they are more than that.
  llvm::LogicalResult arrangeScales(mlir::OpBuilder &builder, int64_t dim);
};

/// Finds the constant that the elementwise operations before `matrix` read.
std::optional<StoredMatrix> matchStoredMatrix(mlir::Value matrix);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_TRANSFORMS_STOREDMATRIX_H
