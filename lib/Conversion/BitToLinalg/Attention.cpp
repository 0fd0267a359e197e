// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// bit.attention with all of its scores in memory: what no kernel computes.

#include "Generic.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace bit {
namespace {

// The loops: batch, key head, query head of that, query, key. The size that is
// reduced or kept (D or E) comes in between or last.
constexpr unsigned batch = 0, head = 1, group = 2, query = 3;

/// Lowers one op.
class Lowering {
public:
  Lowering(AttentionOp op, PatternRewriter &rewriter)
      : op(op), b(op.getLoc(), rewriter),
        type(cast<FloatType>(op.getQ().getType().getElementType())) {}

  Value emit();

private:
  OpFoldResult size(Value tensor, int64_t dim) {
    return tensor::getMixedSize(b, b.getLoc(), tensor, dim);
  }
  Value number(double value) {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  }
  Value lowest() { return number(-std::numeric_limits<double>::infinity()); }
  Value splitHeads(Value tensor);
  Value fill(ArrayRef<OpFoldResult> sizes, double value);
  SmallVector<Operand> getBounds();
  Value emitIsKey(ImplicitLocOpBuilder &b, ValueRange bounds, unsigned loop);
  Value emitScores();
  Value emitMask(Value scores);
  Value emitVisible();
  Value emitGreatest(Value scores);

  AttentionOp op;
  ImplicitLocOpBuilder b;
  FloatType type;
  SmallVector<OpFoldResult> rows; ///< sizes of the first four loops
  OpFoldResult keys;
  Value low, high; ///< range, null without
  Value mask;      ///< with heads split
};

} // namespace

/// B x H x ... as B x G x H/G x ...
Value Lowering::splitHeads(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, b.getLoc(), tensor);
  SmallVector<int64_t> shape(type.getShape());
  bool isUnit = shape[1] == 1;
  sizes[1] = isUnit ? b.getIndexAttr(1) : rows[group];
  sizes.insert(sizes.begin() + 1, isUnit ? b.getIndexAttr(1) : rows[head]);
  shape.insert(shape.begin() + 1, 1);
  for (int64_t i : {1, 2})
    shape[i] = getConstantIntValue(sizes[i]).value_or(ShapedType::kDynamic);
  return tensor::ExpandShapeOp::create(
      b, type.clone(shape), tensor,
      ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3}, {4}}, sizes);
}

Value Lowering::fill(ArrayRef<OpFoldResult> sizes, double value) {
  return buildFill(b, b.getFloatAttr(type, value), buildEmpty(b, sizes, type));
}

/// The operands that say which keys a query has.
SmallVector<Operand> Lowering::getBounds() {
  if (!low)
    return {};
  return {{low, {batch, query}}, {high, {batch, query}}};
}

/// Whether the key of `loop` is within `bounds`.
Value Lowering::emitIsKey(ImplicitLocOpBuilder &b, ValueRange bounds,
                          unsigned loop) {
  Value key = arith::IndexCastOp::create(b, b.getI64Type(),
                                         linalg::IndexOp::create(b, loop));
  Value after =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge, key, bounds[0]);
  Value before =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, key, bounds[1]);
  return arith::AndIOp::create(b, after, before);
}

/// Products of queries and keys, one chain a score.
Value Lowering::emitScores() {
  SmallVector<OpFoldResult> sizes(rows);
  sizes.push_back(keys);
  constexpr unsigned d = 4, key = 5;
  return buildGeneric(
      b, 6,
      {{splitHeads(op.getQ()), {batch, head, group, query, d}},
       {op.getK(), {batch, head, key, d}}},
      {{fill(sizes, 0), {batch, head, group, query, key}}},
      [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        return {math::FmaOp::create(b, v[0], v[1], v[2])};
      },
      {d})[0];
}

/// Scale, softcap, mask and range.
Value Lowering::emitMask(Value scores) {
  constexpr unsigned key = 4;
  SmallVector<Operand> inputs = getBounds();
  unsigned bounds = inputs.size();
  if (mask) {
    Operand operand{mask, {}};
    auto shape = cast<RankedTensorType>(mask.getType()).getShape();
    for (unsigned i : {batch, head, group, query})
      operand.loops.push_back(shape[i] == 1 ? unitLoop : i);
    operand.loops.push_back(key);
    inputs.push_back(operand);
  }
  return buildGeneric(
      b, 5, inputs, {{scores, loopRange(5)}},
      [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        Value score = arith::MulFOp::create(
            b, v.back(), number(op.getScale().convertToDouble()));
        if (op.getSoftcap()) {
          Value cap = number(op.getSoftcap()->convertToDouble());
          score = math::TanhOp::create(b, arith::DivFOp::create(b, score, cap));
          score = arith::MulFOp::create(b, score, cap);
        }
        if (mask) {
          Value hidden = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                               v[bounds], lowest());
          score = arith::AddFOp::create(b, score, v[bounds]);
          score = arith::SelectOp::create(b, hidden, lowest(), score);
        }
        if (bounds)
          score =
              arith::SelectOp::create(b, emitIsKey(b, v, key), score, lowest());
        return {score};
      })[0];
}

