// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that several ops' verifiers share.

#ifndef BIT_LIB_DIALECT_BIT_IR_VERIFY_H
#define BIT_LIB_DIALECT_BIT_IR_VERIFY_H

#include "bit/Dialect/Bit/IR/BitEnums.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace bit {

/// `codes`, which `what` names, is a static N x K.
mlir::LogicalResult verifyStaticMatrix(mlir::Operation *op,
                                       llvm::StringRef what,
                                       mlir::ShapedType codes);

/// `scale` has 1, N or N x G elements, where G divides K.
mlir::LogicalResult verifyWeightScale(mlir::Operation *op,
                                      mlir::ShapedType scale, int64_t n,
                                      int64_t k);

/// `bias`, if there is one, has N elements.
mlir::LogicalResult verifyBias(mlir::Operation *op, mlir::Value bias,
                               int64_t n);

/// `xScale` has M elements, or is of rank 0.
mlir::LogicalResult verifyActivationScale(mlir::Operation *op,
                                          mlir::ShapedType xScale, int64_t m);

/// `range` is a range of int8 that holds 0.
mlir::LogicalResult verifyRange(mlir::Operation *op,
                                llvm::ArrayRef<int64_t> range);

/// k products of a code in [low, high] by -1, 0 or 1 add up within i32.
mlir::LogicalResult verifyAccumulation(mlir::Operation *op, int64_t k,
                                       int64_t low, int64_t high);

/// Where `codes` is an inline constant, its elements are weight codes of
/// `kind`. The codes of a resource are checked when they are packed: reading
/// gigabytes does not belong in a verifier.
mlir::LogicalResult verifyWeightCodes(mlir::Operation *op, mlir::Value codes,
                                      WeightKind kind);

/// The same for activation codes, which lie in [low, high].
mlir::LogicalResult verifyActivationCodes(mlir::Operation *op,
                                          mlir::Value codes, int64_t low,
                                          int64_t high);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_IR_VERIFY_H
