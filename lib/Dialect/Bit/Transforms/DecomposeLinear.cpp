// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_DECOMPOSELINEAR
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"

namespace {

/// Whether `op` has the form of kernels.
bool isOnF32Matrix(LinearOp op) {
  RankedTensorType type = op.getX().getType();
  return type.getRank() == 2 && type.getElementType().isF32();
}

/// All dimensions but the last in one group.
SmallVector<ReassociationIndices> getLeadingDims(int64_t rank) {
  SmallVector<ReassociationIndices> groups(2);
  groups[0] = llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  groups[1] = {rank - 1};
  return groups;
}

/// `x` as a matrix: its leading dimensions collapsed, one row for a vector.
Value toMatrix(OpBuilder &builder, Location loc, Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  if (type.getRank() == 2)
    return x;
  if (type.getRank() > 2)
    return tensor::CollapseShapeOp::create(builder, loc, x,
                                           getLeadingDims(type.getRank()));
  auto matrix =
      RankedTensorType::get({1, type.getDimSize(0)}, type.getElementType());
  SmallVector<OpFoldResult> shape = {builder.getIndexAttr(1),
                                     tensor::getMixedSize(builder, loc, x, 0)};
  return tensor::ExpandShapeOp::create(builder, loc, matrix, x,
                                       ReassociationIndices{0, 1}, shape);
}

/// The matrix `y` in the shape of `type`, whose leading dimensions are those of
/// `x`.
Value fromMatrix(OpBuilder &builder, Location loc, Value y,
                 RankedTensorType type, Value x) {
  if (type.getRank() == 2)
    return y;
  if (type.getRank() == 1)
    return tensor::CollapseShapeOp::create(builder, loc, y,
                                           ReassociationIndices{0, 1});
  SmallVector<OpFoldResult> shape = tensor::getMixedSizes(builder, loc, x);
  shape.back() = builder.getIndexAttr(type.getShape().back());
  SmallVector<int64_t> dims =
      llvm::to_vector(cast<RankedTensorType>(x.getType()).getShape());
  dims.back() = type.getShape().back();
  return tensor::ExpandShapeOp::create(builder, loc, type.clone(dims), y,
                                       getLeadingDims(type.getRank()), shape);
}

/// Brings bit.linear to f32 activations of rank 2.
struct LinearToMatrix : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    if (isOnF32Matrix(op))
      return failure();
    Location loc = op.getLoc();
    RankedTensorType type = op.getType();
    bool isF32 = type.getElementType().isF32();

    Value x = op.getX();
    if (!isF32)
      x = arith::ExtFOp::create(
          rewriter, loc, op.getX().getType().clone(rewriter.getF32Type()), x);
    Value matrix = toMatrix(rewriter, loc, x);
    auto matrixType = cast<RankedTensorType>(matrix.getType());
    auto linear = LinearOp::create(
        rewriter, loc, matrixType.clone({matrixType.getDimSize(0), op.getN()}),
        matrix, op.getCodes(), op.getScale(), op.getBias(), op.getWeights(),
        op.getQuantizerAttr());
    linear->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    Value y = fromMatrix(rewriter, loc, linear.getY(), type, x);
    if (!isF32)
      y = arith::TruncFOp::create(
          rewriter, loc,
          cast<RankedTensorType>(y.getType()).clone(type.getElementType()), y);
    if (y.getType() != type)
      y = tensor::CastOp::create(rewriter, loc, type, y);
    rewriter.replaceOp(op, y);
    return success();
  }
};

/// Splits bit.linear with a quantizer into its steps.
struct LinearToSteps : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    QuantizerAttr quantizer = op.getQuantizerAttr();
    if (!quantizer || !isOnF32Matrix(op))
      return failure();
    Location loc = op.getLoc();
    Value x = op.getX();
    OpFoldResult m = tensor::getMixedSize(rewriter, loc, x, 0);
    OpFoldResult k = rewriter.getIndexAttr(op.getK());
    SmallVector<OpFoldResult> scaleDims = {m};
    if (quantizer.getGranularity() == ActivationGranularity::Tensor)
      scaleDims.clear();

    Value codes =
        tensor::EmptyOp::create(rewriter, loc, {m, k}, rewriter.getI8Type());
    Value scale = tensor::EmptyOp::create(rewriter, loc, scaleDims,
                                          rewriter.getF32Type());
    Value sum =
        tensor::EmptyOp::create(rewriter, loc, {m}, rewriter.getI32Type());
    auto quantize = AbsmaxQuantizeOp::create(rewriter, loc, x, codes, scale,
                                             sum, quantizer);

    SmallVector<int64_t> accDims = {op.getX().getType().getDimSize(0),
                                    op.getN()};
    IntegerAttr groups;
    if (op.getScale().getType().getRank() == 2) {
      groups = rewriter.getI64IntegerAttr(op.getGroups());
      accDims.push_back(op.getGroups());
    }
    auto acc = TernaryMatmulOp::create(
        rewriter, loc, RankedTensorType::get(accDims, rewriter.getI32Type()),
        quantize.getCodes(), op.getCodes(), op.getWeightsAttr(),
        quantizer.getRange(), groups);
    auto rescale =
        RescaleOp::create(rewriter, loc, op.getType(), acc, quantize.getScale(),
                          op.getScale(), op.getBias());
    rescale->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.replaceOp(op, rescale);
    return success();
  }
};

struct DecomposeLinear : impl::DecomposeLinearBase<DecomposeLinear> {
  void runOnOperation() override {
    getOperation()->walk([&](LinearOp op) {
      ++(op.getQuantizer() ? numDecomposed : numDeclined);
    });
    RewritePatternSet patterns(&getContext());
    populateDecomposeLinearPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void populateDecomposeLinearPatterns(RewritePatternSet &patterns) {
  patterns.add<LinearToMatrix, LinearToSteps>(patterns.getContext());
}

} // namespace bit
