// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LayerNormalization and RMSNormalization, ONNX's and onnxruntime's, and
// InstanceNormalization. Statistics are computed in the compute type; the root
// is 1 / sqrt(x), as in the schemas' function bodies.

#include "LpNormalization.h"
#include "Reduce.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace bit::onnx;

namespace {
struct Norm {
  Value y, mean, inverse;
  SmallVector<int64_t> axes;
};
struct NormOptions {
  bool centered;
  int64_t axis;
  double epsilon;
};
} // namespace

static Value divideRows(OpBuilder &builder, Location loc, Value sum,
                        Value count) {
  return createPointwise(
      builder, loc, sum, elementType(sum),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        return arith::DivFOp::create(b, loc, x[0], count).getResult();
      });
}

/// scale and bias broadcast to the input, the statistics over the axes.
static FailureOr<Value> applyNorm(OpBuilder &builder, Operation *op,
                                  Value centered, const Norm &norm,
                                  ValueRange parameters, Type onnxType,
                                  Type parameterType) {
  Location loc = op->getLoc();
  SmallVector<Value> tensors{centered};
  llvm::append_range(tensors, parameters);
  FailureOr<Broadcast> sources = broadcastToFirst(builder, op, tensors);
  if (failed(sources))
    return failure();
  int64_t rank = sources->sizes.size();
  SmallVector<AffineExpr> kept;
  for (int64_t i = 0; i < rank; ++i)
    if (!llvm::is_contained(norm.axes, i))
      kept.push_back(builder.getAffineDimExpr(i));
  sources->operands.push_back(
      {norm.inverse, AffineMap::get(rank, 0, kept, builder.getContext()), {}});
  return createPointwise(
      builder, loc, sources->operands, sources->sizes,
      getStorageType(elementType(op->getResult(0))),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder s(b, loc, onnxType);
        auto parameter = [&](Value value) {
          Value wide = toCompute(b, loc, value, parameterType);
          return castScalar(b, loc, wide, parameterType, s.getType());
        };
        Value y = s.mul(toCompute(b, loc, x[0], onnxType), x.back());
        y = s.mul(y, parameter(x[1]));
        if (parameters.size() == 2)
          y = s.add(y, parameter(x[2]));
        y = castScalar(b, loc, y, s.getType(), elementType(op->getResult(0)));
        return toStorage(b, loc, y, elementType(op->getResult(0)));
      });
}

static FailureOr<Norm> normalize(OpBuilder &builder, Operation *op, Value input,
                                 ValueRange parameters, Type onnxType,
                                 NormOptions options) {
  Location loc = op->getLoc();
  std::optional<int64_t> axis = normalizeAxis(op, options.axis, rankOf(input));
  if (!axis)
    return failure();
  Norm norm;
  norm.axes = llvm::to_vector(llvm::seq<int64_t>(*axis, rankOf(input)));
  Type compute = getComputeType(onnxType);
  Value count = countElements(builder, loc, input, onnxType, norm.axes);
  Value centered = input;
  if (options.centered) {
    Value sum =
        reduceWith(builder, loc, input, onnxType, norm.axes, sumReduction);
    norm.mean = divideRows(builder, loc, sum, count);
    centered = createPointwise(
        builder, loc, {input, norm.mean}, compute,
        [&](OpBuilder &b, Location loc, ValueRange x) {
          ScalarBuilder s(b, loc, onnxType);
          return s.sub(toCompute(b, loc, x[0], onnxType), x[1]);
        },
        norm.axes);
  }
  Value squares =
      reduceWith(builder, loc, centered, onnxType, norm.axes, squareReduction);
  norm.inverse = createPointwise(builder, loc, squares, compute,
                                 [&](OpBuilder &b, Location loc, ValueRange x) {
                                   ScalarBuilder s(b, loc, compute);
                                   Value variance = s.div(x[0], count);
                                   Value root = s.make<math::SqrtOp>(s.add(
                                       variance, s.number(options.epsilon)));
                                   return s.div(s.number(1), root);
                                 });
  FailureOr<Value> y = applyNorm(builder, op, centered, norm, parameters,
                                 onnxType, elementType(parameters.front()));
  if (failed(y))
    return failure();
  norm.y = *y;
  return norm;
}

/// A statistic as an output: dims of 1 for the axes, its own element type.
static Value statistic(OpBuilder &builder, Location loc, Value value,
                       const Norm &norm, Value output) {
  Type type = elementType(output);
  if (elementType(value) != getStorageType(type))
    value = createPointwise(builder, loc, value, getStorageType(type),
                            [&](OpBuilder &b, Location loc, ValueRange x) {
                              Value y = castScalar(b, loc, x[0], x[0].getType(),
                                                   type);
                              return toStorage(b, loc, y, type);
                            });
  return insertUnitDims(builder, loc, value, norm.axes);
}

static LogicalResult layerNorm(LayerNormalizationOp op,
                               LayerNormalizationOp::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  SmallVector<Value> parameters{operands.getScale()};
  if (operands.getB())
    parameters.push_back(operands.getB());
  FailureOr<Norm> norm =
      normalize(rewriter, op, stripStaticCasts(operands.getX()), parameters,
                elementType(op.getX()),
                {true, static_cast<int64_t>(op.getAxis()),
                 op.getEpsilon().convertToDouble()});
  if (failed(norm))
    return failure();
  results.push_back(norm->y);
  if (op.getMean())
    results.push_back(
        statistic(rewriter, op.getLoc(), norm->mean, *norm, op.getMean()));
  if (op.getInvStdDev())
    results.push_back(statistic(rewriter, op.getLoc(), norm->inverse, *norm,
                                op.getInvStdDev()));
  return success();
}

