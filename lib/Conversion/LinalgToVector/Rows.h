// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the three forms share: which operations can run along a row, and access
// to their operands by vectors.

#ifndef BIT_CONVERSION_LINALGTOVECTOR_ROWS_H
#define BIT_CONVERSION_LINALGTOVECTOR_ROWS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace bit::rows {

/// Elements a vector has; two registers of AVX2, one of AVX-512, four of NEON.
constexpr int64_t lanes = 16;

/// Whether the operation is on buffers, every operand is a scalar, does not
/// move along the innermost loop or has its neighbours there, and the body
/// consists of elementwise operations on numbers a vector can hold.
bool hasRows(mlir::linalg::LinalgOp op);

/// One linalg operation while its loops are written. Induction variables are
/// given by loop; the innermost loop's is the first lane.
class RowWriter {
public:
  RowWriter(mlir::linalg::LinalgOp op, mlir::ImplicitLocOpBuilder &builder);

  mlir::ImplicitLocOpBuilder &b;
  mlir::linalg::LinalgOp op;
  /// Number of iterations of each loop.
  llvm::SmallVector<mlir::Value> sizes;

  unsigned innermost() { return op.getNumLoops() - 1; }
  bool uses(mlir::OpOperand &operand, unsigned loop);

  /// 16 elements of the operand, one broadcast or those under the mask (may be
  /// null). Elements outside the mask are zeros.
  mlir::Value load(mlir::OpOperand &operand, mlir::ValueRange ivs,
                   mlir::Value mask);
  /// The one element that an operand has along the row.
  mlir::Value loadScalar(mlir::OpOperand &operand, mlir::ValueRange ivs);
  void store(mlir::Value value, mlir::OpOperand &operand, mlir::ValueRange ivs,
             mlir::Value mask);
  void storeScalar(mlir::Value value, mlir::OpOperand &operand,
                   mlir::ValueRange ivs);

  /// Maps the body's argument for the operand to what is loaded, if it is used
  /// and not mapped yet.
  void mapArgument(mlir::OpOperand &operand, mlir::IRMapping &values,
                   mlir::ValueRange ivs, mlir::Value mask);
  /// Writes the body on vectors; returns what it yields.
  llvm::SmallVector<mlir::Value> evaluate(mlir::IRMapping &values);

  mlir::Value index(int64_t value);
  mlir::Value broadcast(mlir::Value scalar);

  /// Nested loops over all iterations of the loops from `first` to before
  /// `end`; calls `body` with `ivs` extended by their variables.
  void loopNest(unsigned first, unsigned end,
                llvm::SmallVector<mlir::Value> &ivs,
                llvm::function_ref<void()> body);
  /// for (i = from; i < to; i += step)
  void loop(mlir::Value from, mlir::Value to, mlir::Value step,
            llvm::function_ref<void(mlir::Value)> body);
  /// The same, carrying values; `body` returns them for the next iteration.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, mlir::Value step,
       mlir::ValueRange carried,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           body);

  /// if (count != 0); without results if there is nothing to return otherwise.
  llvm::SmallVector<mlir::Value>
  ifAny(mlir::Value count, mlir::ValueRange otherwise,
        llvm::function_ref<llvm::SmallVector<mlir::Value>()> body);

  /// Size minus size modulo a block.
  mlir::Value wholeBlocks(mlir::Value size, int64_t block);
  /// The first `count` lanes.
  mlir::Value maskOf(mlir::Value count);

private:
  void cloneAsVector(mlir::Operation &bodyOp, mlir::IRMapping &values);
  /// The vector that stands for a value of the body or, broadcast, for one from
  /// outside of it.
  mlir::Value lookUp(mlir::Value value, mlir::IRMapping &values);
  llvm::SmallVector<mlir::Value> indices(mlir::OpOperand &operand,
                                         mlir::ValueRange ivs);
};

} // namespace bit::rows

#endif // BIT_CONVERSION_LINALGTOVECTOR_ROWS_H
