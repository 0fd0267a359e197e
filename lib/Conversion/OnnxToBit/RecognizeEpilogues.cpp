// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MatchQuantizer.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <cmath>

using namespace mlir;
using llvm::Expected;

namespace bit {

#define GEN_PASS_DEF_RECOGNIZEEPILOGUES
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// Returns the layer that computes `value` for nobody else.
LinearOp getLinear(Value value, Operation *user) {
  auto linear = value.getDefiningOp<LinearOp>();
  return linear && value.hasOneUse() &&
                 value.getType() == user->getResult(0).getType() &&
                 linear->getBlock() == user->getBlock()
             ? linear
             : LinearOp();
}

/// Puts a copy of `linear` in the place of `op`: what the copy reads besides
/// may be defined only after the original.
void replaceByLinear(PatternRewriter &rewriter, Operation *op, LinearOp linear,
                     llvm::function_ref<void(LinearOp)> change) {
  rewriter.setInsertionPoint(op);
  auto copy = cast<LinearOp>(rewriter.clone(*linear));
  rewriter.modifyOpInPlace(copy, [&] { change(copy); });
  rewriter.replaceOp(op, copy);
  rewriter.eraseOp(linear);
}

/// Returns a constant's elements for every output: one, or N along the last
/// axis.
std::optional<std::vector<float>> getFactors(Value value, int64_t n) {
  Expected<onnx::HostTensor> tensor = onnx::evaluate(value);
  if (!tensor) {
    llvm::consumeError(tensor.takeError());
    return std::nullopt;
  }
  if (tensor->size() != 1 &&
      (tensor->size() != n || tensor->getShape().back() != n))
    return std::nullopt;
  std::vector<float> factors;
  for (int64_t i = 0; i < tensor->size(); ++i)
    factors.push_back(float(tensor->at(i)));
  return factors;
}

/// Multiplies a constant of N (x G) elements, or of one, by a factor for each
/// output.
Value scaleConstant(PatternRewriter &rewriter, Operation *user, Value constant,
                    ArrayRef<float> factors, bool isDivided) {
  DenseElementsAttr elements;
  if (!matchPattern(constant, m_Constant(&elements)))
    return {};
  auto type = cast<RankedTensorType>(elements.getType());
  SmallVector<float> values(elements.getValues<float>());
  if (values.size() < factors.size()) {
    values.assign(factors.size(), values.front());
    type =
        RankedTensorType::get({int64_t(factors.size())}, type.getElementType());
  }
  size_t groups =
      factors.size() == 1 ? values.size() : values.size() / factors.size();
  for (auto [i, value] : llvm::enumerate(values))
    value =
        isDivided ? value / factors[i / groups] : value * factors[i / groups];
  rewriter.setInsertionPoint(user);
  return arith::ConstantOp::create(
      rewriter, constant.getLoc(),
      DenseElementsAttr::get(type, ArrayRef<float>(values)));
}

/// Moves a constant factor or divisor into scale and bias.
struct AbsorbFactor : RewritePattern {
  AbsorbFactor(StringRef op, MLIRContext *context, RecognitionCounts &counts)
      : RewritePattern(op, /*benefit=*/1, context), counts(counts) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    bool isDivided = isa<onnx::DivOp>(op);
    for (unsigned i : {0, 1}) {
      if (isDivided && i == 1)
        break;
      if (LinearOp linear = getLinear(op->getOperand(i), op))
        return absorb(op, linear, op->getOperand(1 - i), isDivided, rewriter);
    }
    return rewriter.notifyMatchFailure(op, "scales no layer");
  }

  LogicalResult absorb(Operation *op, LinearOp linear, Value factor,
                       bool isDivided, PatternRewriter &rewriter) const {
    auto factors = getFactors(factor, linear.getN());
    if (!factors)
      return rewriter.notifyMatchFailure(op, "scales by no constant vector");
    // A factor of 0 or infinity would make NaN of what the graph leaves finite.
    if (!llvm::all_of(*factors, [](float f) { return std::isnormal(f); }))
      return rewriter.notifyMatchFailure(op, "scales by an extreme factor");
    Value scale =
        scaleConstant(rewriter, op, linear.getScale(), *factors, isDivided);
    Value bias = linear.getBias();
    if (bias)
      bias = scaleConstant(rewriter, op, bias, *factors, isDivided);
    if (!scale || (linear.getBias() && !bias))
      return rewriter.notifyMatchFailure(op, "scales what is not constant");
    replaceByLinear(rewriter, op, linear, [&](LinearOp copy) {
      copy.getScaleMutable().assign(scale);
      if (bias)
        copy.getBiasMutable().assign(bias);
    });
    ++counts.recognized;
    return success();
  }

