// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Resize. Where an output's taps lie and what they weigh is computed once an
// axis, in f32 as onnxruntime does, and kept in two small tables. Nearest reads
// one element; the others are one pass an axis, in ascending order.

#include "Resize.h"
#include "Convolution.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace bit::onnx;
using utils::IteratorType;

//===----------------------------------------------------------------------===//
// Sizes and scales
//===----------------------------------------------------------------------===//

/// The elements of an operand of one number for each axis; empty where it is
/// not given.
static FailureOr<SmallVector<Value>> readNumbers(OpBuilder &builder,
                                                 Operation *op, Value tensor,
                                                 size_t count, StringRef name) {
  if (!tensor)
    return SmallVector<Value>();
  tensor = stripStaticCasts(tensor);
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getRank() != 1 || !type.hasStaticShape())
    return op->emitOpError("expects ") << name << " of known length";
  if (type.getDimSize(0) == 0)
    return SmallVector<Value>();
  if (type.getDimSize(0) != static_cast<int64_t>(count))
    return op->emitOpError("expects ")
           << count << " numbers in " << name << ", got " << type.getDimSize(0);
  return readElements(builder, op->getLoc(), tensor);
}

static Value sizeToFloat(ScalarBuilder &s, OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstant(size))
    return s.number(static_cast<double>(*constant));
  Type i64 = s.builder.getI64Type();
  return castScalar(s.builder, s.loc, dimToElement(s.builder, s.loc, size, i64),
                    i64, s.getType());
}

/// floor(x) as a size, an error or a check at run time where it is none.
static FailureOr<OpFoldResult> floatToSize(ScalarBuilder &s, Operation *op,
                                           Value x) {
  constexpr llvm::StringLiteral message = "expects sizes below 2^31";
  Value least = s.number(0), bound = s.number(2147483648.0);
  Value fits = s.make<arith::AndIOp>(s.lessOrEqual(least, x), s.less(x, bound));
  if (matchPattern(fits, m_Zero()))
    return op->emitOpError(message);
  emitCheck(s.builder, s.loc, fits, message);
  FloatAttr constant;
  if (matchPattern(x, m_Constant(&constant)))
    return OpFoldResult(s.builder.getIndexAttr(
        static_cast<int64_t>(constant.getValueAsDouble())));
  Type i64 = s.builder.getI64Type();
  return elementToDim(s.builder, s.loc,
                      castScalar(s.builder, s.loc, x, s.getType(), i64));
}

/// Scales are given: floor(size * scale).
static LogicalResult resizeByScales(ScalarBuilder &s, Operation *op,
                                    ArrayRef<Value> scales,
                                    MutableArrayRef<ResizeAxis> axes) {
  for (auto [axis, scale] : llvm::zip(axes, scales)) {
    Value positive = s.less(s.number(0), scale);
    if (matchPattern(positive, m_Zero()))
      return op->emitOpError("expects scales above 0");
    emitCheck(s.builder, s.loc, positive, "expects scales above 0");
    axis.scale = scale;
    FailureOr<OpFoldResult> size =
        floatToSize(s, op, s.mul(sizeToFloat(s, axis.input), scale));
    if (failed(size))
      return failure();
    axis.output = *size;
  }
  return success();
}

/// Sizes are given, as they are or as bounds.
static LogicalResult resizeToSizes(ScalarBuilder &s, ResizeOp op,
                                   ArrayRef<OpFoldResult> sizes,
                                   MutableArrayRef<ResizeAxis> axes) {
  StringRef policy = op.getKeepAspectRatioPolicy();
  Value common;
  for (auto [axis, size] : llvm::zip(axes, sizes)) {
    axis.output = size;
    axis.scale = s.div(sizeToFloat(s, axis.output), sizeToFloat(s, axis.input));
    if (!common)
      common = axis.scale;
    else
      common = policy == "not_larger" ? s.min(common, axis.scale)
                                      : s.max(common, axis.scale);
  }
  if (policy == "stretch")
    return success();
  if (policy != "not_larger" && policy != "not_smaller")
    return op.emitOpError("expects a keep_aspect_ratio_policy of stretch, "
                          "not_larger or not_smaller, got ")
           << policy;
  for (ResizeAxis &axis : axes) {
    axis.scale = common;
    Value rounded =
        s.add(s.mul(sizeToFloat(s, axis.input), common), s.number(0.5));
    FailureOr<OpFoldResult> size = floatToSize(s, op, rounded);
    if (failed(size))
      return failure();
    axis.output = *size;
  }
  return success();
}

