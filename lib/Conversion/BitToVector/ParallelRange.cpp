// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ParallelRange.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

Value bit::emitParallelRange(OpBuilder &builder, Location loc, Value count,
                             Value itemWork, int64_t pieceWork) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value work = arith::MaxSIOp::create(builder, loc, itemWork, index(1));
  Value items =
      arith::CeilDivUIOp::create(builder, loc, index(pieceWork), work);
  Value pieces = arith::CeilDivUIOp::create(builder, loc, count, items);
  auto shared = scf::ForallOp::create(
      builder, loc, ArrayRef<OpFoldResult>{OpFoldResult(pieces)},
      /*outputs=*/ValueRange(), /*mapping=*/std::nullopt);
  builder.setInsertionPointToStart(shared.getBody());
  Value first =
      arith::MulIOp::create(builder, loc, shared.getInductionVar(0), items);
  Value rest = arith::SubIOp::create(builder, loc, count, first);
  Value size = arith::MinUIOp::create(builder, loc, rest, items);
  Value end = arith::AddIOp::create(builder, loc, first, size);
  auto loop = scf::ForOp::create(builder, loc, first, end, index(1));
  builder.setInsertionPointToStart(loop.getBody());
  return loop.getInductionVar();
}

Value bit::emitNumThreads(OpBuilder &builder, Location loc,
                          func::FuncOp function) {
  if (function.getNumArguments() > 0 &&
      isa<CallType>(function.getArgument(0).getType()))
    return NumThreadsOp::create(builder, loc, function.getArgument(0));
  return arith::ConstantIndexOp::create(builder, loc, 1);
}
