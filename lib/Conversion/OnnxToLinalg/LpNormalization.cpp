// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LpNormalization.h"
#include "Reduce.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace bit::onnx;

static const Reduction absReduction = {
    [](ScalarBuilder &s) { return s.number(0); },
    [](ScalarBuilder &s, Value x, Value sum) { return s.add(sum, s.abs(x)); }};

/// A row divided by its norm, computed in the compute type. Where the norm is 0
/// the result is.
static LogicalResult lpNormalization(LpNormalizationOp op,
                                     LpNormalizationOp::Adaptor operands,
                                     Rewriter &rewriter,
                                     SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getInput());
  Value input = stripStaticCasts(operands.getInput());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(input));
  if (!axis)
    return failure();
  int64_t p = op.getP();
  if (p != 1 && p != 2)
    return op.emitOpError("expects a p of 1 or 2, got ") << p;
  Value sum = reduceWith(rewriter, loc, input, onnxType, *axis,
                         p == 1 ? absReduction : squareReduction);
  Value norm = createPointwise(
      rewriter, loc, sum, elementType(sum),
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        return p == 1 ? x[0] : math::SqrtOp::create(b, loc, x[0]).getResult();
      });
  results.push_back(createPointwise(
      rewriter, loc, {input, norm}, getStorageType(onnxType),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder scalar(b, loc, onnxType);
        Value element = toCompute(b, loc, x[0], onnxType);
        Value isZero = scalar.equal(x[1], scalar.number(0));
        return toStorage(
            b, loc,
            scalar.select(isZero, scalar.number(0), scalar.div(element, x[1])),
            onnxType);
      },
      *axis));
  return success();
}

void bit::onnx::addLpNormalizationPatterns(PatternList &list) {
  list.add<LpNormalizationOp>(lpNormalization);
}
