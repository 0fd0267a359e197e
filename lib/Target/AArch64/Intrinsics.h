// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_TARGET_AARCH64_INTRINSICS_H
#define BIT_LIB_TARGET_AARCH64_INTRINSICS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace bit::aarch64 {

/// A constant of a vector type of integers.
mlir::Value splat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type,
                  int64_t value);

/// Four zeros of i32.
mlir::Value zeroSums(mlir::OpBuilder &builder, mlir::Location loc);

/// 4 sums + dot products of 4 by 4 signed bytes.
mlir::Value sdot(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value sum,
                 mlir::Value a, mlir::Value b);

/// Word `lane` of 16 bytes in all four words: as an operand of sdot it is part
/// of the instruction.
mlir::Value broadcastWord(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value bytes, int64_t lane);

/// The words of two times 16 bytes that `lanes` name, those of b from 4 on.
mlir::Value shuffleWords(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value a, mlir::Value b,
                         llvm::ArrayRef<int64_t> lanes);

/// 2 x 2 sums + the product of a, 2 x 8 signed bytes, by b transposed, the
/// same.
mlir::Value smmla(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value sum,
                  mlir::Value a, mlir::Value b);

/// The products of the upper or the lower 8 of 16 signed bytes, as i16.
mlir::Value smull(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a,
                  mlir::Value b, bool upper);

/// The sums of 4 times 4 neighbours of 16 i16, as i32.
mlir::Value addQuads(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value lower, mlir::Value upper);

/// Bytes shifted right by `amount` bits.
mlir::Value shiftBytes(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value bytes, int64_t amount);

/// Bytes & mask.
mlir::Value maskBytes(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value bytes, uint8_t mask);

/// -1 for each byte that has a bit of `mask`, else 0.
mlir::Value testBytes(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value bytes, uint8_t mask);

/// The value as it is, in a register that LLVM knows nothing about.
mlir::Value pin(mlir::OpBuilder &builder, mlir::Location loc,
                mlir::Value value);

} // namespace bit::aarch64

#endif // BIT_LIB_TARGET_AARCH64_INTRINSICS_H