static LogicalResult rmsNorm(RMSNormalizationOp op,
                             RMSNormalizationOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  FailureOr<Norm> norm =
      normalize(rewriter, op, stripStaticCasts(operands.getX()),
                operands.getScale(), elementType(op.getX()),
                {false, static_cast<int64_t>(op.getAxis()),
                 op.getEpsilon().convertToDouble()});
  if (failed(norm))
    return failure();
  results.push_back(norm->y);
  return success();
}

static LogicalResult
simplifiedLayerNorm(SimplifiedLayerNormalizationOp op,
                    SimplifiedLayerNormalizationOp::Adaptor operands,
                    Rewriter &rewriter, SmallVectorImpl<Value> &results) {
  FailureOr<Norm> norm =
      normalize(rewriter, op, stripStaticCasts(operands.getX()),
                operands.getScale(), elementType(op.getX()),
                {false, static_cast<int64_t>(op.getAxis()),
                 op.getEpsilon().convertToDouble()});
  if (failed(norm))
    return failure();
  results.push_back(norm->y);
  if (op.getInvStdVar())
    results.push_back(statistic(rewriter, op.getLoc(), norm->inverse, *norm,
                                op.getInvStdVar()));
  return success();
}

/// input + skip + bias, rounded once.
template <typename OpTy>
static FailureOr<Value> addSkip(OpTy op, typename OpTy::Adaptor operands,
                                Rewriter &rewriter) {
  SmallVector<Value> terms{operands.getInput(), operands.getSkip()};
  if (operands.getBias())
    terms.push_back(operands.getBias());
  FailureOr<Broadcast> sources = broadcastToFirst(rewriter, op, terms);
  if (failed(sources))
    return failure();
  Type onnxType = elementType(op.getInput());
  return createPointwise(
      rewriter, op.getLoc(), sources->operands, sources->sizes,
      getStorageType(onnxType), [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder s(b, loc, onnxType);
        Value sum = toCompute(b, loc, x[0], onnxType);
        for (Value term : x.drop_front())
          sum = s.add(sum, toCompute(b, loc, term, onnxType));
        return toStorage(b, loc, sum, onnxType);
      });
}

template <typename OpTy, bool isCentered>
static LogicalResult skipNorm(OpTy op, typename OpTy::Adaptor operands,
                              Rewriter &rewriter,
                              SmallVectorImpl<Value> &results) {
  if (op.getMean() && !isCentered)
    return op.emitOpError("expects the output mean to be unused");
  FailureOr<Value> sum = addSkip(op, operands, rewriter);
  if (failed(sum))
    return failure();
  SmallVector<Value> parameters{operands.getGamma()};
  if constexpr (isCentered)
    if (operands.getBeta())
      parameters.push_back(operands.getBeta());
  FailureOr<Norm> norm =
      normalize(rewriter, op, *sum, parameters, elementType(op.getInput()),
                {isCentered, -1, op.getEpsilon().convertToDouble()});
  if (failed(norm))
    return failure();
  Location loc = op.getLoc();
  results.push_back(norm->y);
  if (op.getMean())
    results.push_back(
        statistic(rewriter, loc, norm->mean, *norm, op.getMean()));
  if (op.getInvStdVar())
    results.push_back(
        statistic(rewriter, loc, norm->inverse, *norm, op.getInvStdVar()));
  if (op.getInputSkipBiasSum())
    results.push_back(*sum);
  return success();
}

/// Over each plane of (n, c, ...), with one scale and bias a channel.
static LogicalResult instanceNorm(InstanceNormalizationOp op,
                                  InstanceNormalizationOp::Adaptor operands,
                                  Rewriter &rewriter,
                                  SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value x = stripStaticCasts(operands.getInput());
  if (rankOf(x) < 3)
    return op.emitOpError("expects an input of rank 3 or more, got ")
           << rankOf(x);
  OpFoldResult channels = getDim(rewriter, loc, x, 1);
  SmallVector<Value> parameters;
  for (Value operand : {operands.getScale(), operands.getB()}) {
    operand = stripStaticCasts(operand);
    if (rankOf(operand) != 1)
      return op.emitOpError("expects parameters of rank 1, got ")
             << rankOf(operand);
    OpFoldResult count = getDim(rewriter, loc, operand, 0);
    if (!checkSameDim(rewriter, loc, count, channels,
                      "expects a parameter for each channel"))
      return op.emitOpError("expects a parameter for each channel, got ")
             << *getConstant(count) << " for " << *getConstant(channels);
    parameters.push_back(
        insertUnitDims(rewriter, loc, operand,
                       llvm::to_vector(llvm::seq<int64_t>(1, rankOf(x) - 1))));
  }
  FailureOr<Norm> norm =
      normalize(rewriter, op, x, parameters, elementType(op.getInput()),
                {true, 2, op.getEpsilon().convertToDouble()});
  if (failed(norm))
    return failure();
  results.push_back(norm->y);
  return success();
}

void bit::onnx::addNormalizationPatterns(PatternList &list) {
  addLpNormalizationPatterns(list);
  list.add<InstanceNormalizationOp>(instanceNorm);
  list.add<LayerNormalizationOp>(layerNorm);
  list.add<RMSNormalizationOp>(rmsNorm);
  list.add<SimplifiedLayerNormalizationOp>(simplifiedLayerNorm);
  list.add<MSSkipLayerNormalizationOp>(
      skipNorm<MSSkipLayerNormalizationOp, true>);
  list.add<MSSkipSimplifiedLayerNormalizationOp>(
      skipNorm<MSSkipSimplifiedLayerNormalizationOp, false>);
}
