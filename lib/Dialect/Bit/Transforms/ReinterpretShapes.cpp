// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace bit {
#define GEN_PASS_DEF_REINTERPRETSHAPES
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

struct ReinterpretExpandShape : OpRewritePattern<memref::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(memref::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override {
    MemRefType type = op.getResultType();
    if (!op.getSrcType().getLayout().isIdentity() ||
        !type.getLayout().isIdentity())
      return rewriter.notifyMatchFailure(op, "its elements have gaps");
    SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
    SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
    Location loc = op.getLoc();
    for (size_t d = sizes.size(); d-- > 1;) {
      auto stride = getConstantIntValue(strides[d]);
      auto size = getConstantIntValue(sizes[d]);
      if (stride && size) {
        strides[d - 1] = rewriter.getIndexAttr(*stride * *size);
        continue;
      }
      strides[d - 1] =
          arith::MulIOp::create(
              rewriter, loc,
              getValueOrCreateConstantIndexOp(rewriter, loc, strides[d]),
              getValueOrCreateConstantIndexOp(rewriter, loc, sizes[d]))
              .getResult();
    }
    rewriter.replaceOpWithNewOp<memref::ReinterpretCastOp>(
        op, type, op.getSrc(), rewriter.getIndexAttr(0), sizes, strides);
    return success();
  }
};

struct ReinterpretShapes : bit::impl::ReinterpretShapesBase<ReinterpretShapes> {
  void runOnOperation() override {
    auto count = [&] {
      int64_t shapes = 0;
      getOperation()->walk([&](memref::ExpandShapeOp) { ++shapes; });
      return shapes;
    };
    int64_t before = count();
    RewritePatternSet patterns(&getContext());
    patterns.add<ReinterpretExpandShape>(&getContext());
    // Not its job, and slow where masks became many small blocks.
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    int64_t after = count();
    numReinterpreted += before - after;
    numDeclined += after;
  }
};

} // namespace
