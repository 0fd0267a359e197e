// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What products and convolutions of floats share on their way to panels.

#ifndef BIT_LIB_DIALECT_BIT_TRANSFORMS_PANELPRODUCTS_H
#define BIT_LIB_DIALECT_BIT_TRANSFORMS_PANELPRODUCTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace bit {

/// Whether a body yields fma(argument 0, argument 1, argument 2) in f32.
bool isMultiplyAdd(mlir::Block &body);

/// A constant that has no bytes for its elements.
bool isWithoutBytes(mlir::Value value);

/// `x` with elements of f32.
mlir::Value widen(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x);

/// Replaces a convolution by constant weights by `bit.panel_conv`. Returns
/// false if `op` is none, or none that gains from it.
bool packConvolution(mlir::linalg::GenericOp op);

/// Replaces an integer product of codes of 8 bits by constant ones by
/// `bit.code_matmul`. Returns false if `op` is none.
bool packCodeProduct(mlir::linalg::GenericOp op);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_TRANSFORMS_PANELPRODUCTS_H
