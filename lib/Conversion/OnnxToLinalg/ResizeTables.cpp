// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Reduce.h"
#include "Resize.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace bit::onnx;

FailureOr<ResizeMode> bit::onnx::getResizeMode(ResizeOp op) {
  ResizeMode mode;
  StringRef kernel = op.getMode();
  if (kernel == "nearest")
    mode.kernel = ResizeMode::Kernel::Nearest;
  else if (kernel == "linear")
    mode.kernel = ResizeMode::Kernel::Linear;
  else if (kernel == "cubic")
    mode.kernel = ResizeMode::Kernel::Cubic;
  else
    return op.emitOpError("expects a mode of nearest, linear or cubic, got ")
           << kernel;
  mode.coordinates = op.getCoordinateTransformationMode();
  if (!llvm::is_contained({"half_pixel", "half_pixel_symmetric",
                           "pytorch_half_pixel", "align_corners", "asymmetric",
                           "tf_half_pixel_for_nn", "tf_crop_and_resize"},
                          mode.coordinates))
    return op.emitOpError("expects a known coordinate_transformation_mode, "
                          "got ")
           << mode.coordinates;
  mode.rounding = op.getNearestMode();
  if (!llvm::is_contained(
          {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"},
          mode.rounding))
    return op.emitOpError("expects a nearest_mode of round_prefer_floor, "
                          "round_prefer_ceil, floor or ceil, got ")
           << mode.rounding;
  mode.antialias = op.getAntialias() != 0;
  if (mode.antialias && mode.kernel == ResizeMode::Kernel::Nearest)
    return op.emitOpError("expects an antialias of 0 for mode nearest");
  mode.excludeOutside = op.getExcludeOutside() != 0;
  mode.cubicA = op.getCubicCoeffA().convertToDouble();
  mode.extrapolation = op.getExtrapolationValue().convertToDouble();
  return mode;
}

namespace {
/// Arithmetic on positions in f32, in onnxruntime's order.
struct Positions {
  ScalarBuilder s;
  const ResizeAxis &axis;
  const ResizeMode &mode;

  Positions(OpBuilder &builder, Location loc, const ResizeAxis &axis,
            const ResizeMode &mode)
      : s(builder, loc, builder.getF32Type()), axis(axis), mode(mode) {}

  Value toFloat(Value index) {
    Type i64 = s.builder.getI64Type();
    Value wide = s.make<arith::IndexCastOp>(i64, index);
    return castScalar(s.builder, s.loc, wide, i64, s.getType());
  }
  Value sizeOf(OpFoldResult size) {
    return toFloat(toValue(s.builder, s.loc, size));
  }
  Value toInteger(Value x) {
    return castScalar(s.builder, s.loc, x, s.getType(), s.builder.getI64Type());
  }
  Value floor(Value x) { return s.make<math::FloorOp>(x); }
  Value half() { return s.number(0.5); }
  Value integer(int64_t value) {
    return arith::ConstantOp::create(s.builder, s.loc,
                                     s.builder.getI64IntegerAttr(value));
  }
  /// The greatest position of the input.
  Value last() { return s.sub(sizeOf(axis.input), s.number(1)); }
  Value clampIndex(Value index) {
    Type i64 = s.builder.getI64Type();
    Value end = s.make<arith::SubIOp>(
        dimToElement(s.builder, s.loc, axis.input, i64), integer(1));
    index = s.make<arith::MinSIOp>(index, end);
    return s.make<arith::MaxSIOp>(index, integer(0));
  }

  /// Where in the input an output lies.
  Value original(Value output);
  /// The position that `x` is rounded to.
  Value nearest(Value x);
  Value isInside(Value x) {
    return s.make<arith::AndIOp>(s.lessOrEqual(s.number(0), x),
                                 s.lessOrEqual(x, last()));
  }
  /// The kernel at a distance.
  Value weigh(Value distance);
};
} // namespace

Value Positions::original(Value output) {
  Value x = toFloat(output), resized = sizeOf(axis.output);
  StringRef form = mode.coordinates;
  Value one = s.number(1), zero = s.number(0);
  Value isSingle = s.lessOrEqual(resized, one);
  Value centered = s.div(s.add(x, half()), axis.scale);
  if (form == "asymmetric")
    return s.div(x, axis.scale);
  if (form == "tf_half_pixel_for_nn")
    return centered;
  if (form == "half_pixel")
    return s.sub(centered, half());
  if (form == "pytorch_half_pixel")
    return s.select(isSingle, zero, s.sub(centered, half()));
  if (form == "half_pixel_symmetric") {
    Value input = sizeOf(axis.input);
    Value adjustment = s.div(resized, s.mul(axis.scale, input));
    Value center = s.div(input, s.number(2));
    Value offset = s.mul(center, s.sub(one, adjustment));
    return s.sub(s.add(offset, centered), half());
  }
  Value steps = s.sub(resized, one);
  if (form == "align_corners")
    return s.select(isSingle, zero, s.div(s.mul(x, last()), steps));
  Value width = s.sub(axis.roiEnd, axis.roiStart);
  Value scaled = s.div(s.mul(s.mul(x, width), last()), steps);
  Value from = s.mul(axis.roiStart, last());
  Value middle =
      s.mul(s.mul(half(), s.add(axis.roiStart, axis.roiEnd)), last());
  return s.select(isSingle, middle, s.add(from, scaled));
}

Value Positions::nearest(Value x) {
  Value low = floor(x);
  Value rest = s.sub(x, low), high = s.add(low, s.number(1));
  if (mode.rounding == "floor")
    return toInteger(low);
  if (mode.rounding == "ceil")
    return toInteger(s.select(s.less(s.number(0), rest), high, low));
  Value isLow = mode.rounding == "round_prefer_floor"
                    ? s.lessOrEqual(rest, half())
                    : s.less(rest, half());
  return toInteger(s.select(isLow, low, high));
}

Value Positions::weigh(Value distance) {
  Value t = s.abs(distance), one = s.number(1), zero = s.number(0);
  if (mode.kernel == ResizeMode::Kernel::Linear)
    return s.max(s.sub(one, t), zero);
  const double a = mode.cubicA;
  Value square = s.mul(t, t);
  // ((a + 2) t - (a + 3)) t^2 + 1, then a (((t - 5) t + 8) t - 4)
  Value near = s.add(
      s.mul(s.sub(s.mul(s.number(a + 2), t), s.number(a + 3)), square), one);
  Value far = s.mul(s.sub(t, s.number(5)), t);
  far = s.sub(s.mul(s.add(far, s.number(8)), t), s.number(4));
  far = s.mul(s.number(a), far);
  Value y = s.select(s.less(t, s.number(2)), far, zero);
  return s.select(s.lessOrEqual(t, one), near, y);
}

Value bit::onnx::createNearestTable(OpBuilder &builder, Location loc,
                                    const ResizeAxis &axis,
                                    const ResizeMode &mode) {
  return createPointwise(
      builder, loc, ArrayRef<LoopOperand>{}, axis.output, builder.getI64Type(),
      [&](OpBuilder &b, Location loc, ValueRange) {
        Positions at(b, loc, axis, mode);
        Value x = at.original(linalg::IndexOp::create(b, loc, 0));
        Value index = at.clampIndex(at.nearest(x));
        if (!mode.isCrop())
          return index;
        return at.s.select(at.isInside(x), index, at.integer(-1));
      });
}

Value bit::onnx::createInsideTable(OpBuilder &builder, Location loc,
                                   const ResizeAxis &axis,
                                   const ResizeMode &mode) {
  return createPointwise(
      builder, loc, ArrayRef<LoopOperand>{}, axis.output, builder.getI8Type(),
      [&](OpBuilder &b, Location loc, ValueRange) {
        Positions at(b, loc, axis, mode);
        Value x = at.original(linalg::IndexOp::create(b, loc, 0));
        return arith::ExtUIOp::create(b, loc, b.getI8Type(), at.isInside(x))
            .getResult();
      });
}

namespace {
/// The taps of one axis: (2 - 2 * first) from `first` on, relative to the
/// position rounded down.
struct Taps {
  Value shrink, first;
  OpFoldResult count;
};
} // namespace

/// Smoothed, the kernel is as wide as the outputs lie apart.
static Taps getTaps(OpBuilder &builder, Location loc, const ResizeAxis &axis,
                    const ResizeMode &mode) {
  Positions at(builder, loc, axis, mode);
  ScalarBuilder &s = at.s;
  int64_t radius = mode.kernel == ResizeMode::Kernel::Linear ? 1 : 2;
  if (!mode.antialias)
    return {s.number(1), at.integer(1 - radius),
            builder.getIndexAttr(2 * radius)};
  Value shrink = s.min(axis.scale, s.number(1));
  // No more taps than what a whole input needs on both sides.
  Value reach = s.min(s.div(s.number(static_cast<double>(radius)), shrink),
                      s.number(1 << 24));
  Value first = s.add(at.floor(s.sub(s.number(0), reach)), s.number(1));
  Value start = at.toInteger(first);
  Value count = s.make<arith::SubIOp>(
      at.integer(2), s.make<arith::MulIOp>(start, at.integer(2)));
  return {shrink, start, elementToDim(builder, loc, count)};
}

std::pair<Value, Value> bit::onnx::createTapTables(OpBuilder &builder,
                                                   Location loc,
                                                   const ResizeAxis &axis,
                                                   const ResizeMode &mode) {
  Taps taps = getTaps(builder, loc, axis, mode);
  Dims sizes{axis.output, taps.count};
  auto original = [&](Positions &at, OpBuilder &b, Location loc) {
    Value x = at.original(linalg::IndexOp::create(b, loc, 0));
    // Before the first and behind the last element a line stays level.
    if (mode.kernel == ResizeMode::Kernel::Linear && !mode.antialias)
      x = at.s.min(at.s.max(x, at.s.number(0)), at.last());
    return x;
  };
  auto unclamped = [&](Positions &at, OpBuilder &b, Location loc, Value low) {
    Value tap = at.s.make<arith::IndexCastOp>(
        b.getI64Type(), linalg::IndexOp::create(b, loc, 1));
    tap = at.s.make<arith::AddIOp>(tap, taps.first);
    return std::pair(tap, at.s.make<arith::AddIOp>(at.toInteger(low), tap));
  };
  Value positions = createPointwise(
      builder, loc, ArrayRef<LoopOperand>{}, sizes, builder.getI64Type(),
      [&](OpBuilder &b, Location loc, ValueRange) {
        Positions at(b, loc, axis, mode);
        Value low = at.floor(original(at, b, loc));
        return at.clampIndex(unclamped(at, b, loc, low).second);
      });
  Type f32 = builder.getF32Type();
  Value weights = createPointwise(
      builder, loc, ArrayRef<LoopOperand>{}, sizes, f32,
      [&](OpBuilder &b, Location loc, ValueRange) {
        Positions at(b, loc, axis, mode);
        ScalarBuilder &s = at.s;
        Value x = original(at, b, loc), low = at.floor(x);
        auto [tap, index] = unclamped(at, b, loc, low);
        Value distance =
            s.sub(castScalar(b, loc, tap, tap.getType(), f32), s.sub(x, low));
        Value weight = at.weigh(s.mul(distance, taps.shrink));
        if (!mode.excludeOutside)
          return weight;
        Value isInside = s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, index,
                                               at.clampIndex(index));
        return s.select(isInside, weight, s.number(0));
      });
  if (!mode.excludeOutside && !mode.antialias)
    return {positions, weights};
  Value sums = reduceWith(builder, loc, weights, f32, {1}, sumReduction);
  weights = createPointwise(
      builder, loc, {weights, sums}, f32,
      [&](OpBuilder &b, Location loc, ValueRange in) {
        return arith::DivFOp::create(b, loc, in[0], in[1]).getResult();
      },
      {1});
  return {positions, weights};
}
