// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Generic.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace bit {
namespace {

struct DequantizeToLinalg : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RankedTensorType scale = op.getScale().getType();
    unsigned rank = op.getCodes().getType().getRank();
    unsigned axis = op.getAxis(), scaleRank = scale.getRank();

    // A last dimension of the scale that is not the codes' is one of groups:
    // the codes then have one dimension more.
    Value codes = op.getCodes(), source = op.getScale();
    bool isSingle =
        scaleRank <= 1 && scale.hasStaticShape() && scale.getNumElements() == 1;
    bool isGrouped =
        !isSingle && axis + scaleRank == rank &&
        scale.getShape().back() != op.getCodes().getType().getShape().back();
    if (isGrouped)
      codes = splitLastDim(b, codes, scale.getShape().back());
    if (isSingle && scaleRank == 1)
      source = tensor::CollapseShapeOp::create(
          b, source, ArrayRef<ReassociationIndices>());
    SmallVector<unsigned> scaleLoops;
    if (!isSingle)
      for (unsigned i = 0; i < scaleRank; ++i)
        scaleLoops.push_back(axis + i);

    unsigned loops = rank + isGrouped;
    Value y = buildEmpty(b, tensor::getMixedSizes(b, b.getLoc(), codes),
                         b.getF32Type());
    y = buildGeneric(
        b, loops, {{codes, loopRange(loops)}, {source, scaleLoops}},
        {{y, loopRange(loops)}},
        [](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
          Value code = arith::SIToFPOp::create(b, b.getF32Type(), v[0]);
          return {arith::MulFOp::create(b, code, v[1])};
        })[0];
    if (isGrouped) {
      SmallVector<ReassociationIndices> groups;
      for (int64_t i = 0; i + 1 < rank; ++i)
        groups.push_back({i});
      groups.push_back({rank - 1, rank});
      y = tensor::CollapseShapeOp::create(b, y, groups);
    }
    if (y.getType() != op.getType())
      y = tensor::CastOp::create(b, op.getType(), y);
    rewriter.replaceOp(op, y);
    return success();
  }
};

} // namespace

void populateDequantizePatterns(RewritePatternSet &patterns) {
  patterns.add<DequantizeToLinalg>(patterns.getContext());
}

} // namespace bit
