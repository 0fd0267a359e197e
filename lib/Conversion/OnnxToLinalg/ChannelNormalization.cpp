// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Norms by and across channels of [N, C, ...]: BatchNormalization with the
// statistics that are given or the batch's, and LRN.

#include "Convolution.h"
#include "Pieces.h"
#include "Reduce.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace bit::onnx;
using utils::IteratorType;

/// An element of an operand in the compute type of `onnxType`.
static Value convert(ScalarBuilder &s, Value stored, Type from) {
  Value wide = toCompute(s.builder, s.loc, stored, from);
  return castScalar(s.builder, s.loc, wide, getComputeType(from), s.getType());
}

namespace {
/// Of each channel, in the compute type of what is normalized.
struct ChannelStatistics {
  Value mean, variance;
};
} // namespace

/// The statistics of the batch itself; the variance is that of all elements.
static ChannelStatistics computeStatistics(OpBuilder &builder, Location loc,
                                           Value x, Type onnxType) {
  SmallVector<int64_t> axes;
  for (int64_t axis = 0, rank = rankOf(x); axis < rank; ++axis)
    if (axis != 1)
      axes.push_back(axis);
  Type compute = getComputeType(onnxType);
  Value count = countElements(builder, loc, x, onnxType, axes);
  auto average = [&](Value sums) {
    return createPointwise(builder, loc, sums, compute,
                           [&](OpBuilder &b, Location loc, ValueRange in) {
                             ScalarBuilder s(b, loc, compute);
                             return s.div(in[0], count);
                           });
  };
  Value mean =
      average(reduceWith(builder, loc, x, onnxType, axes, sumReduction));
  Value centered = createPointwise(
      builder, loc, {x, mean}, compute,
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder s(b, loc, onnxType);
        return s.sub(toCompute(b, loc, in[0], onnxType), in[1]);
      },
      axes);
  return {mean, average(reduceWith(builder, loc, centered, onnxType, axes,
                                   squareReduction))};
}

/// given * momentum + current * (1 - momentum)
static Value computeRunning(OpBuilder &builder, Location loc, Value given,
                            Value current, Type givenType, Type resultType,
                            double momentum) {
  Type compute = elementType(current);
  return createPointwise(
      builder, loc, {given, current}, getStorageType(resultType),
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder s(b, loc, compute);
        Value sum =
            s.add(s.mul(convert(s, in[0], givenType), s.number(momentum)),
                  s.mul(in[1], s.number(1 - momentum)));
        return toStorage(b, loc, castScalar(b, loc, sum, compute, resultType),
                         resultType);
      });
}

/// (x - mean) * (scale / sqrt(var + epsilon)) + B, with the statistics that are
/// given or, in training, those of the batch.
static LogicalResult batchNorm(BatchNormalizationOp op,
                               BatchNormalizationOp::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  const bool isTraining = op.getTrainingMode() != 0;
  if (!isTraining && (op.getRunningMean() || op.getRunningVar()))
    return op.emitOpError("expects the running statistics to be unused where "
                          "training_mode is 0");
  Location loc = op.getLoc();
  Value x = stripStaticCasts(operands.getX());
  Type onnxType = elementType(op.getX());
  if (rankOf(x) < 2)
    return op.emitOpError("expects an input of rank 2 or more, got ")
           << rankOf(x);
  Dims sizes = getDims(rewriter, loc, x);
  SmallVector<Value> parameters;
  for (Value operand : operands.getOperands().drop_front()) {
    operand = stripStaticCasts(operand);
    if (rankOf(operand) != 1)
      return op.emitOpError("expects parameters of rank 1, got ")
             << rankOf(operand);
    OpFoldResult count = getDim(rewriter, loc, operand, 0);
    if (!checkSameDim(rewriter, loc, count, sizes[1],
                      "expects a parameter for each channel"))
      return op.emitOpError("expects a parameter for each channel, got ")
             << *getConstant(count) << " for " << *getConstant(sizes[1]);
    parameters.push_back(operand);
  }
  Value scale = parameters[0], bias = parameters[1], mean = parameters[2],
        variance = parameters[3];
  Type parameterType = elementType(op.getScale());
  Type statisticType = elementType(op.getInputMean());
  SmallVector<Value> running;
  if (isTraining) {
    ChannelStatistics batch = computeStatistics(rewriter, loc, x, onnxType);
    double momentum = op.getMomentum().convertToDouble();
    for (auto [result, given, current] :
         {std::tuple(op.getRunningMean(), mean, batch.mean),
          std::tuple(op.getRunningVar(), variance, batch.variance)})
      if (result)
        running.push_back(computeRunning(rewriter, loc, given, current,
                                         statisticType, elementType(result),
                                         momentum));
    mean = batch.mean;
    variance = batch.variance;
    statisticType = elementType(mean);
  }
  Value factor = createPointwise(
      rewriter, loc, {scale, variance}, getComputeType(onnxType),
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder s(b, loc, onnxType);
        Value shifted = s.add(convert(s, in[1], statisticType),
                              s.number(op.getEpsilon().convertToDouble()));
        return s.div(convert(s, in[0], parameterType),
                     s.make<math::SqrtOp>(shifted));
      });
  int64_t rank = sizes.size();
  AffineMap all = rewriter.getMultiDimIdentityMap(rank);
  AffineMap channel = AffineMap::get(rank, 0, rewriter.getAffineDimExpr(1));
  results.push_back(createPointwise(
      rewriter, loc,
      {{x, all, {}},
       {mean, channel, {}},
       {factor, channel, {}},
       {bias, channel, {}}},
      sizes, getStorageType(onnxType),
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder s(b, loc, onnxType);
        Value centered = s.sub(toCompute(b, loc, in[0], onnxType),
                               convert(s, in[1], statisticType));
        Value y =
            s.add(s.mul(centered, in[2]), convert(s, in[3], parameterType));
        return toStorage(b, loc, y, onnxType);
      }));
  llvm::append_range(results, running);
  return success();
}