/// The greatest mask of each row's keys: -inf where it has none.
Value Lowering::emitVisible() {
  constexpr unsigned key = 4;
  SmallVector<Operand> inputs = getBounds();
  unsigned bounds = inputs.size();
  bool reads = mask && !op.getKeepNan();
  SmallVector<OpFoldResult> sizes(rows);
  if (reads) {
    Operand operand{mask, {}};
    auto shape = cast<RankedTensorType>(mask.getType()).getShape();
    for (unsigned i : {batch, head, group, query})
      operand.loops.push_back(shape[i] == 1 ? unitLoop : i);
    operand.loops.push_back(key);
    inputs.push_back(operand);
  } else {
    // Nothing else has the keys' loop.
    inputs.push_back({fill({keys}, 0), {key}});
  }
  return buildGeneric(
      b, 5, inputs,
      {{fill(sizes, -std::numeric_limits<double>::infinity()), loopRange(4)}},
      [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        Value value = v[bounds];
        if (bounds)
          value =
              arith::SelectOp::create(b, emitIsKey(b, v, key), value, lowest());
        return {arith::MaximumFOp::create(b, value, v.back())};
      },
      {key})[0];
}

Value Lowering::emitGreatest(Value scores) {
  return buildGeneric(
      b, 5, {{scores, loopRange(5)}},
      {{fill(rows, -std::numeric_limits<double>::infinity()), loopRange(4)}},
      [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        return {arith::MaximumFOp::create(b, v[0], v[1])};
      },
      {4})[0];
}

Value Lowering::emit() {
  OpFoldResult heads = size(op.getQ(), 1);
  rows = {size(op.getQ(), 0), size(op.getK(), 1), heads, size(op.getQ(), 2)};
  std::optional<int64_t> all = getConstantIntValue(heads);
  std::optional<int64_t> shared = getConstantIntValue(rows[head]);
  if (all && shared)
    rows[group] = b.getIndexAttr(*all / *shared);
  else
    rows[group] =
        arith::DivUIOp::create(
            b, getValueOrCreateConstantIndexOp(b, b.getLoc(), heads),
            getValueOrCreateConstantIndexOp(b, b.getLoc(), rows[head]))
            .getResult();
  keys = size(op.getK(), 2);
  if (op.getMask())
    mask = splitHeads(op.getMask());
  if (Value range = op.getRange()) {
    auto type = cast<RankedTensorType>(range.getType());
    auto bound = [&](int64_t which) -> Value {
      SmallVector<OpFoldResult> offsets(2, b.getIndexAttr(0));
      offsets.push_back(b.getIndexAttr(which));
      SmallVector<OpFoldResult> sizes = {size(range, 0), size(range, 1),
                                         b.getIndexAttr(1)};
      SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
      return tensor::ExtractSliceOp::create(
          b, type.clone(type.getShape().drop_back()), range, offsets, sizes,
          strides);
    };
    low = bound(0);
    high = bound(1);
  }
  Value scores = emitMask(emitScores());
  Value greatest = emitGreatest(scores);
  Value powers = buildGeneric(
      b, 5, {{greatest, loopRange(4)}}, {{scores, loopRange(5)}},
      [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        return {math::ExpOp::create(b, arith::SubFOp::create(b, v[1], v[0]))};
      })[0];
  Value sums = buildGeneric(
      b, 5, {{powers, loopRange(5)}}, {{fill(rows, 0), loopRange(4)}},
      [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        return {arith::AddFOp::create(b, v[0], v[1])};
      },
      {4})[0];
  SmallVector<OpFoldResult> sizes(rows);
  sizes.push_back(size(op.getV(), 3));
  constexpr unsigned key = 4, e = 5;
  SmallVector<Operand> inputs = getBounds();
  unsigned bounds = inputs.size();
  inputs.push_back({powers, {batch, head, group, query, key}});
  inputs.push_back({op.getV(), {batch, head, key, e}});
  Value mixed = buildGeneric(
      b, 6, inputs, {{fill(sizes, 0), {batch, head, group, query, e}}},
      [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        Value sum = math::FmaOp::create(b, v[bounds], v[bounds + 1], v.back());
        // A value outside the range may be infinite.
        if (bounds)
          sum = arith::SelectOp::create(b, emitIsKey(b, v, key), sum, v.back());
        return {sum};
      },
      {key})[0];
  Value y = buildGeneric(
      b, 5, {{sums, loopRange(4)}, {emitVisible(), loopRange(4)}},
      {{mixed, loopRange(5)}},
      [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
        Value none;
        if (op.getZeroNan())
          none = arith::CmpFOp::create(b, arith::CmpFPredicate::UEQ, v[0],
                                       number(0));
        else
          none = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, v[1],
                                       lowest());
        Value quotient = arith::DivFOp::create(b, v[2], v[0]);
        return {arith::SelectOp::create(b, none, number(0), quotient)};
      })[0];
  y = tensor::CollapseShapeOp::create(
      b, y, ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3}, {4}});
  Type result = op.getInit().getType();
  if (y.getType() != result)
    y = tensor::CastOp::create(b, result, y);
  return y;
}

namespace {

struct AttentionToLinalg : OpRewritePattern<AttentionOp> {
  AttentionToLinalg(MLIRContext *context, bool lowerAll)
      : OpRewritePattern(context), lowerAll(lowerAll) {}

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "is on buffers");
    if (!lowerAll && op.hasKernel())
      return rewriter.notifyMatchFailure(op, "is left to the kernel");
    rewriter.replaceOp(op, Lowering(op, rewriter).emit());
    return success();
  }

  bool lowerAll;
};

} // namespace

void populateAttentionPatterns(RewritePatternSet &patterns, bool lowerAll) {
  patterns.add<AttentionToLinalg>(patterns.getContext(), lowerAll);
}

} // namespace bit