  RecognitionCounts &counts;
};

/// layer + vector: the vector is the bias.
struct AbsorbBias : OpRewritePattern<onnx::AddOp> {
  AbsorbBias(MLIRContext *context, RecognitionCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(onnx::AddOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [layer, bias] :
         {std::pair(op.getA(), op.getB()), std::pair(op.getB(), op.getA())}) {
      LinearOp linear = getLinear(layer, op);
      auto type = cast<RankedTensorType>(bias.getType());
      if (!linear || linear.getBias() || type.getRank() != 1 ||
          type.getDimSize(0) != linear.getN())
        continue;
      replaceByLinear(rewriter, op, linear, [&, bias = bias](LinearOp copy) {
        copy.getBiasMutable().assign(bias);
      });
      ++counts.recognized;
      return success();
    }
    return rewriter.notifyMatchFailure(op, "adds no vector to a layer");
  }

  RecognitionCounts &counts;
};

/// layer(codes) / scale, where scale made the codes: the layer gets the
/// quantizer. A constant among the factors of the divisor goes to the weights.
struct AbsorbRescale : RewritePattern {
  AbsorbRescale(StringRef op, MLIRContext *context, RecognitionCounts &counts)
      : RewritePattern(op, /*benefit=*/2, context), counts(counts) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    bool isDivided = isa<onnx::DivOp>(op);
    for (unsigned i : {0, 1}) {
      if (isDivided && i == 1)
        break;
      LinearOp linear = getLinear(op->getOperand(i), op);
      // A bias that was added before would have to be rescaled, too.
      if (!linear || linear.getQuantizer() || linear.getBias())
        continue;
      return absorb(op, linear, op->getOperand(1 - i), isDivided, rewriter);
    }
    return rewriter.notifyMatchFailure(op, "rescales no layer of codes");
  }

  LogicalResult absorb(Operation *op, LinearOp linear, Value factor,
                       bool isDivided, PatternRewriter &rewriter) const {
    auto codes = matchCodes(linear.getX());
    if (!codes || codes->input.getType() != linear.getX().getType())
      return rewriter.notifyMatchFailure(op, "its layer multiplies no codes");
    Value scale = linear.getScale();
    auto dequant = matchRescale(*codes, factor, isDivided);
    auto product = skipIdentity(factor).getDefiningOp<onnx::MulOp>();
    for (unsigned i = 0; product && !dequant && i < 2; ++i) {
      auto factors = getFactors(product->getOperand(i), linear.getN());
      if (!factors ||
          !llvm::all_of(*factors, [](float f) { return std::isnormal(f); }))
        continue;
      dequant = matchRescale(*codes, product->getOperand(1 - i), isDivided);
      scale = scaleConstant(rewriter, op, scale, *factors, isDivided);
    }
    if (!dequant || !scale)
      return rewriter.notifyMatchFailure(op, "is not what made the codes");
    replaceByLinear(rewriter, op, linear, [&](LinearOp copy) {
      copy.getXMutable().assign(codes->input);
      copy.getScaleMutable().assign(scale);
      copy.setQuantizerAttr(
          makeQuantizer(rewriter.getContext(), *codes, *dequant));
    });
    ++counts.recognized;
    return success();
  }

  RecognitionCounts &counts;
};

struct RecognizeEpilogues : impl::RecognizeEpiloguesBase<RecognizeEpilogues> {
  void runOnOperation() override {
    RecognitionCounts counts;
    RewritePatternSet patterns(&getContext());
    populateRecognizeEpiloguesPatterns(patterns, counts);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    numRecognized += counts.recognized;
    getOperation()->walk([&](LinearOp linear) {
      for (Operation *user : linear->getUsers())
        numDeclined += isa<onnx::AddOp, onnx::MulOp, onnx::DivOp>(user);
    });
  }
};

} // namespace

void populateRecognizeEpiloguesPatterns(RewritePatternSet &patterns,
                                        RecognitionCounts &counts) {
  MLIRContext *context = patterns.getContext();
  patterns.add<AbsorbBias>(context, counts);
  for (StringRef op :
       {onnx::MulOp::getOperationName(), onnx::DivOp::getOperationName()}) {
    patterns.add<AbsorbFactor>(op, context, counts);
    patterns.add<AbsorbRescale>(op, context, counts);
  }
}

} // namespace bit
