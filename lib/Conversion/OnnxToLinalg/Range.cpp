// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxPattern.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// max(ceil((limit - start) / delta), 0); 0 for a delta of 0.
static Value countSteps(ScalarBuilder &s, Value start, Value limit,
                        Value delta) {
  OpBuilder &b = s.builder;
  Type i64 = b.getI64Type();
  Value steps;
  if (s.isFloat()) {
    Value quotient = s.div(s.sub(limit, start), delta);
    steps =
        castScalar(b, s.loc, s.make<math::CeilOp>(quotient), s.getType(), i64);
  } else {
    Type onnxType = s.getOnnxType();
    ScalarBuilder wide(b, s.loc, i64);
    Value distance = wide.sub(castScalar(b, s.loc, limit, onnxType, i64),
                              castScalar(b, s.loc, start, onnxType, i64));
    Value step = castScalar(b, s.loc, delta, onnxType, i64);
    Value quotient = wide.div(distance, step);
    // Truncation rounded down where the quotient is positive and inexact.
    Value rest = wide.truncMod(distance, step);
    Value sameSign = wide.make<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                              wide.less(rest, wide.number(0)),
                                              wide.less(step, wide.number(0)));
    Value isExact = wide.equal(rest, wide.number(0));
    Value up =
        wide.select(isExact, wide.number(0),
                    wide.select(sameSign, wide.number(1), wide.number(0)));
    steps = wide.add(quotient, up);
  }
  ScalarBuilder wide(b, s.loc, i64);
  return wide.max(steps, wide.number(0));
}

static LogicalResult range(RangeOp op, RangeOp::Adaptor operands,
                           Rewriter &rewriter,
                           SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getStart());
  auto read = [&](Value operand) {
    Value element =
        readElements(rewriter, loc, stripStaticCasts(operand)).front();
    return toCompute(rewriter, loc, element, onnxType);
  };
  for (Value operand : operands.getOperands())
    if (auto type = cast<RankedTensorType>(operand.getType());
        !type.hasStaticShape() || type.getNumElements() != 1)
      return op.emitOpError("expects scalars");
  ScalarBuilder scalar(rewriter, loc, onnxType);
  Value start = read(operands.getStart()), delta = read(operands.getDelta());
  Value count = countSteps(scalar, start, read(operands.getLimit()), delta);
  OpFoldResult size = elementToDim(rewriter, loc, count);
  auto element = [&](ScalarBuilder &s, Value position) {
    Value index = castScalar(s.builder, s.loc, position, s.builder.getI64Type(),
                             onnxType);
    return toStorage(s.builder, s.loc, s.add(start, s.mul(index, delta)),
                     onnxType);
  };
  Type storage = getStorageType(onnxType);
  std::optional<int64_t> known = getConstant(size);
  if (known && *known <= maxKnownElements && !scalar.isFloat()) {
    SmallVector<Value> elements;
    for (int64_t i = 0; i < *known; ++i)
      elements.push_back(
          element(scalar, arith::ConstantIntOp::create(rewriter, loc, i, 64)));
    results.push_back(makeElements(rewriter, loc, elements,
                                   RankedTensorType::get(*known, storage)));
    return success();
  }
  results.push_back(createPointwise(
      rewriter, loc, ArrayRef<LoopOperand>{}, size, storage,
      [&](OpBuilder &b, Location loc, ValueRange) {
        ScalarBuilder s(b, loc, onnxType);
        Value position = arith::IndexCastOp::create(
            b, loc, b.getI64Type(), linalg::IndexOp::create(b, loc, 0));
        return element(s, position);
      }));
  return success();
}

void bit::onnx::addRangePatterns(PatternList &list) {
  list.add<RangeOp>(range);
}
