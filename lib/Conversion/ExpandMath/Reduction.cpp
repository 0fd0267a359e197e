// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Argument reduction for sin, cos and tan, right for every finite argument.
// Up to a bound: x - n pi/2 in double, with pi/2 in three parts (Cody and
// Waite). Above: x times the digits of 2/pi that matter (M. Payne and
// R. Hanek, "Radian reduction for trigonometric functions", SIGNUM 18, 1983),
// behind a branch, as hardly any argument is so large.

#include "Coefficients.h"
#include "Functions.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace bit::expand {

static constexpr double halfPi = 0x1.921fb54442d18p+0;
static constexpr double halfPiMiddle = 0x1.1a62633145c07p-54;
static constexpr double halfPiLow = -0x1.f1976b7ed8fbcp-110;

static Reduced reduceModerate(Float x) {
  auto [n, quarter] = roundProduct(x, 0.6366197723675814);
  // Exact: the digits of x and n pi/2 that differ fit a double.
  Float first = fma(n, -halfPi, x);
  Float high = fma(n, -halfPiMiddle, first);
  // What the last step rounded off, and the third part.
  DoubleFloat product = twoProduct(n, n.constant(halfPiMiddle));
  DoubleFloat difference = twoSum(first, -product.high);
  Float low = difference.low - product.low;
  low = low + (difference.high - high);
  low = fma(n, -halfPiLow, low);
  return {fastTwoSum(high, low), quarter};
}

/// The seven 32-digit words of 2/pi from word `index` on. Words come by
/// selection, not from memory: there is no gather on every target.
static SmallVector<Int> selectWords(Int index, int64_t maxIndex) {
  constexpr int64_t needed = 7;
  SmallVector<Int> words = {index.constant(0)};
  for (unsigned word : coefficients::twoOverPi)
    words.push_back(index.constant(word));
  int64_t step = 1;
  while (step * 2 <= maxIndex)
    step *= 2;
  for (; step > 0; step /= 2) {
    Bool far = notZero(index & step);
    size_t kept = needed + step - 1;
    SmallVector<Int> next;
    for (size_t i = 0; i < kept && i < words.size(); ++i)
      next.push_back(i + step < words.size()
                         ? select(far, words[i + step], words[i])
                         : words[i]);
    words = next;
  }
  return words;
}

static Reduced reduceLarge(Float x, bool fromSingle) {
  constexpr int64_t mask = 0xffffffff;
  Int i = bits(x);
  // |x| = m 2^e. Digits of 2/pi above 2^(1-e) give multiples of a full turn.
  Int e = (logicalShift(i, 52) & 0x7ff) - 1075;
  Int m = (i & 0xfffffffffffff) | 0x10000000000000;
  Int start = e + 31; // behind one word of zeros; not negative, as |x| >= 2^30
  SmallVector<Int> words =
      selectWords(logicalShift(start, 5), fromSingle ? 3 : 31);
  Int shift = start & 31;
  // Six words from digit `start` on, the last digits first.
  SmallVector<Int> window;
  for (int word = 5; word >= 0; --word) {
    Int pair = (words[word] << 32) | words[word + 1];
    window.push_back(logicalShift(pair << shift, 32) & mask);
  }
  // The product modulo 2^192, by words.
  SmallVector<Int> product;
  Int carry = i.constant(0);
  Int factor = m & mask;
  for (Int word : window) {
    Int sum = factor * word + carry;
    product.push_back(sum & mask);
    carry = logicalShift(sum, 32);
  }
  carry = i.constant(0);
  factor = logicalShift(m, 32);
  for (size_t word = 1; word < window.size(); ++word) {
    Int sum = factor * window[word - 1] + product[word] + carry;
    product[word] = sum & mask;
    carry = logicalShift(sum, 32);
  }
  // Two digits of quarters, then the fraction; rounded to the nearest quarter.
  Int top = (product[5] << 32) | product[4];
  Int quarter = logicalShift(top + (int64_t(1) << 61), 62);
  Int rest = top - (quarter << 62);
  Float a = toFloat(rest >> 32) * 0x1p-30;
  Float b = toFloat(rest & mask) * 0x1p-62;
  Float c = fma(toFloat(product[2]), 0x1p-126, toFloat(product[3]) * 0x1p-94);
  DoubleFloat f = twoSum(a, b);
  f = fastTwoSum(f.high, f.low + c);
  // Times pi/2.
  DoubleFloat r = twoProduct(f.high, f.high.constant(halfPi));
  r.low = r.low + fma(f.high, halfPiMiddle, f.low * halfPi);
  r = fastTwoSum(r.high, r.low);
  // sin and tan are odd: so is the reduction.
  Int negative = i >> 63;
  Int sign = i & INT64_MIN;
  auto flip = [&](Float v) { return fromBits(bits(v) ^ sign); };
  return {{flip(r.high), flip(r.low)}, (quarter ^ negative) - negative};
}

/// Whether any element is true, as one i1.
static Value anyOf(Bool condition) {
  ImplicitLocOpBuilder &b = *condition.builder;
  auto type = dyn_cast<VectorType>(condition.value.getType());
  if (!type)
    return condition.value;
  auto flat = VectorType::get(type.getNumElements(), type.getElementType());
  Value value = condition.value;
  if (flat != type)
    value = vector::ShapeCastOp::create(b, flat, value);
  return vector::ReductionOp::create(b, vector::CombiningKind::OR, value);
}

Reduced reduceByHalfPi(Float x, bool fromSingle) {
  // The bounds keep n pi/2 right to 2^-53 of the worst rest: 2^-29 of a float,
  // 2^-62 of a double.
  double bound = fromSingle ? 0x1p40 : 0x1p30;
  Bool isLarge = (abs(x) >= bound) & isFinite(x);
  Reduced moderate = reduceModerate(x);
  SmallVector<Value> yields = {moderate.rest.high.value,
                               moderate.rest.low.value, moderate.quarter.value};
  ImplicitLocOpBuilder &b = *x.builder;
  auto branch = scf::IfOp::create(b, TypeRange(ValueRange(yields)),
                                  anyOf(isLarge), /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Reduced large = reduceLarge(x, fromSingle);
    scf::YieldOp::create(
        b,
        ValueRange{select(isLarge, large.rest.high, moderate.rest.high).value,
                   select(isLarge, large.rest.low, moderate.rest.low).value,
                   select(isLarge, large.quarter, moderate.quarter).value});
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, yields);
  }
  return {{{&b, branch.getResult(0)}, {&b, branch.getResult(1)}},
          {&b, branch.getResult(2)}};
}

} // namespace bit::expand
