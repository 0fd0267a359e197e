// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Reduce.h"
#include "OnnxPattern.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace bit::onnx;

//===----------------------------------------------------------------------===//
// Shared with softmax and the normalizations
//===----------------------------------------------------------------------===//

Value bit::onnx::reduceWith(OpBuilder &builder, Location loc, Value input,
                            Type onnxType, ArrayRef<int64_t> axes,
                            const Reduction &reduction) {
  ScalarBuilder outer(builder, loc, onnxType);
  return createReduction(
      builder, loc, input, axes, reduction.initial(outer),
      [&](OpBuilder &b, Location loc, Value element, Value accumulator) {
        ScalarBuilder scalar(b, loc, onnxType);
        Type stored = element.getType();
        if (stored != scalar.getType())
          element = toCompute(b, loc, element, onnxType);
        return reduction.step(scalar, element, accumulator);
      });
}

Value bit::onnx::countElements(OpBuilder &builder, Location loc, Value input,
                               Type onnxType, ArrayRef<int64_t> axes) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t axis : axes)
    sizes.push_back(getDim(builder, loc, input, axis));
  OpFoldResult count = mulDims(builder, loc, sizes);
  ScalarBuilder scalar(builder, loc, onnxType);
  if (std::optional<int64_t> constant = getConstant(count))
    return scalar.number(static_cast<double>(*constant));
  Type i64 = builder.getI64Type();
  return castScalar(builder, loc, dimToElement(builder, loc, count, i64), i64,
                    scalar.getType());
}

const Reduction bit::onnx::sumReduction = {
    [](ScalarBuilder &s) { return s.number(0); },
    [](ScalarBuilder &s, Value x, Value sum) { return s.add(sum, x); }};

const Reduction bit::onnx::squareReduction = {
    [](ScalarBuilder &s) { return s.number(0); },
    [](ScalarBuilder &s, Value x, Value sum) { return s.fma(x, x, sum); }};

const Reduction bit::onnx::maxReduction = {
    [](ScalarBuilder &s) { return s.lowest(); },
    [](ScalarBuilder &s, Value x, Value greatest) {
      return s.max(greatest, x);
    }};

static const Reduction minReduction = {
    [](ScalarBuilder &s) { return s.highest(); },
    [](ScalarBuilder &s, Value x, Value least) { return s.min(least, x); }};

static const Reduction productReduction = {
    [](ScalarBuilder &s) { return s.number(1); },
    [](ScalarBuilder &s, Value x, Value product) { return s.mul(product, x); }};

static const Reduction absReduction = {
    [](ScalarBuilder &s) { return s.number(0); },
    [](ScalarBuilder &s, Value x, Value sum) { return s.add(sum, s.abs(x)); }};

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

/// The axes, sorted; none with an error where they are not known.
template <typename OpTy>
static std::optional<SmallVector<int64_t>>
getAxes(OpTy op, typename OpTy::Adaptor operands) {
  int64_t rank = rankOf(op.getData());
  SmallVector<int64_t> axes;
  if (operands.getAxes()) {
    auto constant = getConstantInts(operands.getAxes());
    if (!constant) {
      op.emitOpError("expects constant axes");
      return std::nullopt;
    }
    for (int64_t axis : *constant) {
      std::optional<int64_t> normal = normalizeAxis(op, axis, rank);
      if (!normal)
        return std::nullopt;
      axes.push_back(*normal);
    }
  }
  if (axes.empty() && !op.getNoopWithEmptyAxes())
    llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  return axes;
}

/// What is left to do with a reduced element; gets how many were reduced.
using Finish = Value (*)(ScalarBuilder &, Value reduced, Value count);

/// Applies `finish` to the reduced elements, rounds, and keeps dims as asked.
template <typename OpTy>
static Value finishReduction(OpTy op, Rewriter &rewriter, Value reduced,
                             Type onnxType, ArrayRef<int64_t> axes, Value count,
                             Finish finish) {
  Location loc = op.getLoc();
  Type storage = getStorageType(onnxType);
  if (finish || elementType(reduced) != storage)
    reduced = createPointwise(
        rewriter, loc, reduced, storage,
        [&](OpBuilder &b, Location loc, ValueRange x) {
          ScalarBuilder scalar(b, loc, onnxType);
          Value y = toCompute(b, loc, x.front(), onnxType);
          return toStorage(b, loc, finish ? finish(scalar, y, count) : y,
                           onnxType);
        });
  return op.getKeepdims() ? insertUnitDims(rewriter, loc, reduced, axes)
                          : reduced;
}

