// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Comparisons, logic and the choice between two values.

#include "Elementwise.h"

using namespace mlir;
using namespace bit::onnx;

using Elements = ArrayRef<Value>;

static Value isInf(ScalarBuilder &s, Value x, IsInfOp op) {
  Value positive = s.equal(x, s.highest()), negative = s.equal(x, s.lowest());
  if (op.getDetectPositive() && op.getDetectNegative())
    return s.make<arith::OrIOp>(positive, negative);
  if (op.getDetectPositive())
    return positive;
  return op.getDetectNegative() ? negative
                                : s.make<arith::AndIOp>(positive, negative);
}

void bit::onnx::addComparisonPatterns(PatternList &list) {
  addElementwise<EqualOp>(list, [](ScalarBuilder &s, Elements x, EqualOp) {
    return s.equal(x[0], x[1]);
  });
  addElementwise<LessOp>(list, [](ScalarBuilder &s, Elements x, LessOp) {
    return s.less(x[0], x[1]);
  });
  addElementwise<LessOrEqualOp>(
      list, [](ScalarBuilder &s, Elements x, LessOrEqualOp) {
        return s.lessOrEqual(x[0], x[1]);
      });
  addElementwise<GreaterOp>(list, [](ScalarBuilder &s, Elements x, GreaterOp) {
    return s.less(x[1], x[0]);
  });
  addElementwise<GreaterOrEqualOp>(
      list, [](ScalarBuilder &s, Elements x, GreaterOrEqualOp) {
        return s.lessOrEqual(x[1], x[0]);
      });
  addElementwise<AndOp>(list, [](ScalarBuilder &s, Elements x, AndOp) {
    return s.make<arith::AndIOp>(x[0], x[1]);
  });
  addElementwise<OrOp>(list, [](ScalarBuilder &s, Elements x, OrOp) {
    return s.make<arith::OrIOp>(x[0], x[1]);
  });
  addElementwise<XorOp>(list, [](ScalarBuilder &s, Elements x, XorOp) {
    return s.make<arith::XOrIOp>(x[0], x[1]);
  });
  addElementwise<NotOp>(list, [](ScalarBuilder &s, Elements x, NotOp) {
    return s.make<arith::XOrIOp>(x[0], s.number(1));
  });
  addElementwise<IsNaNOp>(list, [](ScalarBuilder &s, Elements x, IsNaNOp) {
    return s.isNaN(x[0]);
  });
  addElementwise<IsInfOp>(list, [](ScalarBuilder &s, Elements x, IsInfOp op) {
    return isInf(s, x[0], op);
  });
  addElementwise<WhereOp>(list, [](ScalarBuilder &s, Elements x, WhereOp) {
    return s.select(x[0], x[1], x[2]);
  });
}
