// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MatchQuantizer.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_RECOGNIZEACTIVATIONS
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// bit.linear(dequantize(quantize(x))) is bit.linear(x) with the quantizer.
struct AbsorbQuantizer : OpRewritePattern<LinearOp> {
  AbsorbQuantizer(MLIRContext *context, RecognitionCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getQuantizer())
      return rewriter.notifyMatchFailure(op, "has a quantizer");
    std::optional<QuantizerMatch> match = matchQuantizer(op.getX());
    if (!match)
      return rewriter.notifyMatchFailure(op, "its activations stay float");
    if (match->input.getType() != op.getX().getType())
      return rewriter.notifyMatchFailure(op, "quantizing changes the type");
    rewriter.modifyOpInPlace(op, [&] {
      op.getXMutable().assign(match->input);
      op.setQuantizerAttr(match->quantizer);
    });
    ++counts.recognized;
    return success();
  }

  RecognitionCounts &counts;
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
    getOperation()->walk(
        [&](LinearOp op) { numDeclined += !op.getQuantizer(); });
  }
};

} // namespace

void populateRecognizeActivationsPatterns(RewritePatternSet &patterns,
                                          RecognitionCounts &counts) {
  patterns.add<AbsorbQuantizer>(patterns.getContext(), counts);
}

} // namespace bit
