// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pooling over windows and over whole planes. A window's elements are one chain
// in ascending order; the last spatial dim is the innermost loop, so that
// vectors run over it.

#include "Convolution.h"
#include "Reduce.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;
using utils::IteratorType;

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

namespace {
/// The loops n, c, rows, taps, columns of a window that slides over a tensor.
struct PoolLoops {
  AffineMap source, taps, result;
  SmallVector<IteratorType> iterators;
  /// Positions of the loops.
  SmallVector<unsigned> outputs, kernel;
};
} // namespace

static PoolLoops getLoops(MLIRContext *context, const Window &window) {
  unsigned rank = window.rank(), loops = 2 + 2 * rank;
  PoolLoops result;
  result.iterators.assign(loops, IteratorType::parallel);
  SmallVector<AffineExpr> source, taps, out;
  for (unsigned i = 0; i < 2; ++i)
    source.push_back(getAffineDimExpr(i, context));
  out = source;
  for (unsigned i = 0; i < rank; ++i) {
    result.kernel.push_back(1 + rank + i);
    result.iterators[1 + rank + i] = IteratorType::reduction;
    result.outputs.push_back(i + 1 < rank ? 2 + i : loops - 1);
    taps.push_back(getAffineDimExpr(result.kernel[i], context));
    out.push_back(getAffineDimExpr(result.outputs[i], context));
    source.push_back(window.position(i, out.back(), taps.back()));
  }
  result.source = AffineMap::get(loops, 0, source, context);
  result.taps = AffineMap::get(loops, 0, taps, context);
  result.result = AffineMap::get(loops, 0, out, context);
  return result;
}

static Dims getPooledSizes(OpBuilder &builder, Location loc, Value x,
                           const Window &window) {
  Dims sizes{getDim(builder, loc, x, 0), getDim(builder, loc, x, 1)};
  llvm::append_range(sizes, window.output);
  return sizes;
}

/// Nobody reads it: its shape gives the loops over taps their bounds.
static Value createTaps(OpBuilder &builder, Location loc,
                        const Window &window) {
  return tensor::EmptyOp::create(builder, loc, window.kernel,
                                 builder.getI8Type());
}

/// Reduces every window, in the compute type.
static Value reduceWindows(OpBuilder &builder, Location loc, Value x,
                           const Window &window, Type onnxType,
                           const Reduction &reduction) {
  ScalarBuilder outer(builder, loc, onnxType);
  Value initial = reduction.initial(outer);
  x = toComputeTensor(builder, loc, x, onnxType);
  Dims sizes = getPooledSizes(builder, loc, x, window);
  x = padSpatial(builder, loc, x, window, initial);
  Value init = createFilled(builder, loc, sizes, initial);
  PoolLoops loops = getLoops(builder.getContext(), window);
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(),
      ValueRange{x, createTaps(builder, loc, window)}, init,
      {loops.source, loops.taps, loops.result}, loops.iterators,
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder scalar(b, loc, onnxType);
        linalg::YieldOp::create(b, loc, reduction.step(scalar, in[0], in[2]));
      });
  return generic.getResult(0);
}

template <typename OpTy>
static FailureOr<Window> getPoolWindow(OpTy op, OpBuilder &builder, Value x) {
  if (rankOf(x) < 3)
    return op.emitOpError("expects an input of rank 3 or more, got ")
           << rankOf(x);
  Location loc = op.getLoc();
  size_t rank = rankOf(x) - 2;
  auto kernel =
      getList(op, "kernel_shape", ArrayRef(op.getKernelShape()), rank, 1, 1);
  if (!kernel)
    return failure();
  Dims sizes;
  for (int64_t size : *kernel)
    sizes.push_back(builder.getIndexAttr(size));
  Dims dims = getDims(builder, loc, x);
  WindowAttributes attributes{
      {},           op.getStrides(), op.getDilations(),
      op.getPads(), op.getAutoPad(), op.getCeilMode() != 0};
  return getWindow(builder, op, ArrayRef(dims).drop_front(2), sizes,
                   attributes);
}

//===----------------------------------------------------------------------===//
// MaxPool
//===----------------------------------------------------------------------===//

namespace {
/// Where in the whole input the greatest element of each window lies.
struct IndexedMax {
  const Window &window;
  const PoolLoops &loops;
  Dims sizes;
  bool columnMajor;

