// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Indexing.h"
#include "Pieces.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

namespace {
enum class PadMode { Constant, Reflect, Edge, Wrap };

/// What one dim gains in front and behind; negative where it loses.
struct Padding {
  OpFoldResult low, high;

  bool isNone() const {
    return getConstant(low) == 0 && getConstant(high) == 0;
  }
};
} // namespace

static std::optional<PadMode> getMode(StringRef name) {
  return llvm::StringSwitch<std::optional<PadMode>>(name)
      .Case("constant", PadMode::Constant)
      .Case("reflect", PadMode::Reflect)
      .Case("edge", PadMode::Edge)
      .Case("wrap", PadMode::Wrap)
      .Default(std::nullopt);
}

/// The padding of every dim.
static FailureOr<SmallVector<Padding>> getPadding(PadOp op,
                                                  PadOp::Adaptor operands,
                                                  OpBuilder &builder,
                                                  int64_t rank) {
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (operands.getAxes()) {
    auto constant = getConstantInts(operands.getAxes());
    if (!constant)
      return op.emitOpError("expects constant axes");
    axes.clear();
    for (int64_t given : *constant) {
      std::optional<int64_t> axis = normalizeAxis(op, given, rank);
      if (!axis)
        return failure();
      if (llvm::is_contained(axes, *axis))
        return op.emitOpError("expects different axes, got ")
               << given << " twice";
      axes.push_back(*axis);
    }
  }
  if (rankOf(operands.getPads()) != 1)
    return op.emitOpError("expects pads of rank 1, got rank ")
           << rankOf(operands.getPads());
  FailureOr<Value> pads =
      withLength(builder, op, operands.getPads(), 0, 2 * axes.size(),
                 "expects two pads for each axis");
  if (failed(pads))
    return failure();
  SmallVector<Value> elements = readElements(builder, op.getLoc(), *pads);
  SmallVector<Padding> padding(
      rank, Padding{builder.getIndexAttr(0), builder.getIndexAttr(0)});
  for (auto [i, axis] : llvm::enumerate(axes))
    padding[axis] = {
        elementToDim(builder, op.getLoc(), elements[i]),
        elementToDim(builder, op.getLoc(), elements[axes.size() + i])};
  return padding;
}

/// The sizes with the padding, checked not to be negative.
static FailureOr<Dims> getPaddedSizes(PadOp op, OpBuilder &builder,
                                      ArrayRef<OpFoldResult> sizes,
                                      ArrayRef<Padding> padding) {
  Location loc = op.getLoc();
  Dims padded;
  for (auto [axis, size] : llvm::enumerate(sizes)) {
    if (padding[axis].isNone()) {
      padded.push_back(size);
      continue;
    }
    OpFoldResult sum =
        addDims(builder, loc, addDims(builder, loc, size, padding[axis].low),
                padding[axis].high);
    if (getConstant(sum).value_or(0) < 0)
      return op.emitOpError("expects pads that leave 0 or more of axis ")
             << axis << ", got " << *getConstant(sum);
    if (!getConstant(sum))
      emitCheck(builder, loc,
                arith::CmpIOp::create(
                    builder, loc, arith::CmpIPredicate::sge,
                    toValue(builder, loc, sum),
                    arith::ConstantIndexOp::create(builder, loc, 0)),
                "expects pads that leave 0 or more of axis " + Twine(axis));
    padded.push_back(sum);
  }
  return padded;
}

/// Constant padding with sizes that are known not to be negative: a fill and a
/// copy of rows. Null where they are not known.
static Value insertPadded(OpBuilder &builder, Location loc, Value input,
                          ArrayRef<OpFoldResult> sizes,
                          ArrayRef<Padding> padding, Value value) {
  if (llvm::any_of(padding, [](const Padding &pad) {
        return getConstant(pad.low).value_or(-1) < 0 ||
               getConstant(pad.high).value_or(-1) < 0;
      }))
    return nullptr;
  Dims offsets;
  for (const Padding &pad : padding)
    offsets.push_back(pad.low);
  Value filled = createFilled(builder, loc, sizes, value);
  return putPiece(builder, loc, input, filled, offsets,
                  getDims(builder, loc, input));
}

