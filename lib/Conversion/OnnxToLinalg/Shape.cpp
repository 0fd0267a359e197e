// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators from a shape to values, and from values to a shape.

#include "OnnxPattern.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// Clamps a position as Shape does: negative ones count from the end.
static int64_t clampPosition(int64_t position, int64_t rank) {
  if (position < 0)
    position += rank;
  return std::clamp<int64_t>(position, 0, rank);
}

static LogicalResult shape(ShapeOp op, ShapeOp::Adaptor operands,
                           Rewriter &rewriter,
                           SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Dims dims = getDims(rewriter, loc, stripStaticCasts(operands.getData()));
  int64_t rank = dims.size();
  int64_t start = clampPosition(op.getStart(), rank);
  int64_t end = clampPosition(op.getEnd().value_or(rank), rank);
  SmallVector<Value> elements;
  for (int64_t i = start; i < end; ++i)
    elements.push_back(
        dimToElement(rewriter, loc, dims[i], rewriter.getI64Type()));
  auto type = RankedTensorType::get(static_cast<int64_t>(elements.size()),
                                    rewriter.getI64Type());
  results.push_back(makeElements(rewriter, loc, elements, type));
  return success();
}

static LogicalResult size(SizeOp op, SizeOp::Adaptor operands,
                          Rewriter &rewriter, SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Dims dims = getDims(rewriter, loc, stripStaticCasts(operands.getData()));
  Type i64 = rewriter.getI64Type();
  Value count = dimToElement(rewriter, loc, mulDims(rewriter, loc, dims), i64);
  results.push_back(
      makeElements(rewriter, loc, count, RankedTensorType::get({}, i64)));
  return success();
}

/// Sizes read from a tensor, checked not to be negative where they are known
/// only at run time.
FailureOr<Dims> bit::onnx::readSizes(OpBuilder &builder, Operation *op,
                                     Value shape) {
  Location loc = op->getLoc();
  shape = stripStaticCasts(shape);
  if (!cast<RankedTensorType>(shape.getType()).hasStaticShape())
    return op->emitOpError("expects a shape of known length");
  Dims sizes;
  for (Value element : readElements(builder, loc, shape)) {
    OpFoldResult size = elementToDim(builder, loc, element);
    if (std::optional<int64_t> constant = getConstant(size)) {
      if (*constant < 0)
        return op->emitOpError("expects dims of 0 or more in shape, got ")
               << *constant;
    } else if (auto value = cast<Value>(size);
               value.getDefiningOp<arith::IndexCastOp>()) {
      Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
      emitCheck(builder, loc,
                arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                      value, zero),
                "expects dims of 0 or more in shape");
    }
    sizes.push_back(size);
  }
  return sizes;
}

static LogicalResult constantOfShape(ConstantOfShapeOp op,
                                     ConstantOfShapeOp::Adaptor operands,
                                     Rewriter &rewriter,
                                     SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  FailureOr<Dims> sizes = readSizes(rewriter, op, operands.getInput());
  if (failed(sizes))
    return failure();
  Type storage = getStorageType(elementType(op.getOutput()));
  TypedAttr value = rewriter.getZeroAttr(storage);
  if (std::optional<ElementsAttr> given = op.getValue()) {
    auto dense = dyn_cast<DenseElementsAttr>(*given);
    if (!dense || dense.getNumElements() != 1)
      return op.emitOpError("expects a value of one element");
    // Bits, because an unsigned element has no signless attribute.
    Attribute element = *dense.value_begin<Attribute>();
    if (auto integer = dyn_cast<IntegerAttr>(element))
      element = IntegerAttr::get(storage, integer.getValue());
    value = cast<TypedAttr>(element);
  }
  RankedTensorType type = getTensorType(*sizes, storage);
  if (type.hasStaticShape()) {
    results.push_back(arith::ConstantOp::create(
        rewriter, loc, DenseElementsAttr::get(type, Attribute(value))));
    return success();
  }
  Value scalar = arith::ConstantOp::create(rewriter, loc, value);
  results.push_back(createFilled(rewriter, loc, *sizes, scalar));
  return success();
}

static LogicalResult expand(ExpandOp op, ExpandOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  FailureOr<Dims> sizes = readSizes(rewriter, op, operands.getShape());
  if (failed(sizes))
    return failure();
  Value input = stripStaticCasts(operands.getInput());
  FailureOr<Broadcast> sources =
      broadcast(rewriter, op, input, ArrayRef<OpFoldResult>(*sizes));
  if (failed(sources))
    return failure();
  results.push_back(createPointwise(
      rewriter, loc, sources->operands, sources->sizes, elementType(input),
      [](OpBuilder &, Location, ValueRange x) { return x.front(); }));
  return success();
}

namespace {
/// A size that an earlier stage took of an ONNX value becomes what the value's
/// lowering knows of it, so that equal sizes are seen to be equal.
struct TraceDim : OpConversionPattern<tensor::DimOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(tensor::DimOp op, OpAdaptor operands,
                                Rewriter &rewriter) const override {
    std::optional<int64_t> index = op.getConstantIndex();
    Value source = stripStaticCasts(operands.getSource());
    if (!index || source == op.getSource())
      return failure();
    Location loc = op.getLoc();
    OpFoldResult size = getDim(rewriter, loc, source, *index);
    rewriter.replaceOp(op, toValue(rewriter, loc, size));
    return success();
  }
};

/// The conversion leaves operands of other dialects as they were until its end;
/// a tensor with such sizes takes the traced ones at once.
struct UseTracedDims : OpConversionPattern<tensor::ExpandShapeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op, OpAdaptor operands,
                                Rewriter &rewriter) const override {
    if (llvm::equal(operands.getOutputShape(), op.getOutputShape()))
      return failure();
    // The type keeps its dims, also those that turned out to be constant.
    Dims sizes;
    auto dynamic = operands.getOutputShape().begin();
    for (int64_t size : op.getStaticOutputShape())
      if (ShapedType::isDynamic(size))
        sizes.push_back(*dynamic++);
      else
        sizes.push_back(rewriter.getIndexAttr(size));
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(
        op, op.getResultType().clone(elementType(operands.getSrc())),
        operands.getSrc(), op.getReassociationIndices(), sizes);
    return success();
  }
};
} // namespace

void bit::onnx::addShapePatterns(PatternList &list) {
  list.patterns.add<TraceDim, UseTracedDims>(list.converter,
                                             list.patterns.getContext());
  list.add<ShapeOp>(shape);
  list.add<SizeOp>(size);
  list.add<ConstantOfShapeOp>(constantOfShape);
  list.add<ExpandOp>(expand);
}
