// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of codes of 8 bits by plain vector ops, for every target.

#include "GenericCodes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

/// Columns that are summed together.
static constexpr int64_t columns = 4;

static Value broadcast(OpBuilder &builder, Location loc, Value word) {
  Type i32 = builder.getI32Type();
  Value one =
      vector::BroadcastOp::create(builder, loc, VectorType::get(1, i32), word);
  Value bytes = vector::BitCastOp::create(
      builder, loc, VectorType::get(4, builder.getI8Type()), one);
  Value wide =
      arith::ExtUIOp::create(builder, loc, VectorType::get(4, i32), bytes);
  SmallVector<int64_t> lanes;
  for (int64_t i = 0; i < 4 * columns; ++i)
    lanes.push_back(i % 4);
  return vector::ShuffleOp::create(builder, loc, wide, wide, lanes);
}

static Value dot(OpBuilder &builder, Location loc, Value sum, Value quads,
                 Value x) {
  Value wide = arith::ExtSIOp::create(builder, loc, sum.getType(), quads);
  return arith::AddIOp::create(builder, loc, sum,
                               arith::MulIOp::create(builder, loc, wide, x));
}

void bit::addGenericCodes(KernelRegistry &kernels) {
  kernels.addCodes({"generic.codes",
                    {},
                    {},
                    columns,
                    /*partials=*/4,
                    /*rows=*/2,
                    /*vectors=*/1,
                    /*chains=*/1,
                    broadcast,
                    dot});
}