  Value index(OpBuilder &b, Location loc, int64_t value) const {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  template <typename OpTy>
  Value make(OpBuilder &b, Location loc, Value left, Value right) const {
    return b.createOrFold<OpTy>(loc, left, right);
  }
  /// The position in the unpadded input, and whether it is in there.
  SmallVector<Value> positions(OpBuilder &b, Location loc,
                               Value &isInside) const;
  Value flatten(OpBuilder &b, Location loc, ArrayRef<Value> positions) const;
};
} // namespace

SmallVector<Value> IndexedMax::positions(OpBuilder &b, Location loc,
                                         Value &isInside) const {
  SmallVector<Value> result;
  isInside = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  for (unsigned i = 0; i < window.rank(); ++i) {
    Value output = linalg::IndexOp::create(b, loc, loops.outputs[i]);
    Value tap = linalg::IndexOp::create(b, loc, loops.kernel[i]);
    Value start =
        make<arith::MulIOp>(b, loc, output, index(b, loc, window.strides[i]));
    Value offset =
        make<arith::MulIOp>(b, loc, tap, index(b, loc, window.dilations[i]));
    Value at =
        make<arith::SubIOp>(b, loc, make<arith::AddIOp>(b, loc, start, offset),
                            toValue(b, loc, window.begin[i]));
    // Before the start it is a huge unsigned number.
    Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at,
                                         toValue(b, loc, window.input[i]));
    isInside = arith::AndIOp::create(b, loc, isInside, inside);
    result.push_back(at);
  }
  return result;
}

Value IndexedMax::flatten(OpBuilder &b, Location loc,
                          ArrayRef<Value> positions) const {
  Value plane = linalg::IndexOp::create(b, loc, 0);
  plane = make<arith::AddIOp>(
      b, loc, make<arith::MulIOp>(b, loc, plane, toValue(b, loc, sizes[1])),
      linalg::IndexOp::create(b, loc, 1));
  unsigned rank = window.rank();
  Value within = index(b, loc, 0), area = index(b, loc, 1);
  for (unsigned i = 0; i < rank; ++i) {
    unsigned dim = columnMajor ? rank - 1 - i : i;
    Value size = toValue(b, loc, window.input[dim]);
    within = make<arith::AddIOp>(
        b, loc, make<arith::MulIOp>(b, loc, within, size), positions[dim]);
    area = make<arith::MulIOp>(b, loc, area, size);
  }
  return make<arith::AddIOp>(b, loc, make<arith::MulIOp>(b, loc, plane, area),
                             within);
}

/// The maximum and the index of the first element that has it; -1 for a window
/// in nothing but padding.
static void maxWithIndices(OpBuilder &builder, Location loc, Value x,
                           const Window &window, Type onnxType,
                           bool columnMajor, SmallVectorImpl<Value> &results) {
  PoolLoops loops = getLoops(builder.getContext(), window);
  IndexedMax indexed{window, loops, getDims(builder, loc, x), columnMajor};
  Value lowest = ScalarBuilder(builder, loc, onnxType).lowest();
  x = toComputeTensor(builder, loc, x, onnxType);
  Dims sizes = getPooledSizes(builder, loc, x, window);
  x = padSpatial(builder, loc, x, window, lowest);
  Type i64 = builder.getI64Type();
  Value none =
      arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(-1));
  Value inits[] = {createFilled(builder, loc, sizes, lowest),
                   createFilled(builder, loc, sizes, none)};
  auto generic = linalg::GenericOp::create(
      builder, loc, TypeRange{inits[0].getType(), inits[1].getType()},
      ValueRange{x, createTaps(builder, loc, window)}, inits,
      {loops.source, loops.taps, loops.result, loops.result}, loops.iterators,
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder scalar(b, loc, onnxType);
        Value isInside;
        SmallVector<Value> at = indexed.positions(b, loc, isInside);
        Value greater = scalar.less(in[2], in[0]);
        if (scalar.isFloat()) {
          Value isNaN =
              arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt,
                                    scalar.isNaN(in[0]), scalar.isNaN(in[2]));
          greater = arith::OrIOp::create(b, loc, greater, isNaN);
        }
        Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                              in[3], none);
        Value isBest = arith::AndIOp::create(
            b, loc, isInside, arith::OrIOp::create(b, loc, greater, isFirst));
        Value flat = arith::IndexCastOp::create(b, loc, i64,
                                                indexed.flatten(b, loc, at));
        linalg::YieldOp::create(b, loc,
                                ValueRange{scalar.select(isBest, in[0], in[2]),
                                           scalar.select(isBest, flat, in[3])});
      });
  results.push_back(
      toStorageTensor(builder, loc, generic.getResult(0), onnxType));
  results.push_back(generic.getResult(1));
}

