// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators that keep the elements and change the dims: Reshape, Flatten,
// Squeeze, Unsqueeze.

#include "OnnxPattern.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// One dim of 1 for each of `count` unit dims of a tensor of one element.
static Value expandScalar(OpBuilder &builder, Location loc, Value scalar,
                          ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> ones(sizes.size(), builder.getIndexAttr(1));
  for (OpFoldResult size : sizes)
    checkSameDim(builder, loc, size, ones[0],
                 "expects a shape with as many elements as the input");
  return tensor::ExpandShapeOp::create(
      builder, loc, getTensorType(ones, elementType(scalar)), scalar,
      ArrayRef<ReassociationIndices>{}, ones);
}

/// A tensor of one element, as a scalar.
static Value collapseToScalar(OpBuilder &builder, Location loc, Value tensor) {
  SmallVector<int64_t> ones(rankOf(tensor), 1);
  Value cast = castTo(builder, loc, tensor,
                      RankedTensorType::get(ones, elementType(tensor)));
  return tensor::CollapseShapeOp::create(builder, loc, cast,
                                         ArrayRef<ReassociationIndices>{});
}

namespace {
/// Neighbouring dims of the input and of the result that hold the same elements
/// as one dim.
struct Segment {
  size_t source, target;
};
} // namespace

/// How many dims of each side are one segment, from the front: one of one side
/// is the product of some of the other. None at a side's end unless both end.
static std::optional<Segment> matchFront(OpBuilder &builder, Location loc,
                                         ArrayRef<OpFoldResult> source,
                                         ArrayRef<OpFoldResult> target) {
  auto endsAlike = [&](size_t i, size_t j) {
    return (i == source.size()) == (j == target.size());
  };
  for (size_t i = 1; i <= source.size(); ++i)
    if (endsAlike(i, 1) &&
        isSameDim(mulDims(builder, loc, source.take_front(i)), target.front()))
      return Segment{i, 1};
  for (size_t j = 2; j <= target.size(); ++j)
    if (endsAlike(1, j) &&
        isSameDim(source.front(), mulDims(builder, loc, target.take_front(j))))
      return Segment{1, j};
  return std::nullopt;
}

/// Splits both shapes into segments. What does not match from the front and,
/// dim by dim, from the back is one segment whose sizes the run must check.
static SmallVector<Segment> findSegments(OpBuilder &builder, Location loc,
                                         ArrayRef<OpFoldResult> source,
                                         ArrayRef<OpFoldResult> target) {
  SmallVector<Segment> segments, back;
  while (!source.empty()) {
    std::optional<Segment> segment = matchFront(builder, loc, source, target);
    if (!segment)
      break;
    segments.push_back(*segment);
    source = source.drop_front(segment->source);
    target = target.drop_front(segment->target);
  }
  while (source.size() > 1 && target.size() > 1 &&
         isSameDim(source.back(), target.back())) {
    back.push_back({1, 1});
    source = source.drop_back();
    target = target.drop_back();
  }
  if (!source.empty())
    segments.push_back({source.size(), target.size()});
  segments.append(back.rbegin(), back.rend());
  return segments;
}

/// Makes each segment one dim, and that one into the dims asked for.
static FailureOr<Value> reshapeTo(OpBuilder &builder, Operation *op,
                                  Value input, ArrayRef<OpFoldResult> sizes) {
  Location loc = op->getLoc();
  Dims source = getDims(builder, loc, input);
  if (sizes.empty())
    return source.empty() ? input : collapseToScalar(builder, loc, input);
  if (source.empty())
    return expandScalar(builder, loc, input, sizes);
  // Of no elements: sizes may meet that belong to different segments.
  auto isZero = [](OpFoldResult size) { return getConstant(size) == 0; };
  if (llvm::any_of(source, isZero) && llvm::any_of(sizes, isZero))
    return tensor::EmptyOp::create(builder, loc, sizes, elementType(input))
        .getResult();
  SmallVector<ReassociationIndices> collapsed, expanded;
  Dims merged;
  size_t from = 0, to = 0;
  for (Segment segment : findSegments(builder, loc, source, sizes)) {
    OpFoldResult have =
        mulDims(builder, loc, ArrayRef(source).slice(from, segment.source));
    OpFoldResult want = mulDims(builder, loc, sizes.slice(to, segment.target));
    if (!checkSameDim(builder, loc, have, want,
                      "expects a shape with as many elements as the input"))
      return op->emitOpError("expects a shape of ")
             << *getConstant(have) << " elements, got " << *getConstant(want);
    merged.push_back(want);
    collapsed.push_back(
        llvm::to_vector<2>(llvm::seq<int64_t>(from, from + segment.source)));
    expanded.push_back(
        llvm::to_vector<2>(llvm::seq<int64_t>(to, to + segment.target)));
    from += segment.source;
    to += segment.target;
  }
  Value result = input;
  if (merged.size() < source.size())
    result = tensor::CollapseShapeOp::create(builder, loc, result, collapsed);
  result =
      castTo(builder, loc, result, getTensorType(merged, elementType(input)));
  if (merged.size() == sizes.size())
    return result;
  Value reshaped = tensor::ExpandShapeOp::create(
      builder, loc, getTensorType(sizes, elementType(input)), result, expanded,
      sizes);
  return reshaped;
}

