// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxPattern.h"
#include "Reduce.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace bit::onnx;

/// exp(x - max) / sum, or x - max - log(sum).
template <typename OpTy, bool isLog>
static LogicalResult softmax(OpTy op, typename OpTy::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getInput());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(input));
  if (!axis)
    return failure();
  Type onnxType = elementType(op.getInput());
  Type compute = getComputeType(onnxType), storage = getStorageType(onnxType);
  Value greatest =
      reduceWith(rewriter, loc, input, onnxType, *axis, maxReduction);
  Value exponents = createPointwise(
      rewriter, loc, {input, greatest}, compute,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder s(b, loc, compute);
        Value difference = s.sub(toCompute(b, loc, x[0], onnxType), x[1]);
        return isLog ? difference : s.make<math::ExpOp>(difference);
      },
      *axis);
  Value powers = exponents;
  if (isLog)
    powers = createPointwise(
        rewriter, loc, exponents, compute,
        [&](OpBuilder &b, Location loc, ValueRange x) {
          return ScalarBuilder(b, loc, compute).make<math::ExpOp>(x[0]);
        });
  Value sum = reduceWith(rewriter, loc, powers, compute, *axis, sumReduction);
  results.push_back(createPointwise(
      rewriter, loc, {exponents, sum}, storage,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder s(b, loc, compute);
        Value y =
            isLog ? s.sub(x[0], s.make<math::LogOp>(x[1])) : s.div(x[0], x[1]);
        return toStorage(b, loc, y, onnxType);
      },
      *axis));
  return success();
}

void bit::onnx::addSoftmaxPatterns(PatternList &list) {
  list.add<SoftmaxOp>(softmax<SoftmaxOp, false>);
  list.add<LogSoftmaxOp>(softmax<LogSoftmaxOp, true>);
}
