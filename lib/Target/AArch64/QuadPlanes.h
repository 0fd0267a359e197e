// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How planes of codes of 1 or 2 bits become signed bytes, a register of four
// rows, a quad, at a time.

#ifndef BIT_LIB_TARGET_AARCH64_QUADPLANES_H
#define BIT_LIB_TARGET_AARCH64_QUADPLANES_H

#include "bit/Conversion/BitToVector/Turns.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace bit::aarch64 {

/// The rows whose sums a register holds, and the bytes of a step that they
/// have.
constexpr int64_t quadRows = 4, quadBytes = 16;
/// Of a group.
constexpr int64_t quadsPerGroup = PlaneLayout::rowsPerGroup / quadRows;

/// Planes that share `count` sums: 1 for P1, 1 to 3 for P2. Plane p of P2 stays
/// at its bits where it has a sum of its own, which is shifted once, at the
/// end; plane 3 cannot, as a byte of 128 is negative. Planes of P1 become -1 or
/// 0 by one instruction each, so their sums are negative.
struct QuadPlanes {
  int64_t bits, count;

  int64_t getNumPlanes() const { return 8 / bits; }
  int64_t getSum(int64_t plane) const { return plane % count; }
  /// Signed bytes of a plane.
  mlir::Value decode(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value bytes, int64_t plane) const;

  /// The longest K whose sums are exact for activations in [low, high].
  int64_t getMaxK(int64_t low, int64_t high) const;

  /// Appends what the sums of some rows start from, where their result, the sum
  /// of (w + 1) * x, starts from `start`.
  void appendInit(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::Value start,
                  llvm::SmallVectorImpl<mlir::Value> &sums) const;
  /// The result.
  mlir::Value finish(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::ValueRange sums, mlir::Value start) const;
};

/// The sums of 16 rows from those of four quads.
mlir::Value joinQuads(mlir::OpBuilder &builder, mlir::Location loc,
                      llvm::ArrayRef<mlir::Value> quads);

} // namespace bit::aarch64

#endif // BIT_LIB_TARGET_AARCH64_QUADPLANES_H
