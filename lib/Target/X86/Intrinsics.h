// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_TARGET_X86_INTRINSICS_H
#define BIT_LIB_TARGET_X86_INTRINSICS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace bit::x86 {

/// A vector of so many i8 whose 32-bit words are all `word`, an i32.
mlir::Value broadcastCodes(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value word, int64_t bytes);

/// Bytes shifted right by `amount` bits and masked. What the shift carries
/// from one byte to the next must lie outside the mask.
mlir::Value shiftAndMask(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value bytes, int64_t amount, uint8_t mask);

/// i32 sums + dot products of 4 unsigned by 4 signed bytes: 16 or 8 lanes.
mlir::Value vpdpbusd(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value sum, mlir::Value unsignedBytes,
                     mlir::Value signedBytes);

/// Dot products of 2 unsigned by 2 signed bytes as i16, saturating: 16 lanes.
mlir::Value vpmaddubsw(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value unsignedBytes, mlir::Value signedBytes);

/// Dot products of 2 i16 by 2 i16 as i32: 8 lanes.
mlir::Value vpmaddwd(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value a, mlir::Value b);

/// The sum of planes' sums of i32, plane p's of weights times 4^p, which
/// divides it.
mlir::Value addPlanes(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::ValueRange planes);

/// The value as it is: no instruction, but what it is made of is not reordered
/// with what it becomes. For the order of additions, which decides on
/// registers.
mlir::Value pin(mlir::OpBuilder &builder, mlir::Location loc,
                mlir::Value value);

} // namespace bit::x86

#endif // BIT_LIB_TARGET_X86_INTRINSICS_H