/// Elements must come from somewhere.
static LogicalResult checkInputs(ResizeOp op, OpBuilder &builder,
                                 ArrayRef<ResizeAxis> axes) {
  Location loc = op.getLoc();
  constexpr llvm::StringLiteral message =
      "expects an input that is not empty where the output is not";
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  for (const ResizeAxis &axis : axes) {
    std::optional<int64_t> input = getConstant(axis.input);
    std::optional<int64_t> output = getConstant(axis.output);
    if (input.value_or(0) > 0 || output == 0)
      continue;
    if (input && output)
      return op.emitOpError(message);
    auto isEmpty = [&](OpFoldResult size) {
      return builder.createOrFold<arith::CmpIOp>(
          loc, arith::CmpIPredicate::eq, toValue(builder, loc, size), zero);
    };
    Value yes =
        arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
    Value hasInput =
        arith::XOrIOp::create(builder, loc, isEmpty(axis.input), yes);
    emitCheck(
        builder, loc,
        arith::OrIOp::create(builder, loc, hasInput, isEmpty(axis.output)),
        message);
  }
  return success();
}

static FailureOr<SmallVector<ResizeAxis>>
getAxes(ResizeOp op, ResizeOp::Adaptor operands, OpBuilder &builder, Value x) {
  Location loc = op.getLoc();
  int64_t rank = rankOf(x);
  SmallVector<ResizeAxis> axes;
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (op.getAxes())
    dims.assign(op.getAxes()->begin(), op.getAxes()->end());
  for (int64_t given : dims) {
    std::optional<int64_t> dim = normalizeAxis(op, given, rank);
    if (!dim)
      return failure();
    if (llvm::any_of(axes, [&](ResizeAxis &axis) { return axis.dim == *dim; }))
      return op.emitOpError("expects different axes, got ")
             << given << " twice";
    ResizeAxis axis;
    axis.dim = *dim;
    axis.input = getDim(builder, loc, x, *dim);
    axes.push_back(axis);
  }

  ScalarBuilder s(builder, loc, builder.getF32Type());
  auto scales =
      readNumbers(builder, op, operands.getScales(), axes.size(), "scales");
  if (failed(scales))
    return failure();
  if (!scales->empty()) {
    if (failed(resizeByScales(s, op, *scales, axes)))
      return failure();
  } else {
    auto numbers =
        readNumbers(builder, op, operands.getSizes(), axes.size(), "sizes");
    if (failed(numbers))
      return failure();
    if (numbers->empty())
      return op.emitOpError("expects scales or sizes");
    FailureOr<Dims> sizes = readSizes(builder, op, operands.getSizes());
    if (failed(sizes) || failed(resizeToSizes(s, op, *sizes, axes)))
      return failure();
  }
  if (failed(checkInputs(op, builder, axes)))
    return failure();
  if (op.getCoordinateTransformationMode() != "tf_crop_and_resize")
    return axes;

  auto roi =
      readNumbers(builder, op, operands.getRoi(), 2 * axes.size(), "roi");
  if (failed(roi))
    return failure();
  if (roi->empty())
    return op.emitOpError("expects a roi for tf_crop_and_resize");
  Type type = elementType(op.getRoi());
  auto toFloat = [&](Value stored) {
    return castScalar(builder, loc, toCompute(builder, loc, stored, type),
                      getComputeType(type), s.getType());
  };
  for (auto [i, axis] : llvm::enumerate(axes)) {
    axis.roiStart = toFloat((*roi)[i]);
    axis.roiEnd = toFloat((*roi)[axes.size() + i]);
  }
  return axes;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// Copies the element that each output's position is nearest to.
static Value readNearest(OpBuilder &builder, Location loc, Value x,
                         const ResizeMode &mode, ArrayRef<ResizeAxis> axes,
                         Type onnxType) {
  Dims sizes = getDims(builder, loc, x);
  int64_t rank = sizes.size();
  SmallVector<LoopOperand> tables;
  for (const ResizeAxis &axis : axes) {
    sizes[axis.dim] = axis.output;
    AffineMap map = AffineMap::get(rank, 0, builder.getAffineDimExpr(axis.dim));
    tables.push_back({createNearestTable(builder, loc, axis, mode), map, {}});
  }
  return createPointwise(
      builder, loc, tables, sizes, elementType(x),
      [&](OpBuilder &b, Location loc, ValueRange in) {
        SmallVector<Value> at;
        for (int64_t i = 0; i < rank; ++i)
          at.push_back(linalg::IndexOp::create(b, loc, i));
        Value isOutside;
        for (auto [axis, position] : llvm::zip(axes, in)) {
          // -1 stands for positions outside of a cropped input.
          Value index =
              arith::IndexCastOp::create(b, loc, b.getIndexType(), position);
          Value zero = arith::ConstantIndexOp::create(b, loc, 0);
          at[axis.dim] = arith::MaxSIOp::create(b, loc, index, zero);
          if (!mode.isCrop())
            continue;
          Value outside = arith::CmpIOp::create(
              b, loc, arith::CmpIPredicate::slt, index, zero);
          isOutside =
              isOutside
                  ? arith::OrIOp::create(b, loc, isOutside, outside).getResult()
                  : outside;
        }
        Value y = tensor::ExtractOp::create(b, loc, x, at);
        if (!isOutside)
          return y;
        ScalarBuilder s(b, loc, onnxType);
        Value value = castScalar(b, loc, s.number(mode.extrapolation),
                                 s.getType(), s.getType());
        return arith::SelectOp::create(b, loc, isOutside,
                                       toStorage(b, loc, value, onnxType), y)
            .getResult();
      });
}

/// Sums weighted taps along one axis.
static Value interpolate(OpBuilder &builder, Location loc, Value x,
                         const ResizeMode &mode, const ResizeAxis &axis) {
  auto [positions, weights] = createTapTables(builder, loc, axis, mode);
  Dims sizes = getDims(builder, loc, x);
  unsigned rank = sizes.size();
  sizes[axis.dim] = axis.output;
  Type type = elementType(x);
  SmallVector<AffineExpr> outputs;
  for (unsigned i = 0; i < rank; ++i)
    outputs.push_back(builder.getAffineDimExpr(i));
  MLIRContext *context = builder.getContext();
  AffineMap table = AffineMap::get(
      rank + 1, 0, {outputs[axis.dim], builder.getAffineDimExpr(rank)},
      context);
  SmallVector<IteratorType> iterators(rank + 1, IteratorType::parallel);
  iterators.back() = IteratorType::reduction;
  Value init = createFilled(builder, loc, sizes,
                            ScalarBuilder(builder, loc, type).number(0));
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), ValueRange{positions, weights}, init,
      {table, table, AffineMap::get(rank + 1, 0, outputs, context)}, iterators,
      [&](OpBuilder &b, Location loc, ValueRange in) {
        SmallVector<Value> at;
        for (unsigned i = 0; i < rank; ++i)
          at.push_back(linalg::IndexOp::create(b, loc, i));
        at[axis.dim] =
            arith::IndexCastOp::create(b, loc, b.getIndexType(), in[0]);
        ScalarBuilder s(b, loc, type);
        Value weight = castScalar(b, loc, in[1], in[1].getType(), s.getType());
        Value element = tensor::ExtractOp::create(b, loc, x, at);
        // A tap that weighs nothing may be infinite.
        Value isNothing = s.equal(weight, s.number(0));
        linalg::YieldOp::create(
            b, loc, s.select(isNothing, in[2], s.fma(weight, element, in[2])));
      });
  Value y = generic.getResult(0);
  if (!mode.isCrop())
    return y;
  Value inside = createInsideTable(builder, loc, axis, mode);
  AffineMap map = AffineMap::get(rank, 0, outputs[axis.dim]);
  return createPointwise(
      builder, loc,
      {{y, builder.getMultiDimIdentityMap(rank), {}}, {inside, map, {}}}, sizes,
      type, [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder s(b, loc, type);
        Value isInside = arith::TruncIOp::create(b, loc, b.getI1Type(), in[1]);
        return s.select(isInside, in[0], s.number(mode.extrapolation));
      });
}

