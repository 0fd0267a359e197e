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

/// The reduction from which arithmetic with numbers leads to `value`, if any.
Operation *getReduction(Value value, unsigned depth = 8) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<onnx::ReduceMaxOp, onnx::ReduceMeanOp>(op))
    return op;
  Operation *next = depth > 0 ? op : nullptr;
  if (!isa_and_nonnull<onnx::MulOp, onnx::DivOp, onnx::AddOp, onnx::MaxOp,
                       onnx::ClipOp, onnx::ReciprocalOp>(next))
    return nullptr;
  Value inner;
  for (Value operand : next->getOperands()) {
    if (onnx::evaluateScalar(operand))
      continue;
    if (inner || operand.getType() != value.getType())
      return nullptr;
    inner = operand;
  }
  return inner ? getReduction(inner, depth - 1) : nullptr;
}

/// Whether `value` is a scale made of `x`, of its rank.
bool isScaleOf(Value value, Value x) {
  Operation *reduction = getReduction(value);
  if (!reduction || cast<ShapedType>(value.getType()).getRank() !=
                        cast<ShapedType>(x.getType()).getRank())
    return false;
  Value data = skipIdentity(reduction->getOperand(0));
  auto abs = data.getDefiningOp<onnx::AbsOp>();
  return data == x || (abs && skipIdentity(abs.getX()) == x);
}

/// Whether `shape` is that of `x`, as a whole or put together of its sizes.
bool isShapeOf(Value shape, Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  auto isPart = [&](Value value, int64_t from, int64_t to) {
    if (auto op = getDefining<onnx::ShapeOp>(value)) {
      int64_t end = op.getEnd().value_or(type.getRank());
      return skipIdentity(op.getData()) == x && op.getStart() == from &&
             std::min(end, type.getRank()) == to;
    }
    auto sizes = onnx::getConstantIntegers(value);
    return sizes && ArrayRef(*sizes) == type.getShape().slice(from, to - from);
  };
  auto concat = getDefining<onnx::ConcatOp>(shape);
  if (!concat)
    return isPart(shape, 0, type.getRank());
  if (int64_t(concat->getNumOperands()) != type.getRank())
    return false;
  for (auto [i, part] : llvm::enumerate(concat->getOperands()))
    if (!isPart(part, i, i + 1))
      return false;
  return true;
}

/// Whether `value` is computed of `x` element by element.
bool hasShapeOf(Value value, Value x, unsigned depth = 8) {
  value = skipIdentity(value);
  Operation *op = value.getDefiningOp();
  if (value == x)
    return true;
  if (!op || depth == 0 ||
      !isa<onnx::MulOp, onnx::DivOp, onnx::AddOp, onnx::SubOp, onnx::RoundOp,
           onnx::FloorOp, onnx::CeilOp, onnx::ClipOp, onnx::CastOp, onnx::MaxOp,
           onnx::MinOp>(op))
    return false;
  bool hasShape = false;
  for (Value operand : op->getOperands()) {
    // A number may have a rank of its own.
    if (operand.getType() == value.getType() || isa<onnx::CastOp>(op)) {
      if (!hasShapeOf(operand, x, depth - 1))
        return false;
      hasShape = true;
    } else if (!onnx::evaluateScalar(operand) && !isScaleOf(operand, x)) {
      return false;
    }
  }
  return hasShape;
}

/// A scale that is repeated for each value, which multiplying does anyway.
template <typename OpTy> struct DropExpand : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i : {0, 1}) {
      auto expand = getDefining<onnx::ExpandOp>(op->getOperand(i));
      Value other = op->getOperand(1 - i);
      Operation *reduction = expand ? getReduction(expand.getInput()) : nullptr;
      if (!reduction || other.getType() != op.getType())
        continue;
      Value x = skipIdentity(reduction->getOperand(0));
      if (auto abs = x.getDefiningOp<onnx::AbsOp>())
        x = skipIdentity(abs.getX());
      if (!isScaleOf(expand.getInput(), x) ||
          !isShapeOf(expand.getShape(), x) || !hasShapeOf(other, x))
        continue;
      rewriter.modifyOpInPlace(op,
                               [&] { op->setOperand(i, expand.getInput()); });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "has no repeated scale");
  }
};

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
        !getReduction(data))
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
  patterns.add<RaiseUnsqueeze, DropExpand<onnx::MulOp>, DropExpand<onnx::DivOp>,
               DropCastToOwnType, DropFactorOfOne<onnx::MulOp>,
               DropFactorOfOne<onnx::DivOp>>(patterns.getContext());
}

} // namespace bit