static LogicalResult pushReshaped(OpBuilder &builder, Operation *op,
                                  Value input, ArrayRef<OpFoldResult> sizes,
                                  SmallVectorImpl<Value> &results) {
  FailureOr<Value> reshaped = reshapeTo(builder, op, input, sizes);
  if (succeeded(reshaped))
    results.push_back(*reshaped);
  return reshaped;
}

/// An element that is no size of a tensor: it may be 0 or -1 at run time.
static bool isDataDependent(Value element) {
  auto cast = element.getDefiningOp<arith::IndexCastOp>();
  return !getConstant(element) && !(cast && cast.getIn().getType().isIndex());
}

/// The size that makes the elements of `sizes` and the unknown one those of
/// `source`. What both have cancels, so that it is exact where it can be.
static OpFoldResult inferSize(OpBuilder &builder, Location loc,
                              ArrayRef<OpFoldResult> source,
                              ArrayRef<OpFoldResult> sizes) {
  if (auto exact = divideDims(builder, loc, source, sizes))
    return *exact;
  Dims dividend(source), divisor;
  for (OpFoldResult size : sizes)
    if (auto *same = llvm::find_if(
            dividend, [&](OpFoldResult dim) { return isSameDim(dim, size); });
        same != dividend.end())
      dividend.erase(same);
    else
      divisor.push_back(size);
  Value total = toValue(builder, loc, mulDims(builder, loc, dividend));
  Value known = toValue(builder, loc, mulDims(builder, loc, divisor));
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value atLeastOne = builder.createOrFold<arith::MaxSIOp>(loc, known, one);
  return getAsOpFoldResult(
      builder.createOrFold<arith::DivUIOp>(loc, total, atLeastOne));
}

/// One element of the shape operand, with 0 replaced by the input's dim.
static FailureOr<OpFoldResult> getRequestedSize(ReshapeOp op,
                                                OpBuilder &builder,
                                                Value element,
                                                OpFoldResult sourceDim) {
  Location loc = op.getLoc();
  OpFoldResult size = elementToDim(builder, loc, element);
  std::optional<int64_t> constant = getConstant(size);
  if (constant && *constant < -1)
    return op.emitOpError("expects dims of -1 or more in shape, got ")
           << *constant;
  if (op.getAllowzero() ||
      (constant ? *constant != 0 : !isDataDependent(element)))
    return size;
  if (constant && !sourceDim)
    return op.emitOpError("expects a 0 in shape where the input has a dim");
  if (constant)
    return sourceDim;
  Value isZero = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::eq, cast<Value>(size),
      arith::ConstantIndexOp::create(builder, loc, 0));
  // Without a dim to copy, -2 is what the check below refuses.
  Value copied = sourceDim ? toValue(builder, loc, sourceDim)
                           : arith::ConstantIndexOp::create(builder, loc, -2);
  return OpFoldResult(builder.createOrFold<arith::SelectOp>(loc, isZero, copied,
                                                            cast<Value>(size)));
}

/// Replaces every -1 that only the run shows.
static void inferAtRunTime(OpBuilder &builder, Location loc, Dims source,
                           Dims &sizes, ArrayRef<bool> dataDependent) {
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value minusOne = arith::ConstantIndexOp::create(builder, loc, -1);
  Dims known;
  SmallVector<Value> isInferred(sizes.size());
  for (auto [i, size] : llvm::enumerate(sizes)) {
    if (!dataDependent[i] && getConstant(size) != -1) {
      known.push_back(size);
      continue;
    }
    Value value = toValue(builder, loc, size);
    emitCheck(builder, loc,
              arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                    value, minusOne),
              "expects dims of -1 or more in shape");
    isInferred[i] = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::eq, value, minusOne);
    known.push_back(
        arith::SelectOp::create(builder, loc, isInferred[i], one, value)
            .getResult());
  }
  Value inferred =
      toValue(builder, loc, inferSize(builder, loc, source, known));
  for (auto [i, size] : llvm::enumerate(sizes))
    if (isInferred[i])
      size = arith::SelectOp::create(builder, loc, isInferred[i], inferred,
                                     toValue(builder, loc, size))
                 .getResult();
}

/// The dims that the shape operand asks for.
static FailureOr<Dims> getReshapeSizes(ReshapeOp op, Value input, Value shape,
                                       OpBuilder &builder) {
  Location loc = op.getLoc();
  Dims source = getDims(builder, loc, input), sizes;
  SmallVector<bool> dataDependent;
  for (Value element : readElements(builder, loc, shape)) {
    size_t i = sizes.size();
    FailureOr<OpFoldResult> size = getRequestedSize(
        op, builder, element, i < source.size() ? source[i] : OpFoldResult());
    if (failed(size))
      return failure();
    sizes.push_back(*size);
    dataDependent.push_back(isDataDependent(element));
  }
  if (llvm::count_if(
          sizes, [](OpFoldResult size) { return getConstant(size) == -1; }) > 1)
    return op.emitOpError("expects at most one -1 in shape");
  if (llvm::is_contained(dataDependent, true)) {
    inferAtRunTime(builder, loc, source, sizes, dataDependent);
    return sizes;
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (getConstant(sizes[i]) != -1)
      continue;
    Dims others = sizes;
    others.erase(others.begin() + i);
    sizes[i] = inferSize(builder, loc, source, others);
  }
  return sizes;
}

