// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GridSample for any number of axes: each has a few taps, and a sample is the
// sum over all combinations of them.

#include "GridSample.h"
#include "Indexing.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

namespace {
enum class Mode { Nearest, Linear, Cubic };
enum class Padding { Zeros, Border, Reflection };

struct GridOptions {
  Mode mode;
  Padding padding;
  bool alignCorners;
};

/// An element along one axis: which, how much of it, and whether it is there.
struct Tap {
  Value position, weight, inside;
};

/// Builds coordinates along one axis, in the grid's compute type.
struct AxisSampler {
  ScalarBuilder &s;
  GridOptions options;
  Value size;
  /// Of the axis in coordinates: of centres, or of the elements' edges.
  Value low, high, last;

  AxisSampler(ScalarBuilder &s, GridOptions options, Value size)
      : s(s), options(options), size(size) {
    Type i64 = s.builder.getI64Type();
    Value length = castScalar(s.builder, s.loc,
                              IndexBuilder{s.builder, s.loc}.to(size, i64), i64,
                              s.getType());
    last = s.sub(length, s.number(1));
    low = s.number(options.alignCorners ? 0 : -0.5);
    high = options.alignCorners ? last : s.sub(length, s.number(0.5));
  }

  Value denormalize(Value x) {
    Value shifted = s.add(x, s.number(1));
    if (options.alignCorners)
      return s.mul(s.mul(shifted, s.number(0.5)), last);
    Value length = s.add(last, s.number(1));
    return s.mul(s.sub(s.mul(shifted, length), s.number(1)), s.number(0.5));
  }

  /// Back and forth between low and high.
  Value reflect(Value x) {
    Value range = s.sub(high, low);
    Value isPoint = s.lessOrEqual(range, s.number(0));
    range = s.select(isPoint, s.number(1), range);
    Value below = s.less(x, low), above = s.less(high, x);
    Value distance = s.select(below, s.sub(low, x), s.sub(x, high));
    Value turns = s.make<math::TruncOp>(s.div(distance, range));
    Value rest = s.sub(distance, s.mul(turns, range));
    Value half = s.mul(turns, s.number(0.5));
    Value isEven = s.equal(half, s.make<math::FloorOp>(half));
    Value fromLow = s.add(low, rest), fromHigh = s.sub(high, rest);
    Value reflected =
        s.select(s.make<arith::XOrIOp>(isEven, below), fromHigh, fromLow);
    // Far above an even number of turns comes from the high end.
    reflected = s.select(s.make<arith::OrIOp>(below, above), reflected, x);
    return s.select(isPoint, low, reflected);
  }

  Value clamp(Value x) { return s.min(s.max(x, s.number(0)), last); }

  /// A coordinate out of range is moved into it where the padding says so.
  Value pad(Value x) {
    Value outside = s.make<arith::OrIOp>(s.less(x, low), s.less(high, x));
    if (options.padding == Padding::Border)
      return s.select(outside, clamp(x), x);
    if (options.padding == Padding::Reflection)
      return reflect(x);
    return x;
  }

  Tap makeTap(Value x, Value weight) {
    Value inside = s.make<arith::AndIOp>(s.lessOrEqual(s.number(0), x),
                                         s.lessOrEqual(x, last));
    if (options.padding == Padding::Reflection)
      x = reflect(x);
    Type i64 = s.builder.getI64Type();
    Value whole = castScalar(s.builder, s.loc, clamp(x), s.getType(), i64);
    // Whatever the grid holds, nothing outside is read: NaN is 0 here.
    return {IndexBuilder{s.builder, s.loc}.from(whole), weight,
            options.padding == Padding::Zeros ? inside : Value()};
  }

  SmallVector<Tap> getTaps(Value gridElement) {
    Value x = denormalize(gridElement);
    if (options.mode == Mode::Nearest)
      return {makeTap(pad(s.make<math::RoundEvenOp>(x)), Value())};
    x = pad(x);
    Value floor = s.make<math::FloorOp>(x);
    Value t = s.sub(x, floor), one = s.number(1);
    if (options.mode == Mode::Linear)
      return {makeTap(floor, s.sub(one, t)), makeTap(s.add(floor, one), t)};
    // Two cubics with a = -0.75: near within 1 of the coordinate, far within 2.
    auto near = [&](Value d) {
      Value y = s.sub(s.mul(s.number(1.25), d), s.number(2.25));
      return s.add(s.mul(s.mul(y, d), d), one);
    };
    auto far = [&](Value d) {
      Value y = s.add(s.mul(s.number(-0.75), d), s.number(3.75));
      y = s.sub(s.mul(y, d), s.number(6));
      return s.add(s.mul(y, d), s.number(3));
    };
    Value u = s.sub(one, t);
    return {makeTap(s.sub(floor, one), far(s.add(t, one))),
            makeTap(floor, near(t)), makeTap(s.add(floor, one), near(u)),
            makeTap(s.add(floor, s.number(2)), far(s.add(u, one)))};
  }
};
} // namespace

