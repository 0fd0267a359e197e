// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic on indices, as emitters of loops over buffers write it.

#ifndef BIT_CONVERSION_BITTOVECTOR_INDEXMATH_H
#define BIT_CONVERSION_BITTOVECTOR_INDEXMATH_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace bit {

/// What an emitter derives from. Indices of elements that exist are in 0 ..
/// 2^63 - 1, so nothing here wraps, and LLVM is told so: without, it widens and
/// compares again in each loop. Not for elements of tensors, which may wrap.
class IndexMath {
protected:
  IndexMath(mlir::OpBuilder &builder, mlir::Location loc)
      : indexBuilder(builder), indexLoc(loc) {}

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(indexBuilder, indexLoc, value);
  }
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return indexBuilder.createOrFold<mlir::arith::AddIOp>(indexLoc, a, b,
                                                          noWrap);
  }
  mlir::Value add(mlir::Value a, int64_t b) {
    return b == 0 ? a : add(a, index(b));
  }
  mlir::Value mul(mlir::Value a, mlir::Value b) {
    return indexBuilder.createOrFold<mlir::arith::MulIOp>(indexLoc, a, b,
                                                          noWrap);
  }
  mlir::Value mul(mlir::Value a, int64_t b) { return mul(a, index(b)); }

private:
  static constexpr auto noWrap = mlir::arith::IntegerOverflowFlags::nsw |
                                 mlir::arith::IntegerOverflowFlags::nuw;
  mlir::OpBuilder &indexBuilder;
  mlir::Location indexLoc;
};

} // namespace bit

#endif // BIT_CONVERSION_BITTOVECTOR_INDEXMATH_H