static LogicalResult reshape(ReshapeOp op, ReshapeOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getData());
  Value shape = stripStaticCasts(operands.getShape());
  if (!cast<RankedTensorType>(shape.getType()).hasStaticShape())
    return op.emitOpError("expects a shape of known length");
  FailureOr<Dims> sizes = getReshapeSizes(op, input, shape, rewriter);
  if (failed(sizes))
    return failure();
  auto known = getKnownElements(rewriter, loc, input);
  RankedTensorType type = getTensorType(*sizes, elementType(input));
  if (known && type.hasStaticShape() &&
      type.getNumElements() == static_cast<int64_t>(known->size()))
    results.push_back(makeElements(rewriter, loc, *known, type));
  else
    return pushReshaped(rewriter, op, input, *sizes, results);
  return success();
}

static LogicalResult flatten(FlattenOp op, FlattenOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getInput());
  int64_t rank = rankOf(input), axis = op.getAxis();
  // Unlike elsewhere the axis may be the rank itself.
  if (axis < -rank || axis > rank)
    return op.emitOpError("expects an axis in [")
           << -rank << ", " << rank << "], got " << axis;
  axis += axis < 0 ? rank : 0;
  Dims dims = getDims(rewriter, loc, input);
  ArrayRef<OpFoldResult> all = dims;
  Dims sizes{mulDims(rewriter, loc, all.take_front(axis)),
             mulDims(rewriter, loc, all.drop_front(axis))};
  return pushReshaped(rewriter, op, input, sizes, results);
}

/// The axes operand, normalized for `rank`; none with an error.
static std::optional<SmallVector<int64_t>>
getConstantAxes(Operation *op, Value axes, int64_t rank) {
  auto constant = getConstantInts(axes);
  if (!constant) {
    op->emitOpError("expects constant axes");
    return std::nullopt;
  }
  SmallVector<int64_t> normalized;
  for (int64_t axis : *constant) {
    std::optional<int64_t> normal = normalizeAxis(op, axis, rank);
    if (!normal)
      return std::nullopt;
    if (llvm::is_contained(normalized, *normal)) {
      op->emitOpError("expects different axes, got ") << axis << " twice";
      return std::nullopt;
    }
    normalized.push_back(*normal);
  }
  return normalized;
}

static LogicalResult squeeze(SqueezeOp op, SqueezeOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getData());
  Dims sizes = getDims(rewriter, loc, input);
  SmallVector<int64_t> axes;
  if (operands.getAxes()) {
    auto given = getConstantAxes(op, operands.getAxes(), sizes.size());
    if (!given)
      return failure();
    axes = *given;
  } else {
    for (auto [i, size] : llvm::enumerate(sizes))
      if (getConstant(size) == 1)
        axes.push_back(i);
  }
  Dims kept;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      kept.push_back(size);
    else if (!checkSameDim(rewriter, loc, size, rewriter.getIndexAttr(1),
                           "expects squeezed dims to be 1"))
      return op.emitOpError("expects squeezed dims to be 1, got ")
             << *getConstant(size);
  }
  if (static_cast<int64_t>(kept.size()) != rankOf(op.getSqueezed()))
    return op.emitOpError("expects a result of rank ")
           << kept.size() << ", got " << rankOf(op.getSqueezed());
  if (auto known = getKnownElements(rewriter, loc, input))
    results.push_back(makeElements(rewriter, loc, *known,
                                   getTensorType(kept, elementType(input))));
  else
    return pushReshaped(rewriter, op, input, kept, results);
  return success();
}

static LogicalResult unsqueeze(UnsqueezeOp op, UnsqueezeOp::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value input = stripStaticCasts(operands.getData());
  auto axes = getConstantAxes(op, operands.getAxes(), rankOf(op.getExpanded()));
  if (!axes)
    return failure();
  llvm::sort(*axes);
  if (static_cast<int64_t>(axes->size()) + rankOf(input) !=
      rankOf(op.getExpanded()))
    return op.emitOpError("expects a result of rank ")
           << axes->size() + rankOf(input) << ", got "
           << rankOf(op.getExpanded());
  auto known = getKnownElements(rewriter, loc, input);
  Value result = insertUnitDims(rewriter, loc, input, *axes);
  if (known)
    result = makeElements(rewriter, loc, *known,
                          cast<RankedTensorType>(result.getType()));
  results.push_back(result);
  return success();
}

void bit::onnx::addReshapePatterns(PatternList &list) {
  list.add<ReshapeOp>(reshape);
  list.add<FlattenOp>(flatten);
  list.add<SqueezeOp>(squeeze);
  list.add<UnsqueezeOp>(unsqueeze);
}
