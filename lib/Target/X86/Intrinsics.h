// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_TARGET_X86_INTRINSICS_H
#define BIT_LIB_TARGET_X86_INTRINSICS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace bit::x86 {

/// A constant of a vector type of integers.
mlir::Value splat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type,
                  int64_t value);

/// Integers shifted right by `amount` bits, or left where it is less than 0.
mlir::Value shift(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::Value value, int64_t amount);

/// 16 rows from the 8 of the lower and the 8 of the upper bytes.
mlir::Value join(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value low,
                 mlir::Value high);

/// A vector of so many i8 whose 32-bit words are all `word`, an i32.
mlir::Value broadcastCodes(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value word, int64_t bytes);

/// Words of 4 bytes shifted right by `amount` bits, as bytes.
mlir::Value shiftWords(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value bytes, int64_t amount);

/// Bytes & mask.
mlir::Value maskBytes(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value bytes, uint8_t mask);

/// i32 sums + dot products of 4 unsigned by 4 signed bytes: 16 or 8 lanes.
mlir::Value vpdpbusd(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value sum, mlir::Value unsignedBytes,
                     mlir::Value signedBytes);

/// Dot products of 2 unsigned by 2 signed bytes as i16, saturating: 16 lanes.
mlir::Value vpmaddubsw(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value unsignedBytes, mlir::Value signedBytes);

/// The same for 32 lanes.
mlir::Value vpmaddubsw512(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value unsignedBytes, mlir::Value signedBytes);

/// Bytes of a, then b, at 64 indices, of which the top bit does not count.
mlir::Value vpermi2b(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value a, mlir::Value indices, mlir::Value b);

/// 32 i16 of a and 32 of b as bytes, saturating: 8 of a, 8 of b in each 16.
mlir::Value vpacksswb(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value a, mlir::Value b);

/// Dot products of 2 i16 by 2 i16 as i32: 8 lanes.
mlir::Value vpmaddwd(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value a, mlir::Value b);

/// The value as it is: no instruction, but what it is made of is not reordered
/// with what it becomes. For the order of additions, which decides on
/// registers.
mlir::Value pin(mlir::OpBuilder &builder, mlir::Location loc,
                mlir::Value value);

} // namespace bit::x86

#endif // BIT_LIB_TARGET_X86_INTRINSICS_H
