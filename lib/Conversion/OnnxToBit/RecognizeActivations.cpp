// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MatchQuantizer.h"
#include "Product.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_RECOGNIZEACTIVATIONS
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// Whether a reshape leaves the last dimension, and so all rows, as they are.
bool keepsRows(onnx::ReshapeOp reshape) {
  ArrayRef<int64_t> from =
      cast<ShapedType>(reshape.getData().getType()).getShape();
  ArrayRef<int64_t> to = cast<ShapedType>(reshape.getType()).getShape();
  return !from.empty() && !to.empty() && from.back() == to.back() &&
         !ShapedType::isDynamic(from.back());
}

/// bit.linear(dequantize(quantize(x))) is bit.linear(x) with the quantizer.
struct AbsorbQuantizer : OpRewritePattern<LinearOp> {
  AbsorbQuantizer(MLIRContext *context, RecognitionCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getQuantizer())
      return rewriter.notifyMatchFailure(op, "has a quantizer");
    // Rows and tensors stay what they are where only their number changes.
    Value dequantized = skipFloatCasts(op.getX());
    auto reshape = getDefining<onnx::ReshapeOp>(dequantized);
    if (reshape && !keepsRows(reshape))
      return rewriter.notifyMatchFailure(op, "reshaping changes the rows");
    if (reshape)
      dequantized = skipFloatCasts(reshape.getData());
    std::optional<QuantizerMatch> match = matchQuantizer(dequantized);
    if (!match)
      return rewriter.notifyMatchFailure(op, "its activations stay float");
    if (reshape &&
        match->quantizer.getGranularity() == ActivationGranularity::Sample)
      return rewriter.notifyMatchFailure(op, "reshaping changes the samples");
    Value x = match->input;
    auto type = cast<RankedTensorType>(x.getType());
    if (type.getShape() !=
        cast<RankedTensorType>(dequantized.getType()).getShape())
      return rewriter.notifyMatchFailure(op, "quantizing changes the shape");
    if (reshape)
      x = onnx::ReshapeOp::create(rewriter, reshape.getLoc(),
                                  cast<RankedTensorType>(reshape.getType())
                                      .clone(type.getElementType()),
                                  x, reshape.getShape(),
                                  reshape.getAllowzero());
    x = makeCast(rewriter, op.getLoc(), op.getX().getType().getElementType(),
                 x);
    rewriter.modifyOpInPlace(op, [&] {
      op->removeAttr(activationsDeclinedName);
      op.getXMutable().assign(x);
      op.setQuantizerAttr(match->quantizer);
    });
    ++counts.recognized;
    return success();
  }

  RecognitionCounts &counts;
};

/// TorchScript keeps x.float() of a float, on either side of a quantizer: two
/// values that are one.
struct DropCastToOwnType : OpRewritePattern<onnx::CastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::CastOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getInput().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "changes the type");
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
};

struct RecognizeActivations
    : impl::RecognizeActivationsBase<RecognizeActivations> {
  void runOnOperation() override {
    RecognitionCounts counts;
    RewritePatternSet patterns(&getContext());
    populateRecognizeActivationsPatterns(patterns, counts);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    numRecognized += counts.recognized;
    getOperation()->walk([&](LinearOp op) {
      if (op.getQuantizer())
        return;
      ++numDeclined;
      op->setAttr(
          activationsDeclinedName,
          StringAttr::get(op.getContext(), explainActivations(op.getX())));
    });
  }
};

} // namespace

void populateRecognizeActivationsPatterns(RewritePatternSet &patterns,
                                          RecognitionCounts &counts) {
  patterns.add<AbsorbQuantizer>(patterns.getContext(), counts);
  patterns.add<DropCastToOwnType>(patterns.getContext());
}

} // namespace bit