template <typename OpTy, const Reduction &reduction, Finish finish = nullptr>
static LogicalResult reduce(OpTy op, typename OpTy::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  auto axes = getAxes(op, operands);
  if (!axes)
    return failure();
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getData());
  Value input = stripStaticCasts(operands.getData());
  Value count = countElements(rewriter, loc, input, onnxType, *axes);
  Value reduced = reduceWith(rewriter, loc, input, onnxType, *axes, reduction);
  results.push_back(
      finishReduction(op, rewriter, reduced, onnxType, *axes, count, finish));
  return success();
}

/// A function of floats; of integers by way of f64.
template <typename MathOp>
static Value applyMath(ScalarBuilder &s, Value x, Value) {
  if (s.isFloat())
    return s.make<MathOp>(x);
  Type f64 = s.builder.getF64Type();
  Value wide = castScalar(s.builder, s.loc, x, s.getOnnxType(), f64);
  return castScalar(s.builder, s.loc, s.make<MathOp>(wide), f64,
                    s.getOnnxType());
}

static Value divideByCount(ScalarBuilder &s, Value sum, Value count) {
  return s.div(sum, count);
}

/// log(sum(exp(x))), relative to the greatest element.
static LogicalResult logSumExp(ReduceLogSumExpOp op,
                               ReduceLogSumExpOp::Adaptor operands,
                               Rewriter &rewriter,
                               SmallVectorImpl<Value> &results) {
  auto axes = getAxes(op, operands);
  if (!axes)
    return failure();
  Location loc = op.getLoc();
  Type onnxType = elementType(op.getData());
  if (!isa<FloatType>(onnxType))
    return op.emitOpError("expects float elements, got ") << onnxType;
  Type compute = getComputeType(onnxType);
  Value input = stripStaticCasts(operands.getData());
  Value greatest =
      reduceWith(rewriter, loc, input, onnxType, *axes, maxReduction);
  // Infinities and NaN are not subtracted: exp and log give the right answer.
  Value shift =
      createPointwise(rewriter, loc, greatest, compute,
                      [&](OpBuilder &b, Location loc, ValueRange x) {
                        ScalarBuilder s(b, loc, compute);
                        Value isFinite = s.less(s.abs(x.front()), s.highest());
                        return s.select(isFinite, x.front(), s.number(0));
                      });
  Value powers = createPointwise(
      rewriter, loc, {input, shift}, compute,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder s(b, loc, compute);
        return s.make<math::ExpOp>(
            s.sub(toCompute(b, loc, x[0], onnxType), x[1]));
      },
      *axes);
  Value sum = reduceWith(rewriter, loc, powers, compute, *axes, sumReduction);
  Value result =
      createPointwise(rewriter, loc, {sum, shift}, compute,
                      [&](OpBuilder &b, Location loc, ValueRange x) {
                        ScalarBuilder s(b, loc, compute);
                        return s.add(s.make<math::LogOp>(x[0]), x[1]);
                      });
  results.push_back(
      finishReduction(op, rewriter, result, onnxType, *axes, Value(), nullptr));
  return success();
}

void bit::onnx::addReducePatterns(PatternList &list) {
  list.add<ReduceSumOp>(reduce<ReduceSumOp, sumReduction>);
  list.add<ReduceMeanOp>(reduce<ReduceMeanOp, sumReduction, divideByCount>);
  list.add<ReduceMaxOp>(reduce<ReduceMaxOp, maxReduction>);
  list.add<ReduceMinOp>(reduce<ReduceMinOp, minReduction>);
  list.add<ReduceProdOp>(reduce<ReduceProdOp, productReduction>);
  list.add<ReduceL1Op>(reduce<ReduceL1Op, absReduction>);
  list.add<ReduceL2Op>(
      reduce<ReduceL2Op, squareReduction, applyMath<math::SqrtOp>>);
  list.add<ReduceSumSquareOp>(reduce<ReduceSumSquareOp, squareReduction>);
  list.add<ReduceLogSumOp>(
      reduce<ReduceLogSumOp, sumReduction, applyMath<math::LogOp>>);
  list.add<ReduceLogSumExpOp>(logSumExp);
}
