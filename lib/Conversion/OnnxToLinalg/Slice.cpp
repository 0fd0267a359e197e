// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxPattern.h"
#include "Pieces.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

namespace {
/// One sliced axis in index arithmetic.
struct AxisRange {
  OpFoldResult start, size, step;
};

/// Folding arithmetic on indices.
struct Index {
  OpBuilder &builder;
  Location loc;

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  template <typename OpTy> Value make(Value a, Value b) {
    return builder.createOrFold<OpTy>(loc, a, b);
  }
  Value less(Value a, Value b) {
    return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt,
                                               a, b);
  }
  Value select(Value condition, Value a, Value b) {
    return builder.createOrFold<arith::SelectOp>(loc, condition, a, b);
  }
  Value clamp(Value x, Value low, Value high) {
    return make<arith::MinSIOp>(make<arith::MaxSIOp>(x, low), high);
  }
};
} // namespace

/// Start and end clamped as ONNX says, for steps of either sign.
static AxisRange getRange(Index index, Value start, Value end, Value step,
                          OpFoldResult dim) {
  Value size = toValue(index.builder, index.loc, dim);
  Value zero = index.constant(0), one = index.constant(1);
  Value last = index.make<arith::SubIOp>(size, one);
  Value minusOne = index.constant(-1);
  auto fromFront = [&](Value position) {
    Value wrapped = index.make<arith::AddIOp>(position, size);
    return index.select(index.less(position, zero), wrapped, position);
  };
  Value isBackward = index.less(step, zero);
  // Backward, a start of size is the last element, an end of -1 before the
  // first.
  start =
      index.clamp(fromFront(start), zero, index.select(isBackward, last, size));
  start = index.make<arith::MaxSIOp>(start, zero);
  end = index.clamp(fromFront(end), index.select(isBackward, minusOne, zero),
                    index.select(isBackward, last, size));
  Value distance =
      index.select(isBackward, index.make<arith::SubIOp>(start, end),
                   index.make<arith::SubIOp>(end, start));
  Value stride =
      index.select(isBackward, index.make<arith::SubIOp>(zero, step), step);
  // A step of 0 is refused by a check; here it must only not divide.
  stride = index.make<arith::MaxSIOp>(stride, one);
  Value rounded =
      index.make<arith::AddIOp>(index.make<arith::MaxSIOp>(distance, zero),
                                index.make<arith::SubIOp>(stride, one));
  Value count = index.make<arith::DivUIOp>(rounded, stride);
  // An empty axis has nothing to start at.
  count = index.select(index.less(zero, size), count, zero);
  return {getAsOpFoldResult(start), getAsOpFoldResult(count),
          getAsOpFoldResult(step)};
}

/// Positions as indices; the greatest integers mean the end.
static SmallVector<Value> readIndices(OpBuilder &builder, Location loc,
                                      Value tensor) {
  SmallVector<Value> indices;
  Type i64 = builder.getI64Type();
  // Kept far from where adding a size would wrap.
  Value bound = arith::ConstantOp::create(
      builder, loc, builder.getI64IntegerAttr(int64_t(1) << 62));
  Value negative = arith::ConstantOp::create(
      builder, loc, builder.getI64IntegerAttr(-(int64_t(1) << 62)));
  for (Value element : readElements(builder, loc, tensor)) {
    Value wide = castScalar(builder, loc, element, element.getType(), i64);
    OpFoldResult size = elementToDim(builder, loc, wide);
    if (getConstant(wide) || !isa<Value>(size) ||
        cast<Value>(size).getDefiningOp<arith::IndexCastOp>()) {
      wide = builder.createOrFold<arith::MinSIOp>(loc, wide, bound);
      wide = builder.createOrFold<arith::MaxSIOp>(loc, wide, negative);
      size = elementToDim(builder, loc, wide);
    }
    indices.push_back(toValue(builder, loc, size));
  }
  return indices;
}

