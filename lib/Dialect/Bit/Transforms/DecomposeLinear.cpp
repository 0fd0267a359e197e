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

/// Whether rows share scales in a way that only their shape says.
bool isPerSample(LinearOp op) {
  QuantizerAttr quantizer = op.getQuantizerAttr();
  return quantizer &&
         quantizer.getGranularity() == ActivationGranularity::Sample;
}

/// `value`, of the leading dimensions of x or of all, with rows in one.
Value collapseRows(OpBuilder &builder, Location loc, Value value,
                   bool hasLast) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  if (rank == 1 + hasLast)
    return value;
  SmallVector<ReassociationIndices> groups = getLeadingDims(rank + !hasLast);
  if (!hasLast)
    groups.pop_back();
  return tensor::CollapseShapeOp::create(builder, loc, value, groups);
}

/// Brings bit.linear to f32 activations of rank 2.
struct LinearToMatrix : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    if (isOnF32Matrix(op))
      return failure();
    bool isF32Already = op.getType().getElementType().isF32();
    if (isF32Already && isPerSample(op))
      return rewriter.notifyMatchFailure(op, "rows of a sample share a scale");
    Location loc = op.getLoc();
    RankedTensorType type = op.getType();
    bool isF32 = type.getElementType().isF32();

    Value x = op.getX();
    if (!isF32)
      x = arith::ExtFOp::create(
          rewriter, loc, op.getX().getType().clone(rewriter.getF32Type()), x);
    Value matrix = isPerSample(op) ? x : toMatrix(rewriter, loc, x);
    auto matrixType = cast<RankedTensorType>(matrix.getType());
    SmallVector<int64_t> dims(matrixType.getShape());
    dims.back() = op.getN();
    auto linear = LinearOp::create(
        rewriter, loc, matrixType.clone(dims), matrix, op.getCodes(),
        op.getScale(), op.getBias(), op.getWeights(), op.getQuantizerAttr());
    linear->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    Value y = linear.getY();
    if (!isPerSample(op))
      y = fromMatrix(rewriter, loc, y, type, x);
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

/// Whether rows that share a scale may differ in whether it is NaN: those too
/// small for it, of which some have zeros.
bool hasOverflowOfRows(LinearOp op) {
  QuantizerAttr quantizer = op.getQuantizerAttr();
  return quantizer.getGranularity() == ActivationGranularity::Tensor &&
         quantizer.clampsOverflow() && op.getX().getType().getDimSize(0) != 1;
}

/// The matrix `x` as the only sample.
Value toSample(OpBuilder &builder, Location loc, Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<OpFoldResult> shape = tensor::getMixedSizes(builder, loc, x);
  shape.insert(shape.begin(), builder.getIndexAttr(1));
  SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
  return tensor::ExpandShapeOp::create(
      builder, loc, type.clone({1, type.getDimSize(0), type.getDimSize(1)}), x,
      groups, shape);
}

/// Splits bit.linear with a quantizer into its steps.
struct LinearToSteps : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    QuantizerAttr quantizer = op.getQuantizerAttr();
    bool isSample = isPerSample(op);
    if (!quantizer || !(isSample ? op.getX().getType().getElementType().isF32()
                                 : isOnF32Matrix(op)))
      return failure();
    Location loc = op.getLoc();
    Value x = op.getX();
    if (hasOverflowOfRows(op)) {
      x = toSample(rewriter, loc, x);
      quantizer = quantizer.withGranularity(ActivationGranularity::Sample);
      isSample = true;
    }
    SmallVector<OpFoldResult> dims = tensor::getMixedSizes(rewriter, loc, x);
    dims.back() = rewriter.getIndexAttr(op.getK());
    ArrayRef<OpFoldResult> leading = ArrayRef(dims).drop_back();
    ArrayRef<OpFoldResult> scaleDims = leading;
    if (quantizer.getGranularity() == ActivationGranularity::Tensor)
      scaleDims = {};

    Value codes =
        tensor::EmptyOp::create(rewriter, loc, dims, rewriter.getI8Type());
    Value scale = tensor::EmptyOp::create(rewriter, loc, scaleDims,
                                          rewriter.getF32Type());
    Value sum =
        tensor::EmptyOp::create(rewriter, loc, leading, rewriter.getI32Type());
    auto quantize = AbsmaxQuantizeOp::create(rewriter, loc, x, codes, scale,
                                             sum, quantizer);
    codes = quantize.getCodes();
    scale = quantize.getScale();
    if (isSample) {
      codes = collapseRows(rewriter, loc, codes, /*hasLast=*/true);
      scale = collapseRows(rewriter, loc, scale, /*hasLast=*/false);
    }

    SmallVector<int64_t> accDims = {
        cast<RankedTensorType>(codes.getType()).getDimSize(0), op.getN()};
    auto matrixType =
        RankedTensorType::get(accDims, op.getType().getElementType());
    IntegerAttr groups;
    if (op.getScale().getType().getRank() == 2) {
      groups = rewriter.getI64IntegerAttr(op.getGroups());
      accDims.push_back(op.getGroups());
    }
    auto acc = TernaryMatmulOp::create(
        rewriter, loc, RankedTensorType::get(accDims, rewriter.getI32Type()),
        codes, op.getCodes(), op.getWeightsAttr(), quantizer.getRange(),
        groups);
    auto rescale = RescaleOp::create(rewriter, loc, matrixType, acc, scale,
                                     op.getScale(), op.getBias());
    rescale->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    Value y = fromMatrix(rewriter, loc, rescale, op.getType(), x);
    if (y.getType() != op.getType())
      y = tensor::CastOp::create(rewriter, loc, op.getType(), y);
    rewriter.replaceOp(op, y);
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