static LogicalResult maxPool(MaxPoolOp op, MaxPoolOp::Adaptor operands,
                             Rewriter &rewriter,
                             SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value x = stripStaticCasts(operands.getX());
  Type onnxType = elementType(op.getX());
  FailureOr<Window> window = getPoolWindow(op, rewriter, x);
  if (failed(window))
    return failure();
  if (op.getIndices()) {
    maxWithIndices(rewriter, loc, x, *window, onnxType,
                   op.getStorageOrder() != 0, results);
    return success();
  }
  Value y = reduceWindows(rewriter, loc, x, *window, onnxType, maxReduction);
  results.push_back(toStorageTensor(rewriter, loc, y, onnxType));
  return success();
}

//===----------------------------------------------------------------------===//
// AveragePool, LpPool
//===----------------------------------------------------------------------===//

/// How many taps of the window at `output` lie where elements are counted: in
/// the input, or in it and its padding.
static Value countTaps(OpBuilder &b, Location loc, Value output,
                       const Window &window, unsigned dim, bool withPads) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  auto sub = [&](Value left, Value right) -> Value {
    return b.createOrFold<arith::SubIOp>(loc, left, right);
  };
  Value start =
      b.createOrFold<arith::MulIOp>(loc, output, index(window.strides[dim]));
  Value low = toValue(b, loc, window.begin[dim]);
  Value high = b.createOrFold<arith::AddIOp>(
      loc, low, toValue(b, loc, window.input[dim]));
  if (withPads) {
    low = index(0);
    high = b.createOrFold<arith::AddIOp>(loc, high,
                                         toValue(b, loc, window.end[dim]));
  }
  // The first tap that is not before a bound.
  auto firstFrom = [&](Value bound) -> Value {
    Value distance =
        b.createOrFold<arith::MaxSIOp>(loc, sub(bound, start), index(0));
    Value taps = b.createOrFold<arith::CeilDivUIOp>(
        loc, distance, index(window.dilations[dim]));
    return b.createOrFold<arith::MinSIOp>(loc, taps,
                                          toValue(b, loc, window.kernel[dim]));
  };
  return sub(firstFrom(high), firstFrom(low));
}

static LogicalResult averagePool(AveragePoolOp op,
                                 AveragePoolOp::Adaptor operands,
                                 Rewriter &rewriter,
                                 SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value x = stripStaticCasts(operands.getX());
  Type onnxType = elementType(op.getX());
  FailureOr<Window> window = getPoolWindow(op, rewriter, x);
  if (failed(window))
    return failure();
  Value sum = reduceWindows(rewriter, loc, x, *window, onnxType, sumReduction);
  bool withPads = op.getCountIncludePad() != 0;
  results.push_back(createPointwise(
      rewriter, loc, sum, getStorageType(onnxType),
      [&](OpBuilder &b, Location loc, ValueRange in) {
        ScalarBuilder scalar(b, loc, onnxType);
        Value count = arith::ConstantIndexOp::create(b, loc, 1);
        for (unsigned i = 0; i < window->rank(); ++i)
          count = b.createOrFold<arith::MulIOp>(
              loc, count,
              countTaps(b, loc, linalg::IndexOp::create(b, loc, 2 + i), *window,
                        i, withPads));
        Type i64 = b.getI64Type();
        Value divisor =
            castScalar(b, loc, arith::IndexCastOp::create(b, loc, i64, count),
                       i64, scalar.getType());
        return toStorage(b, loc, scalar.div(in[0], divisor), onnxType);
      }));
  return success();
}

static Value absPower(ScalarBuilder &s, Value x, double p) {
  return s.make<math::PowFOp>(s.abs(x), s.number(p));
}

