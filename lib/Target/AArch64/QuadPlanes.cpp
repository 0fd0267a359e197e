// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "QuadPlanes.h"
#include "Intrinsics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::aarch64 {

Value QuadPlanes::decode(OpBuilder &builder, Location loc, Value bytes,
                         int64_t plane) const {
  if (bits == 1)
    return testBytes(builder, loc, bytes, static_cast<uint8_t>(1 << plane));
  int64_t sum = getSum(plane), amount = bits * (plane - sum);
  if (amount != 0)
    bytes = shiftBytes(builder, loc, bytes, amount);
  // The highest bits have nothing above them.
  if (amount + bits == 8)
    return bytes;
  return maskBytes(builder, loc, bytes, static_cast<uint8_t>(3 << bits * sum));
}

int64_t QuadPlanes::getMaxK(int64_t low, int64_t high) const {
  constexpr int64_t limit = int64_t(1) << 31;
  // What is not shifted may wrap: only the result must fit.
  if (count == 1)
    return (limit - 1) / std::max<int64_t>({1, -low, high});
  // Of a step's 16 k the highest sum has 4, times 32, or 8, times 8.
  int64_t weight = count == 3 ? 8 : 4;
  return std::min(limit / (weight * std::max<int64_t>(-low, 1)),
                  (limit - 1) / (weight * std::max<int64_t>(high, 1)));
}

void QuadPlanes::appendInit(OpBuilder &builder, Location loc, Value start,
                            SmallVectorImpl<Value> &sums) const {
  for (int64_t i = 0; i < count; ++i)
    sums.push_back(i == 0 && bits != 1 ? start : zeroSums(builder, loc));
}

Value QuadPlanes::finish(OpBuilder &builder, Location loc, ValueRange sums,
                         Value start) const {
  auto place = [&](int64_t amount) {
    return splat(builder, loc, start.getType(), amount);
  };
  // A bit b is the weight 2 b - 1, so bits count twice; the sum is of -b * x.
  if (bits == 1)
    return arith::SubIOp::create(
        builder, loc, start,
        arith::ShLIOp::create(builder, loc, sums[0], place(1)));
  Value result = sums[0];
  // Exact: every product of these planes is a multiple of what it loses.
  for (int64_t i = 1; i < count; ++i)
    result = arith::AddIOp::create(
        builder, loc, result,
        arith::ShRSIOp::create(builder, loc, sums[i], place(bits * i)));
  return result;
}

Value joinQuads(OpBuilder &builder, Location loc, ArrayRef<Value> quads) {
  auto join = [&](Value a, Value b, int64_t lanes) -> Value {
    return vector::ShuffleOp::create(
        builder, loc, a, b, llvm::to_vector(llvm::seq<int64_t>(0, 2 * lanes)));
  };
  return join(join(quads[0], quads[1], quadRows),
              join(quads[2], quads[3], quadRows), 2 * quadRows);
}

} // namespace bit::aarch64