/// Reads every element by its index: for steps that are negative or unknown.
static Value readStrided(OpBuilder &builder, Location loc, Value input,
                         ArrayRef<AxisRange> ranges) {
  Dims sizes;
  for (const AxisRange &range : ranges)
    sizes.push_back(range.size);
  return createPointwise(
      builder, loc, ArrayRef<LoopOperand>{}, sizes, elementType(input),
      [&](OpBuilder &b, Location loc, ValueRange) {
        SmallVector<Value> where;
        for (auto [i, range] : llvm::enumerate(ranges)) {
          Value position = linalg::IndexOp::create(b, loc, i);
          position = b.createOrFold<arith::MulIOp>(loc, position,
                                                   toValue(b, loc, range.step));
          where.push_back(b.createOrFold<arith::AddIOp>(
              loc, position, toValue(b, loc, range.start)));
        }
        return tensor::ExtractOp::create(b, loc, input, where).getResult();
      });
}

static Value sliceElements(OpBuilder &builder, Location loc, Value input,
                           ArrayRef<AxisRange> ranges) {
  auto known = getKnownElements(builder, loc, input);
  if (!known || ranges.size() != 1)
    return nullptr;
  auto start = getConstant(ranges[0].start), size = getConstant(ranges[0].size),
       step = getConstant(ranges[0].step);
  if (!start || !size || !step)
    return nullptr;
  SmallVector<Value> elements;
  for (int64_t i = 0; i < *size; ++i)
    elements.push_back((*known)[*start + i * *step]);
  return makeElements(builder, loc, elements,
                      RankedTensorType::get(*size, elementType(input)));
}

static LogicalResult checkSteps(SliceOp op, OpBuilder &builder,
                                ArrayRef<Value> steps) {
  Value zero = arith::ConstantIndexOp::create(builder, op.getLoc(), 0);
  for (Value step : steps) {
    if (getConstant(step) == 0)
      return op.emitOpError("expects steps other than 0");
    if (!getConstant(step))
      emitCheck(builder, op.getLoc(),
                arith::CmpIOp::create(builder, op.getLoc(),
                                      arith::CmpIPredicate::ne, step, zero),
                "expects steps other than 0");
  }
  return success();
}

static LogicalResult slice(SliceOp op, SliceOp::Adaptor operands,
                           Rewriter &rewriter,
                           SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getData());
  for (Value operand : operands.getOperands().drop_front())
    if (!cast<RankedTensorType>(stripStaticCasts(operand).getType())
             .hasStaticShape())
      return op.emitOpError("expects starts and ends of known length");
  auto read = [&](Value operand) {
    return readIndices(rewriter, loc, stripStaticCasts(operand));
  };
  SmallVector<Value> starts = read(operands.getStarts());
  SmallVector<Value> ends = read(operands.getEnds());
  SmallVector<Value> steps(starts.size(),
                           arith::ConstantIndexOp::create(rewriter, loc, 1));
  if (operands.getSteps())
    steps = read(operands.getSteps());
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, starts.size()));
  if (operands.getAxes()) {
    auto constant = getConstantInts(operands.getAxes());
    if (!constant)
      return op.emitOpError("expects constant axes");
    axes = *constant;
  }
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size())
    return op.emitOpError("expects starts, ends, axes and steps of one length");
  if (failed(checkSteps(op, rewriter, steps)))
    return failure();

  SmallVector<AxisRange> ranges;
  for (OpFoldResult size : getDims(rewriter, loc, input))
    ranges.push_back(
        {rewriter.getIndexAttr(0), size, rewriter.getIndexAttr(1)});
  for (auto [i, given] : llvm::enumerate(axes)) {
    std::optional<int64_t> axis = normalizeAxis(op, given, ranges.size());
    if (!axis)
      return failure();
    ranges[*axis] = getRange({rewriter, loc}, starts[i], ends[i], steps[i],
                             ranges[*axis].size);
  }
  if (Value elements = sliceElements(rewriter, loc, input, ranges)) {
    results.push_back(elements);
    return success();
  }
  if (llvm::any_of(ranges, [](const AxisRange &range) {
        return getConstant(range.step).value_or(-1) < 0;
      })) {
    results.push_back(readStrided(rewriter, loc, input, ranges));
    return success();
  }
  Dims offsets, sizes, strides;
  for (const AxisRange &range : ranges) {
    offsets.push_back(range.start);
    sizes.push_back(range.size);
    strides.push_back(range.step);
  }
  results.push_back(takePiece(rewriter, loc, input, offsets, sizes, strides));
  return success();
}

void bit::onnx::addSlicePatterns(PatternList &list) {
  list.add<SliceOp>(slice);
}
