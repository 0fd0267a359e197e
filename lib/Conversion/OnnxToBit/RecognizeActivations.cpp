// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MatchQuantizer.h"
#include "Product.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/IR/IRMapping.h"
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

/// A factor of 1 is left of a strength that training raised:
/// x + 1.0 * (q - x).
template <typename OpTy> struct DropFactorOfOne : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i : {0, 1}) {
      Value kept = op->getOperand(i);
      if ((i == 1 && std::is_same_v<OpTy, onnx::DivOp>) ||
          kept.getType() != op.getType() || isConstant(kept) ||
          onnx::evaluateScalar(op->getOperand(1 - i)) != 1.0)
        continue;
      rewriter.replaceOp(op, kept);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "has no factor of 1");
  }
};

/// Whether arithmetic with numbers leads from `value` up to a reduction.
bool isScaleOfReduction(Value value, unsigned depth = 8) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<onnx::ReduceMaxOp, onnx::ReduceMeanOp>(op))
    return true;
  Operation *next = depth > 0 ? op : nullptr;
  if (!isa_and_nonnull<onnx::MulOp, onnx::DivOp, onnx::AddOp, onnx::MaxOp,
                       onnx::ClipOp, onnx::ReciprocalOp>(next))
    return false;
  Value inner;
  for (Value operand : next->getOperands()) {
    if (onnx::evaluateScalar(operand))
      continue;
    if (inner || operand.getType() != value.getType())
      return false;
    inner = operand;
  }
  return inner && isScaleOfReduction(inner, depth - 1);
}

/// A scale whose last dimension comes back when all is computed, gets it back
/// right behind the reduction: Unsqueeze(127 / max(a)) is 127 /
/// max(Unsqueeze(a)).
struct RaiseUnsqueeze : OpRewritePattern<onnx::UnsqueezeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::UnsqueezeOp op,
                                PatternRewriter &rewriter) const override {
    Value data = op.getData();
    Operation *scale = data.getDefiningOp();
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!scale || !type || !onnx::getConstantIntegers(op.getAxes()) ||
        isa<onnx::ReduceMaxOp, onnx::ReduceMeanOp>(scale) ||
        !isScaleOfReduction(data))
      return rewriter.notifyMatchFailure(op, "follows no scale");
    IRMapping mapping;
    for (Value operand : scale->getOperands())
      if (!onnx::evaluateScalar(operand))
        mapping.map(operand,
                    onnx::UnsqueezeOp::create(rewriter, op.getLoc(), type,
                                              operand, op.getAxes())
                        .getResult());
    Operation *raised = rewriter.clone(*scale, mapping);
    raised->getResult(0).setType(type);
    rewriter.replaceOp(op, raised);
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
  patterns.add<RaiseUnsqueeze, DropCastToOwnType, DropFactorOfOne<onnx::MulOp>,
               DropFactorOfOne<onnx::DivOp>>(patterns.getContext());
}

} // namespace bit