/// Where in [0, size) a position outside reads its element.
static Value mapPosition(IndexBuilder index, Value position, Value size,
                         PadMode mode) {
  Value zero = index.constant(0), one = index.constant(1);
  Value last = index.sub(size, one);
  if (mode == PadMode::Edge)
    return index.min(index.max(position, zero), last);
  if (mode == PadMode::Wrap)
    return index.floorMod(position, index.max(size, one));
  // Back and forth; the ends are not repeated.
  Value period = index.max(index.mul(last, index.constant(2)), one);
  Value phase = index.floorMod(position, period);
  return index.select(index.less(phase, size), phase, index.sub(period, phase));
}

/// Reads every element by its position.
static Value readPadded(OpBuilder &builder, Location loc, Value input,
                        ArrayRef<OpFoldResult> sizes, ArrayRef<Padding> padding,
                        PadMode mode, Value value) {
  Dims dims = getDims(builder, loc, input);
  return createPointwise(
      builder, loc, ArrayRef<LoopOperand>{}, sizes, elementType(input),
      [&](OpBuilder &b, Location loc, ValueRange) -> Value {
        IndexBuilder index{b, loc};
        SmallVector<Value> where;
        Value inside = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
        for (auto [axis, pad] : llvm::enumerate(padding)) {
          Value position = linalg::IndexOp::create(b, loc, axis);
          if (!pad.isNone()) {
            Value size = toValue(b, loc, dims[axis]);
            position = index.sub(position, toValue(b, loc, pad.low));
            if (mode == PadMode::Constant)
              inside = b.createOrFold<arith::AndIOp>(
                  loc, inside, index.inside(position, size));
            else
              position = mapPosition(index, position, size, mode);
          }
          where.push_back(position);
        }
        if (mode != PadMode::Constant)
          return tensor::ExtractOp::create(b, loc, input, where);
        auto choice = scf::IfOp::create(
            b, loc, inside,
            [&](OpBuilder &then, Location loc) {
              Value element =
                  tensor::ExtractOp::create(then, loc, input, where);
              scf::YieldOp::create(then, loc, element);
            },
            [&](OpBuilder &other, Location loc) {
              scf::YieldOp::create(other, loc, value);
            });
        return choice.getResult(0);
      });
}

/// Other modes than constant take elements from the input, so it must have
/// some.
static LogicalResult checkNotEmpty(PadOp op, OpBuilder &builder,
                                   ArrayRef<OpFoldResult> dims,
                                   ArrayRef<Padding> padding) {
  for (auto [dim, pad] : llvm::zip(dims, padding))
    if (!pad.isNone() &&
        failed(expectAtMost(builder, op, builder.getIndexAttr(1), dim,
                            "expects no empty axis where its own elements "
                            "are the padding")))
      return failure();
  return success();
}

static LogicalResult pad(PadOp op, PadOp::Adaptor operands, Rewriter &rewriter,
                         SmallVectorImpl<Value> &results) {
  Location loc = op.getLoc();
  std::optional<PadMode> mode = getMode(op.getMode());
  if (!mode)
    return op.emitOpError("expects mode constant, reflect, edge or wrap, got ")
           << op.getMode();
  Value input = stripStaticCasts(operands.getData());
  auto padding = getPadding(op, operands, rewriter, rankOf(input));
  if (failed(padding))
    return failure();
  Dims dims = getDims(rewriter, loc, input);
  FailureOr<Dims> sizes = getPaddedSizes(op, rewriter, dims, *padding);
  if (failed(sizes))
    return failure();
  if (llvm::all_of(*padding, [](const Padding &pad) { return pad.isNone(); })) {
    results.push_back(input);
    return success();
  }
  Value value = arith::ConstantOp::create(
      rewriter, loc, rewriter.getZeroAttr(elementType(input)));
  if (*mode != PadMode::Constant) {
    if (failed(checkNotEmpty(op, rewriter, dims, *padding)))
      return failure();
  } else {
    if (operands.getConstantValue()) {
      FailureOr<Value> given = readScalar(
          rewriter, op, operands.getConstantValue(), "constant_value");
      if (failed(given))
        return failure();
      value = *given;
    }
    if (Value inserted =
            insertPadded(rewriter, loc, input, *sizes, *padding, value)) {
      results.push_back(inserted);
      return success();
    }
  }
  results.push_back(
      readPadded(rewriter, loc, input, *sizes, *padding, *mode, value));
  return success();
}

void bit::onnx::addPadPatterns(PatternList &list) { list.add<PadOp>(pad); }
