// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums that planes of codes of 1 or 2 bits share.

#ifndef BIT_LIB_TARGET_X86_PLANESUMS_H
#define BIT_LIB_TARGET_X86_PLANESUMS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace bit::x86 {

/// Half of a group, whose sums a register of 256 bits holds, and the bytes of a
/// step that it has.
constexpr int64_t halfRows = 8, halfBytes = 32;

/// How planes of `bits` bits are masked where `count` sums share them: plane p
/// belongs to sum p % count, where it stays at the bits of plane p % count. So
/// the first `count` planes are not shifted; sums are, once, at the end.
struct PlaneSums {
  int64_t bits, count;

  int64_t getSum(int64_t plane) const { return plane % count; }
  /// A plane of `bytes`. Planes are taken one after another, as `bytes` are
  /// shifted where the next ones are due.
  mlir::Value decode(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value &bytes, int64_t plane) const;

  /// The longest K that vpdpbusd sums exactly for activations in [low, high].
  int64_t getMaxK(int64_t low, int64_t high) const;

  /// Appends what the sums of some rows start from, where their result, the sum
  /// of (w + 1) * x, starts from `start`.
  void appendInit(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::Value start,
                  llvm::SmallVectorImpl<mlir::Value> &sums) const;
  /// The result.
  mlir::Value finish(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::ValueRange sums, mlir::Value start) const;

private:
  /// The sum that has the weight of the result, which may be none of them: a
  /// bit b is the weight 2 b - 1, so bits count twice.
  int64_t getFirst() const { return 2 / bits - 1; }
};

} // namespace bit::x86

#endif // BIT_LIB_TARGET_X86_PLANESUMS_H
