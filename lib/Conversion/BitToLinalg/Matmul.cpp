// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The product and what follows it. Loops are numbered m, k, n or m, g, n: the
// steps of a chain lie between the loops over outputs.

#include "Generic.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace bit {
namespace {

/// The scale of output n as a tensor over the loops that `scaleLoops` becomes:
/// {n}, {n, g}, or none for a scale of one element.
Operand getWeightScale(ImplicitLocOpBuilder &b, Value scale, unsigned n,
                       unsigned g) {
  auto type = cast<RankedTensorType>(scale.getType());
  if (type.getRank() == 2)
    return {scale, {n, g}};
  if (type.getDimSize(0) != 1)
    return {scale, {n}};
  Value scalar = tensor::CollapseShapeOp::create(
      b, scale, ArrayRef<ReassociationIndices>());
  return {scalar, {}};
}

/// The first value of a chain of fma: bias, or -0, to which fma adds a product
/// without changing it, as a multiplication would be.
Value buildChainStart(ImplicitLocOpBuilder &b, Value bias, Value y) {
  if (!bias)
    return buildFill(b, b.getF32FloatAttr(-0.0f), y);
  return buildGeneric(b, 2, {{bias, {1}}}, {{y, {0, 1}}},
                      [](ImplicitLocOpBuilder &, ValueRange v) {
                        return SmallVector<Value>{v[0]};
                      })[0];
}

struct TernaryMatmulToLinalg : OpRewritePattern<TernaryMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TernaryMatmulOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getCodes(), w = op.getW();
    SmallVector<OpFoldResult> sizes = {
        tensor::getMixedSize(b, b.getLoc(), x, 0), b.getIndexAttr(op.getN())};
    unsigned m = 0, g = 1, k = 1, n = 2, loops = 3;
    SmallVector<unsigned> xLoops = {m, k}, wLoops = {n, k}, accLoops = {m, n};
    if (std::optional<int64_t> groups = op.getGroups()) {
      k = 2, n = 3, loops = 4;
      x = splitLastDim(b, x, *groups);
      w = splitLastDim(b, w, *groups);
      sizes.push_back(b.getIndexAttr(*groups));
      xLoops = {m, g, k}, wLoops = {n, g, k}, accLoops = {m, n, g};
    }
    Value acc = buildFill(b, b.getI32IntegerAttr(0),
                          buildEmpty(b, sizes, b.getI32Type()));
    acc = buildGeneric(
        b, loops, {{x, xLoops}, {w, wLoops}}, {{acc, accLoops}},
        [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
          Value code = arith::ExtSIOp::create(b, b.getI32Type(), v[0]);
          Value weight = arith::ExtSIOp::create(b, b.getI32Type(), v[1]);
          Value product = arith::MulIOp::create(b, code, weight);
          return {arith::AddIOp::create(b, v[2], product)};
        },
        {k})[0];
    if (acc.getType() != op.getType())
      acc = tensor::CastOp::create(b, op.getType(), acc);
    rewriter.replaceOp(op, acc);
    return success();
  }
};

struct RescaleToLinalg : OpRewritePattern<RescaleOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RescaleOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    bool grouped = op.getAcc().getType().getRank() == 3;
    unsigned m = 0, g = 1, n = grouped ? 2 : 1, loops = grouped ? 3 : 2;
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(b, b.getLoc(), op.getAcc());
    Value y = buildEmpty(b, ArrayRef(sizes).take_front(2), b.getF32Type());
    y = buildChainStart(b, op.getBias(), y);

    Operand acc = {op.getAcc(), {m, n}}, xScale = {op.getXScale(), {}};
    if (grouped)
      acc.loops.push_back(g);
    if (op.getXScale().getType().getRank() == 1)
      xScale.loops = {m};
    y = buildGeneric(
        b, loops, {acc, xScale, getWeightScale(b, op.getWScale(), n, g)},
        {{y, {m, n}}},
        [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
          Value sum = arith::SIToFPOp::create(b, b.getF32Type(), v[0]);
          Value scale = arith::MulFOp::create(b, v[1], v[2]);
          return {math::FmaOp::create(b, sum, scale, v[3])};
        },
        grouped ? ArrayRef<unsigned>(g) : ArrayRef<unsigned>())[0];
    if (y.getType() != op.getType())
      y = tensor::CastOp::create(b, op.getType(), y);
    rewriter.replaceOp(op, y);
    return success();
  }
};

/// bit.linear with float activations.
struct FloatLinearToLinalg : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType type = op.getX().getType();
    if (op.getQuantizer() || type.getRank() != 2 ||
        !type.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "is not decomposed");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    int64_t groups = op.getGroups();
    OpFoldResult rows = tensor::getMixedSize(b, b.getLoc(), op.getX(), 0);
    OpFoldResult columns = b.getIndexAttr(op.getN());

    // acc[m, g, n]: n last, so that the accumulators of lanes are neighbours.
    unsigned m = 0, g = 1, k = 2, n = 3;
    Value acc =
        buildEmpty(b, {rows, b.getIndexAttr(groups), columns}, b.getF32Type());
    acc = buildFill(b, b.getF32FloatAttr(0.0f), acc);
    acc = buildGeneric(
        b, 4,
        {{splitLastDim(b, op.getX(), groups), {m, g, k}},
         {splitLastDim(b, op.getCodes(), groups), {n, g, k}}},
        {{acc, {m, g, n}}},
        [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
          Value weight = arith::SIToFPOp::create(b, b.getF32Type(), v[1]);
          return {math::FmaOp::create(b, v[0], weight, v[2])};
        },
        {k})[0];

    n = 2;
    Value y = buildEmpty(b, {rows, columns}, b.getF32Type());
    y = buildChainStart(b, op.getBias(), y);
    y = buildGeneric(
        b, 3, {{acc, {m, g, n}}, getWeightScale(b, op.getScale(), n, g)},
        {{y, {m, n}}},
        [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
          return {math::FmaOp::create(b, v[0], v[1], v[2])};
        },
        {g})[0];
    if (y.getType() != op.getType())
      y = tensor::CastOp::create(b, op.getType(), y);
    rewriter.replaceOp(op, y);
    return success();
  }
};

} // namespace

void populateMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<TernaryMatmulToLinalg, RescaleToLinalg, FloatLinearToLinalg>(
      patterns.getContext());
}

} // namespace bit