/// Sums of squares over `size` neighbouring channels, of (n, c, plane).
static Value sumSquares(OpBuilder &builder, Location loc, Value x,
                        int64_t size) {
  Type type = elementType(x);
  Dims sizes = getDims(builder, loc, x), padded = sizes;
  padded[1] = addDims(builder, loc, sizes[1],
                      OpFoldResult(builder.getIndexAttr(size - 1)));
  Value zero = ScalarBuilder(builder, loc, type).number(0);
  SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
  offsets[1] = builder.getIndexAttr((size - 1) / 2);
  Value filled = createFilled(builder, loc, padded, zero);
  Value source = putPiece(builder, loc, x, filled, offsets, sizes);
  Value window = tensor::EmptyOp::create(builder, loc, ArrayRef<int64_t>{size},
                                         builder.getI8Type());
  AffineExpr n, c, tap, at;
  bindDims(builder.getContext(), n, c, tap, at);
  Value init = createFilled(builder, loc, sizes, zero);
  SmallVector<AffineMap> maps = AffineMap::inferFromExprList(
      {ArrayRef<AffineExpr>{n, c + tap, at}, ArrayRef<AffineExpr>{tap},
       ArrayRef<AffineExpr>{n, c, at}},
      builder.getContext());
  SmallVector<IteratorType> iterators(4, IteratorType::parallel);
  iterators[2] = IteratorType::reduction;
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), ValueRange{source, window}, init, maps,
      iterators, [&](OpBuilder &b, Location loc, ValueRange in) {
        linalg::YieldOp::create(
            b, loc, ScalarBuilder(b, loc, type).fma(in[0], in[0], in[2]));
      });
  return generic.getResult(0);
}

/// x / (bias + alpha / size * squares)^beta
static LogicalResult lrn(LRNOp op, LRNOp::Adaptor operands, Rewriter &rewriter,
                         SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value x = stripStaticCasts(operands.getX());
  Type onnxType = elementType(op.getX());
  int64_t rank = rankOf(x), size = op.getSize();
  if (rank < 3)
    return op.emitOpError("expects an input of rank 3 or more, got ") << rank;
  if (size < 1 || size >= int64_t(1) << 31)
    return op.emitOpError("expects a size of 1 or more, got ") << size;
  Value wide = toComputeTensor(rewriter, loc, x, onnxType);
  SmallVector<ReassociationIndices> groups(3);
  for (int64_t i = 0; i < rank; ++i)
    groups[std::min<int64_t>(i, 2)].push_back(i);
  if (rank > 3)
    wide = tensor::CollapseShapeOp::create(rewriter, loc, wide, groups);
  Value sums = sumSquares(rewriter, loc, wide, size);
  if (rank > 3) {
    Dims sizes = getDims(rewriter, loc, x);
    sums = tensor::ExpandShapeOp::create(
        rewriter, loc, getTensorType(sizes, elementType(sums)), sums, groups,
        sizes);
  }
  double factor = op.getAlpha().convertToDouble() / static_cast<double>(size);
  results.push_back(createPointwise(
      rewriter, loc, {x, sums}, getStorageType(onnxType),
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder s(b, loc, onnxType);
        Value base = s.add(s.number(op.getBias().convertToDouble()),
                           s.mul(s.number(factor), in[1]));
        Value power = s.make<math::PowFOp>(
            base, s.number(op.getBeta().convertToDouble()));
        return toStorage(
            b, loc, s.div(toCompute(b, loc, in[0], onnxType), power), onnxType);
      }));
  return success();
}

void bit::onnx::addChannelNormalizationPatterns(PatternList &list) {
  list.add<BatchNormalizationOp>(batchNorm);
  list.add<LRNOp>(lrn);
}
