// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PlaneSums.h"
#include "Intrinsics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace bit::x86 {

Value PlaneSums::decode(OpBuilder &builder, Location loc, Value &bytes,
                        int64_t plane) const {
  int64_t sum = getSum(plane), mask = (1 << bits) - 1;
  if (plane != 0 && sum == 0) {
    bytes = shiftWords(builder, loc, bytes, bits * count);
    // LLVM would shift what was loaded each time and keep it, too, for which 16
    // registers are too few.
    if (cast<VectorType>(bytes.getType()).getNumElements() == 32)
      bytes = pin(builder, loc, bytes);
  }
  return maskBytes(builder, loc, bytes,
                   static_cast<uint8_t>(mask << bits * sum));
}

int64_t PlaneSums::getMaxK(int64_t low, int64_t high) const {
  // The highest sum has 4 * 8 / bits / count k of a step's 32 / bits, each with
  // the highest code times 2^(bits * (count - 1)).
  int64_t weight = bits << bits * (count - 1);
  constexpr int64_t limit = int64_t(1) << 31;
  return std::min(limit * count / (weight * std::max<int64_t>(-low, 1)),
                  (limit - 1) * count / (weight * std::max<int64_t>(high, 1)));
}

void PlaneSums::appendInit(OpBuilder &builder, Location loc, Value start,
                           SmallVectorImpl<Value> &sums) const {
  for (int64_t i = 0; i < count; ++i)
    sums.push_back(i == getFirst() ? start
                                   : splat(builder, loc, start.getType(), 0));
}

Value PlaneSums::finish(OpBuilder &builder, Location loc, ValueRange sums,
                        Value start) const {
  Value result;
  if (getFirst() >= count)
    result = start;
  for (auto [i, sum] : llvm::enumerate(sums)) {
    // Exact: every product of these planes is a multiple of what it loses.
    int64_t place = bits * (static_cast<int64_t>(i) - getFirst());
    Value part = shift(builder, loc, sum, place);
    result = result ? arith::AddIOp::create(builder, loc, result, part) : part;
  }
  return result;
}

} // namespace bit::x86