static FailureOr<GridOptions> getOptions(GridSampleOp op) {
  auto mode = llvm::StringSwitch<std::optional<Mode>>(op.getMode())
                  .Case("nearest", Mode::Nearest)
                  .Cases({"linear", "bilinear"}, Mode::Linear)
                  .Cases({"cubic", "bicubic"}, Mode::Cubic)
                  .Default(std::nullopt);
  auto padding = llvm::StringSwitch<std::optional<Padding>>(op.getPaddingMode())
                     .Case("zeros", Padding::Zeros)
                     .Case("border", Padding::Border)
                     .Case("reflection", Padding::Reflection)
                     .Default(std::nullopt);
  if (!mode)
    return op.emitOpError("expects mode linear, nearest or cubic, got ")
           << op.getMode();
  if (!padding)
    return op.emitOpError(
               "expects padding_mode zeros, border or reflection, got ")
           << op.getPaddingMode();
  if (*mode == Mode::Cubic && rankOf(op.getX()) != 4)
    return op.emitOpError(
               "expects an input of rank 4 for mode cubic, got rank ")
           << rankOf(op.getX());
  if (!isa<FloatType>(elementType(op.getGrid())))
    return op.emitOpError("expects a grid of floats, got ")
           << elementType(op.getGrid());
  return GridOptions{*mode, *padding, op.getAlignCorners() != 0};
}

/// The sum over all combinations of taps from `axis` on.
static Value sumTaps(ScalarBuilder &s, Value input, Type onnxType,
                     ArrayRef<SmallVector<Tap>> taps, SmallVector<Value> &where,
                     Value inside) {
  size_t axis = where.size() - 2;
  if (axis == taps.size()) {
    Value x = tensor::ExtractOp::create(s.builder, s.loc, input, where);
    x = castScalar(s.builder, s.loc, toCompute(s.builder, s.loc, x, onnxType),
                   onnxType, s.getType());
    return inside ? s.select(inside, x, s.number(0)) : x;
  }
  Value total;
  for (const Tap &tap : taps[axis]) {
    where.push_back(tap.position);
    Value both = inside && tap.inside
                     ? s.make<arith::AndIOp>(inside, tap.inside)
                     : (inside ? inside : tap.inside);
    Value x = sumTaps(s, input, onnxType, taps, where, both);
    where.pop_back();
    if (tap.weight)
      x = s.mul(x, castScalar(s.builder, s.loc, tap.weight,
                              tap.weight.getType(), s.getType()));
    total = total ? s.add(total, x) : x;
  }
  return total;
}

static LogicalResult gridSample(GridSampleOp op, GridSampleOp::Adaptor operands,
                                Rewriter &rewriter,
                                SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  FailureOr<GridOptions> options = getOptions(op);
  if (failed(options))
    return failure();
  Value input = stripStaticCasts(operands.getX());
  int64_t rank = rankOf(input), axes = rank - 2;
  if (axes < 1 || rankOf(operands.getGrid()) != rank)
    return op.emitOpError(
               "expects an input of rank 3 or more and a grid of the "
               "same rank, got ")
           << rank << " and " << rankOf(operands.getGrid());
  FailureOr<Value> grid =
      withLength(rewriter, op, operands.getGrid(), rank - 1, axes,
                 "expects a grid with one coordinate for each axis");
  if (failed(grid))
    return failure();
  Dims dims = getDims(rewriter, loc, input);
  Dims gridDims = getDims(rewriter, loc, *grid);
  if (failed(expectSameDim(rewriter, op, dims[0], gridDims[0],
                           "expects an input and a grid of one batch size")))
    return failure();
  for (OpFoldResult dim : ArrayRef(dims).drop_front(2))
    if (failed(expectAtMost(rewriter, op, rewriter.getIndexAttr(1), dim,
                            "expects axes that are not empty")))
      return failure();
  Dims sizes = {dims[0], dims[1]};
  llvm::append_range(sizes, ArrayRef(gridDims).drop_front().drop_back());
  Type onnxType = elementType(op.getX()), gridType = elementType(op.getGrid());
  // What is nearest is copied, whatever it is.
  Type type = options->mode == Mode::Nearest ? onnxType
                                             : getInterpolationType(onnxType);
  results.push_back(createPointwise(
      rewriter, loc, ArrayRef<LoopOperand>{}, sizes, elementType(input),
      [&](OpBuilder &b, Location loc, ValueRange) {
        ScalarBuilder s(b, loc, type), coordinates(b, loc, gridType);
        SmallVector<Value> where, at;
        for (int64_t i = 0; i < rank; ++i)
          (i == 1 ? where : at).push_back(linalg::IndexOp::create(b, loc, i));
        where.insert(where.begin(), at.front());
        SmallVector<SmallVector<Tap>> taps;
        for (int64_t axis = 0; axis < axes; ++axis) {
          // The last axis comes first.
          at.push_back(arith::ConstantIndexOp::create(b, loc, axes - 1 - axis));
          Value x = tensor::ExtractOp::create(b, loc, *grid, at);
          at.pop_back();
          AxisSampler sampler(coordinates, *options,
                              toValue(b, loc, dims[axis + 2]));
          taps.push_back(sampler.getTaps(toCompute(b, loc, x, gridType)));
        }
        Value y = sumTaps(s, input, onnxType, taps, where, Value());
        if (isa<IntegerType>(onnxType))
          return isa<FloatType>(type) ? roundScalar(b, loc, y, onnxType) : y;
        return toStorage(b, loc, y, onnxType);
      }));
  return success();
}

void bit::onnx::addGridSamplePatterns(PatternList &list) {
  list.add<GridSampleOp>(gridSample);
}
