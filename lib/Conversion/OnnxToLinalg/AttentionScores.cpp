// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention's optional output: the scores at one of four points on their way to
// probabilities.

#include "Attention.h"
#include "OnnxPattern.h"
#include "Reduce.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace bit::onnx;

/// The keys as B x H x D x T, each repeated for the query heads that share it.
static Value repeatKeys(OpBuilder &builder, Location loc, Value k,
                        ArrayRef<OpFoldResult> q) {
  Dims sizes = getDims(builder, loc, k);
  Value heads = toValue(builder, loc, q[1]);
  Value shared = toValue(builder, loc, sizes[1]);
  Value group = builder.createOrFold<arith::DivUIOp>(loc, heads, shared);
  return createPointwise(
      builder, loc, ArrayRef<LoopOperand>(), {q[0], q[1], q[3], sizes[2]},
      elementType(k), [&](OpBuilder &b, Location loc, ValueRange) -> Value {
        auto index = [&](int64_t loop) -> Value {
          return linalg::IndexOp::create(b, loc, loop);
        };
        Value head = arith::DivUIOp::create(b, loc, index(1), group);
        return tensor::ExtractOp::create(
            b, loc, k, ValueRange{index(0), head, index(3), index(2)});
      });
}

/// Scale, softcap, mask and range, as far as `mode` goes.
static Value adjustScores(OpBuilder &builder, Location loc, Value products,
                          const AttentionParts &parts, ScoresMode mode) {
  Dims sizes = getDims(builder, loc, products);
  Type type = elementType(products);
  MLIRContext *context = builder.getContext();
  SmallVector<LoopOperand> operands = {
      {products, builder.getMultiDimIdentityMap(4), {}}};
  const bool isMasked = mode >= ScoresMode::Masked;
  if (isMasked && parts.mask) {
    Dims given = getDims(builder, loc, parts.mask);
    SmallVector<AffineExpr> exprs;
    for (int64_t dim = 0; dim < 4; ++dim)
      exprs.push_back(getConstant(given[dim]) == 1
                          ? builder.getAffineConstantExpr(0)
                          : builder.getAffineDimExpr(dim));
    operands.push_back({parts.mask, AffineMap::get(4, 0, exprs, context), {}});
  }
  if (isMasked && parts.range)
    for (int64_t which : {0, 1})
      operands.push_back({parts.range,
                          AffineMap::get(4, 0,
                                         {builder.getAffineDimExpr(0),
                                          builder.getAffineDimExpr(2),
                                          builder.getAffineConstantExpr(which)},
                                         context),
                          {}});
  return createPointwise(
      builder, loc, operands, sizes, type,
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        ScalarBuilder s(b, loc, type);
        Value score = s.mul(x[0], s.number(parts.scale));
        if (mode >= ScoresMode::Capped && parts.softcap != 0) {
          Value cap = s.number(parts.softcap);
          score = s.mul(s.make<math::TanhOp>(s.div(score, cap)), cap);
        }
        if (isMasked && parts.mask)
          score = s.select(s.equal(x[1], s.lowest()), s.lowest(),
                           s.add(score, x[1]));
        if (isMasked && parts.range) {
          Value key = arith::IndexCastOp::create(
              b, loc, b.getI64Type(), linalg::IndexOp::create(b, loc, 3));
          for (auto [bound, predicate] :
               {std::pair(x[x.size() - 2], arith::CmpIPredicate::sge),
                std::pair(x[x.size() - 1], arith::CmpIPredicate::slt)})
            score =
                s.select(arith::CmpIOp::create(b, loc, predicate, key, bound),
                         score, s.lowest());
        }
        return score;
      });
}

FailureOr<Value> bit::onnx::emitAttentionScores(OpBuilder &builder,
                                                Operation *op,
                                                const AttentionParts &parts,
                                                ScoresMode mode) {
  Location loc = op->getLoc();
  Dims q = getDims(builder, loc, parts.q);
  FailureOr<Value> products =
      lowerMatMul(builder, op, parts.q, repeatKeys(builder, loc, parts.k, q),
                  elementType(parts.q));
  if (failed(products))
    return failure();
  Value scores = adjustScores(builder, loc, *products, parts, mode);
  if (mode != ScoresMode::Softmax)
    return scores;
  Type type = elementType(scores);
  Value greatest = reduceWith(builder, loc, scores, type, 3, maxReduction);
  // Rows without keys are zero.
  Value powers = createPointwise(
      builder, loc, {scores, greatest}, type,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder s(b, loc, type);
        return s.select(s.equal(x[1], s.lowest()), s.number(0),
                        s.make<math::ExpOp>(s.sub(x[0], x[1])));
      },
      3);
  Value sum = reduceWith(builder, loc, powers, type, 3, sumReduction);
  return createPointwise(
      builder, loc, {powers, sum}, type,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarBuilder s(b, loc, type);
        return s.select(s.equal(x[1], s.number(0)), s.number(0),
                        s.div(x[0], x[1]));
      },
      3);
}
