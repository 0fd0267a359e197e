// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RowTiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

void bit::emitRowTiles(ImplicitLocOpBuilder &b, Value from, Value to,
                       int64_t tileRows,
                       llvm::function_ref<void(Value, int64_t)> emitTile,
                       bool overlap) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  Value count = arith::SubIOp::create(b, to, from);
  Value rest = arith::RemUIOp::create(b, count, index(tileRows));
  Value whole = arith::SubIOp::create(b, to, rest);
  {
    auto loop = scf::ForOp::create(b, from, whole, index(tileRows));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    emitTile(loop.getInductionVar(), tileRows);
  }
  for (int64_t size = llvm::PowerOf2Ceil(tileRows) / 2; size > 0; size /= 2) {
    if (!overlap) {
      Value next = arith::AddIOp::create(
          b, whole, arith::AndIOp::create(b, rest, index(size)));
      auto loop = scf::ForOp::create(b, whole, next, index(size));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      emitTile(loop.getInductionVar(), size);
      whole = next;
      continue;
    }
    Value atLeast =
        arith::CmpIOp::create(b, arith::CmpIPredicate::uge, rest, index(size));
    Value less = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, rest,
                                       index(2 * size));
    Value end = arith::SelectOp::create(
        b, arith::AndIOp::create(b, atLeast, less), to, whole);
    auto loop = scf::ForOp::create(b, whole, end, index(size));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value last = arith::SubIOp::create(b, to, index(size));
    emitTile(arith::MinUIOp::create(b, loop.getInductionVar(), last), size);
  }
}