/// sum(|x|^p)^(1/p) of what `reduce` adds up.
static FailureOr<Value>
reduceNorm(OpBuilder &builder, Operation *op, Value x, Type onnxType, int64_t p,
           function_ref<Value(Value, const Reduction &)> reduce) {
  static const Reduction absSum = {[](ScalarBuilder &s) { return s.number(0); },
                                   [](ScalarBuilder &s, Value x, Value sum) {
                                     return s.add(sum, s.abs(x));
                                   }};
  if (p < 1 || p > 1 << 24)
    return op->emitOpError("expects p in [1, 2^24], got ") << p;
  Location loc = op->getLoc();
  double exponent = static_cast<double>(p);
  Value sum;
  if (p == 2) {
    sum = reduce(x, squareReduction);
  } else if (p == 1) {
    sum = reduce(x, absSum);
  } else {
    Type compute = getComputeType(onnxType);
    x = toComputeTensor(builder, loc, x, onnxType);
    Value powers =
        createPointwise(builder, loc, x, compute,
                        [&](OpBuilder &b, Location loc, ValueRange in) {
                          ScalarBuilder s(b, loc, compute);
                          return absPower(s, in[0], exponent);
                        });
    sum = reduce(powers, sumReduction);
  }
  return createPointwise(builder, loc, sum, getStorageType(onnxType),
                         [&](OpBuilder &b, Location loc, ValueRange in) {
                           ScalarBuilder s(b, loc, onnxType);
                           Value y = in[0];
                           if (p == 2)
                             y = s.make<math::SqrtOp>(y);
                           else if (p > 2)
                             y = s.make<math::PowFOp>(y,
                                                      s.number(1 / exponent));
                           return toStorage(b, loc, y, onnxType);
                         });
}

static LogicalResult lpPool(LpPoolOp op, LpPoolOp::Adaptor operands,
                            Rewriter &rewriter,
                            SmallVectorImpl<Value> &results) {
  Value x = stripStaticCasts(operands.getX());
  Type onnxType = elementType(op.getX());
  FailureOr<Window> window = getPoolWindow(op, rewriter, x);
  if (failed(window))
    return failure();
  FailureOr<Value> y =
      reduceNorm(rewriter, op, x, onnxType, op.getP(),
                 [&](Value terms, const Reduction &reduction) {
                   Type type = elementType(terms) == getStorageType(onnxType)
                                   ? onnxType
                                   : getComputeType(onnxType);
                   return reduceWindows(rewriter, op.getLoc(), terms, *window,
                                        type, reduction);
                 });
  if (failed(y))
    return failure();
  results.push_back(*y);
  return success();
}

//===----------------------------------------------------------------------===//
// Whole planes
//===----------------------------------------------------------------------===//

static FailureOr<SmallVector<int64_t>> getSpatialAxes(Operation *op, Value x) {
  if (rankOf(x) < 3)
    return op->emitOpError("expects an input of rank 3 or more, got ")
           << rankOf(x);
  return llvm::to_vector(llvm::seq<int64_t>(2, rankOf(x)));
}

template <typename OpTy, const Reduction &reduction, bool isMean>
static LogicalResult globalPool(OpTy op, typename OpTy::Adaptor operands,
                                Rewriter &rewriter,
                                SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value x = stripStaticCasts(operands.getX());
  Type onnxType = elementType(op.getX());
  FailureOr<SmallVector<int64_t>> axes = getSpatialAxes(op, x);
  if (failed(axes))
    return failure();
  Value y = reduceWith(rewriter, loc, x, onnxType, *axes, reduction);
  if (isMean) {
    Value count = countElements(rewriter, loc, x, onnxType, *axes);
    y = createPointwise(
        rewriter, loc, y, elementType(y),
        [&](OpBuilder &b, Location loc, ValueRange in) {
          return ScalarBuilder(b, loc, onnxType).div(in[0], count);
        });
  }
  y = toStorageTensor(rewriter, loc, y, onnxType);
  results.push_back(insertUnitDims(rewriter, loc, y, *axes));
  return success();
}

static LogicalResult globalLpPool(GlobalLpPoolOp op,
                                  GlobalLpPoolOp::Adaptor operands,
                                  Rewriter &rewriter,
                                  SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  Value x = stripStaticCasts(operands.getX());
  Type onnxType = elementType(op.getX());
  FailureOr<SmallVector<int64_t>> axes = getSpatialAxes(op, x);
  if (failed(axes))
    return failure();
  FailureOr<Value> y = reduceNorm(
      rewriter, op, x, onnxType, op.getP(),
      [&](Value terms, const Reduction &reduction) {
        return reduceWith(rewriter, loc, terms, onnxType, *axes, reduction);
      });
  if (failed(y))
    return failure();
  results.push_back(insertUnitDims(rewriter, loc, *y, *axes));
  return success();
}

void bit::onnx::addPoolingPatterns(PatternList &list) {
  list.add<MaxPoolOp>(maxPool);
  list.add<AveragePoolOp>(averagePool);
  list.add<LpPoolOp>(lpPool);
  list.add<GlobalAveragePoolOp>(
      globalPool<GlobalAveragePoolOp, sumReduction, true>);
  list.add<GlobalMaxPoolOp>(globalPool<GlobalMaxPoolOp, maxReduction, false>);
  list.add<GlobalLpPoolOp>(globalLpPool);
}