/// Whether the axis keeps its elements, whatever the inputs.
static bool isUnchanged(const ResizeAxis &axis, const ResizeMode &mode) {
  FloatAttr scale;
  return !mode.isCrop() && isSameDim(axis.input, axis.output) &&
         matchPattern(axis.scale, m_Constant(&scale)) &&
         scale.getValueAsDouble() == 1;
}

static LogicalResult resize(ResizeOp op, ResizeOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value x = stripStaticCasts(operands.getX());
  Type onnxType = elementType(op.getX());
  FailureOr<ResizeMode> mode = getResizeMode(op);
  if (failed(mode))
    return failure();
  FailureOr<SmallVector<ResizeAxis>> axes = getAxes(op, operands, rewriter, x);
  if (failed(axes))
    return failure();
  llvm::erase_if(
      *axes, [&](const ResizeAxis &axis) { return isUnchanged(axis, *mode); });
  if (mode->kernel == ResizeMode::Kernel::Nearest) {
    results.push_back(readNearest(rewriter, loc, x, *mode, *axes, onnxType));
    return success();
  }
  llvm::sort(*axes, [](const ResizeAxis &a, const ResizeAxis &b) {
    return a.dim < b.dim;
  });
  Type type = getInterpolationType(onnxType);
  const bool isFloat = isa<FloatType>(onnxType);
  x = isFloat
          ? toComputeTensor(rewriter, loc, x, onnxType)
          : createPointwise(rewriter, loc, x, type,
                            [&](OpBuilder &b, Location loc, ValueRange in) {
                              return castScalar(b, loc, in[0], onnxType, type);
                            });
  for (const ResizeAxis &axis : *axes)
    x = interpolate(rewriter, loc, x, *mode, axis);
  results.push_back(
      isFloat ? toStorageTensor(rewriter, loc, x, onnxType)
              : createPointwise(rewriter, loc, x, getStorageType(onnxType),
                                [&](OpBuilder &b, Location loc, ValueRange in) {
                                  return roundScalar(b, loc, in[0], onnxType);
                                }));
  return success();
}

void bit::onnx::addResizePatterns(PatternList &list) {
  list.add<ResizeOp>(resize);
}
