// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Sorting.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// Each row in a heap of k positions; equal elements come in the order of their
/// positions, NaN counts as greater than all numbers. The result is sorted
/// whether asked for or not.
static LogicalResult topK(TopKOp op, TopKOp::Adaptor operands,
                          Rewriter &rewriter, SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getX());
  Value input = stripStaticCasts(operands.getX());
  std::optional<int64_t> axis = normalizeAxis(op, op.getAxis(), rankOf(input));
  if (!axis)
    return failure();
  FailureOr<Value> given = readScalar(rewriter, op, operands.getK(), "K");
  if (failed(given))
    return failure();
  Dims sizes = getDims(rewriter, loc, input);
  OpFoldResult k = elementToDim(rewriter, loc, *given);
  if (failed(expectAtMost(rewriter, op, rewriter.getIndexAttr(0), k,
                          "expects a K of 0 or more")) ||
      failed(expectAtMost(rewriter, op, k, sizes[*axis],
                          "expects a K within axis " + Twine(*axis))))
    return failure();
  Value room = toValue(rewriter, loc, k);
  Value count = toValue(rewriter, loc, sizes[*axis]);
  sizes[*axis] = k;
  Type i64 = rewriter.getI64Type();
  Value values =
      tensor::EmptyOp::create(rewriter, loc, sizes, elementType(input));
  Value positions = tensor::EmptyOp::create(rewriter, loc, sizes, i64);
  Value heap = tensor::EmptyOp::create(rewriter, loc, Dims{k}, i64);
  sizes.erase(sizes.begin() + *axis);
  const bool isLargest = op.getLargest() != 0;

  auto row = [&](OpBuilder &b, Location loc, ValueRange outer,
                 ValueRange state) -> SmallVector<Value> {
    auto at = [&](Value position) {
      SmallVector<Value> where = llvm::to_vector(outer);
      where.insert(where.begin() + *axis, position);
      return where;
    };
    auto comesBefore = [&](OpBuilder &b, Location loc, Value x, Value y) {
      ScalarBuilder scalar(b, loc, onnxType);
      auto read = [&](Value position) {
        return toCompute(b, loc,
                         tensor::ExtractOp::create(b, loc, input, at(position)),
                         onnxType);
      };
      Value atX = read(x), atY = read(y);
      Value less = lessWithNaN(scalar, atX, atY);
      Value greater = lessWithNaN(scalar, atY, atX);
      Value decided = isLargest ? greater : less;
      Value opposite = isLargest ? less : greater;
      Value tie = IndexBuilder{b, loc}.less(x, y);
      Value no = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
      return scalar.make<arith::OrIOp>(decided,
                                       scalar.select(opposite, no, tie));
    };
    Value sorted = selectFirst(b, loc, state[2], room, count, comesBefore);
    auto written = createSerialLoops(
        b, loc, k, {state[0], state[1]},
        [&](OpBuilder &b, Location loc, ValueRange i,
            ValueRange state) -> SmallVector<Value> {
          Value position = tensor::ExtractOp::create(b, loc, sorted, i);
          Value element = tensor::ExtractOp::create(
              b, loc, input, at(IndexBuilder{b, loc}.from(position)));
          return {
              tensor::InsertOp::create(b, loc, element, state[0], at(i[0])),
              tensor::InsertOp::create(b, loc, position, state[1], at(i[0]))};
        });
    return {written[0], written[1], sorted};
  };
  SmallVector<Value> done =
      createSerialLoops(rewriter, loc, sizes, {values, positions, heap}, row);
  results.append({done[0], done[1]});
  return success();
}

void bit::onnx::addTopKPatterns(PatternList &list) { list.add<TopKOp>(topK); }
