// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MatchQuantizer.h"
#include "Product.h"
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

/// Returns the layer that computes `value` for nobody else, in float32 or
/// rounded to a half.
LinearOp getLinear(Value value, Operation *user) {
  if (!value.hasOneUse() || value.getType() != user->getResult(0).getType())
    return {};
  if (auto cast = value.getDefiningOp<onnx::CastOp>();
      cast && getComputeType(value))
    value = cast.getInput();
  auto linear = value.getDefiningOp<LinearOp>();
  return linear && value.hasOneUse() && linear->getBlock() == user->getBlock()
             ? linear
             : LinearOp();
}

/// Puts a copy of `linear` in the place of `op`: what the copy reads besides
/// may be defined only after the original. A result that was rounded to a half
/// before `op` is rounded after it.
void replaceByLinear(
    PatternRewriter &rewriter, Operation *op, LinearOp linear,
    llvm::function_ref<void(LinearOp)> change,
    llvm::function_ref<Value(Value)> finish = [](Value y) { return y; }) {
  rewriter.setInsertionPoint(op);
  auto copy = cast<LinearOp>(rewriter.clone(*linear));
  rewriter.modifyOpInPlace(copy, [&] { change(copy); });
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  rewriter.replaceOp(
      op, makeCast(rewriter, op->getLoc(), element, finish(copy.getY())));
  if (!linear->use_empty())
    rewriter.eraseOp(*linear->user_begin());
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
  matchPattern(constant, m_Constant(&elements));
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

/// The weights whose scales `scale` is, or a multiple of them: --quantize=all
/// makes them constants only when it packs the weights.
QuantizeWeightOp getQuantizedWeight(Value scale) {
  while (Operation *op = scale.getDefiningOp()) {
    if (auto weight = dyn_cast<QuantizeWeightOp>(op))
      return weight;
    if (!isa<arith::MulFOp, arith::DivFOp>(op))
      return {};
    scale = op->getOperand(0);
  }
  return {};
}

/// Whether scaleWeights can multiply `scale` by as many factors.
bool canScaleWeights(Value scale, size_t factors) {
  DenseElementsAttr constant;
  if (matchPattern(scale, m_Constant(&constant)))
    return true;
  // One scale does not become one for each output: no op on it repeats it.
  auto type = cast<RankedTensorType>(scale.getType());
  return getQuantizedWeight(scale) &&
         (factors == 1 || type.getDimSize(0) == int64_t(factors));
}

/// The same for the scale of a layer, be it a constant or yet to become one.
Value scaleWeights(PatternRewriter &rewriter, Operation *user, Value scale,
                   ArrayRef<float> factors, bool isDivided) {
  if (!getQuantizedWeight(scale))
    return scaleConstant(rewriter, user, scale, factors, isDivided);
  auto type = cast<RankedTensorType>(scale.getType());
  size_t groups = type.getNumElements() / factors.size();
  SmallVector<float> values;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    values.push_back(factors[i / groups]);
  rewriter.setInsertionPoint(user);
  Value factor = arith::ConstantOp::create(
      rewriter, user->getLoc(),
      DenseElementsAttr::get(type, ArrayRef<float>(values)));
  if (isDivided)
    return arith::DivFOp::create(rewriter, user->getLoc(), scale, factor);
  return arith::MulFOp::create(rewriter, user->getLoc(), scale, factor);
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
    Value bias = linear.getBias();
    DenseElementsAttr constant;
    if (!canScaleWeights(linear.getScale(), factors->size()) ||
        (bias && !matchPattern(bias, m_Constant(&constant))))
      return rewriter.notifyMatchFailure(op, "scales what is not constant");
    Value scale =
        scaleWeights(rewriter, op, linear.getScale(), *factors, isDivided);
    if (bias)
      bias = scaleConstant(rewriter, op, bias, *factors, isDivided);
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

/// Returns `value` as a vector of `n` elements where it adds the same vector to
/// every row of a layer: of shape [n], [1, n], [1, 1, n], or a single number.
Value makeVector(PatternRewriter &rewriter, Operation *user, Value value,
                 int64_t n) {
  auto type = cast<RankedTensorType>(value.getType());
  auto vectorType = RankedTensorType::get({n}, type.getElementType());
  if (type == vectorType)
    return value;
  if (!type.hasStaticShape() || !getComputeType(value))
    return {};
  // Of the shape of the result: a residual, with a batch of one.
  if (type == user->getResult(0).getType() && !isConstant(value))
    return {};
  rewriter.setInsertionPoint(user);
  if (std::optional<double> number = onnx::evaluateScalar(value))
    return arith::ConstantOp::create(
        rewriter, value.getLoc(),
        DenseElementsAttr::get(vectorType.clone(rewriter.getF32Type()),
                               float(*number)));
  if (type.getNumElements() != n || type.getRank() == 0 ||
      type.getShape().back() != n)
    return {};
  // A constant stays one: factors behind it are multiplied into it.
  if (auto elements = getFactors(value, n); elements && n > 1)
    return arith::ConstantOp::create(
        rewriter, value.getLoc(),
        DenseElementsAttr::get(vectorType.clone(rewriter.getF32Type()),
                               ArrayRef<float>(*elements)));
  auto shapeValue = rewriter.getI64TensorAttr({n});
  Value shape = onnx::ConstantOp::create(rewriter, value.getLoc(),
                                         shapeValue.getType(), shapeValue);
  return onnx::ReshapeOp::create(rewriter, value.getLoc(), vectorType, value,
                                 shape);
}

/// layer + vector: the vector is the bias.
struct AbsorbBias : OpRewritePattern<onnx::AddOp> {
  AbsorbBias(MLIRContext *context, RecognitionCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(onnx::AddOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [layer, added] :
         {std::pair(op.getA(), op.getB()), std::pair(op.getB(), op.getA())}) {
      LinearOp linear = getLinear(layer, op);
      if (!linear || linear.getBias())
        continue;
      Value bias = makeVector(rewriter, op, added, linear.getN());
      if (!bias)
        continue;
      rewriter.setInsertionPoint(op);
      bias = makeCast(rewriter, op.getLoc(), rewriter.getF32Type(), bias);
      replaceByLinear(rewriter, op, linear, [&](LinearOp copy) {
        copy.getBiasMutable().assign(bias);
      });
      ++counts.recognized;
      return success();
    }
    return rewriter.notifyMatchFailure(op, "adds no vector to a layer");
  }

  RecognitionCounts &counts;
};

/// y + bias * factor, or y + bias / factor.
Value addScaled(PatternRewriter &rewriter, Operation *op, Value y, Value bias,
                Value factor, bool isDivided) {
  factor = makeCast(rewriter, op->getLoc(), rewriter.getF32Type(), factor);
  auto factorType = cast<RankedTensorType>(factor.getType());
  int64_t rank = std::max<int64_t>(factorType.getRank(), 1);
  // The shape of the factor, whose last dimension is 1 or that of y.
  SmallVector<int64_t> shape(rank, 1);
  llvm::copy(factorType.getShape(),
             shape.begin() + (rank - factorType.getRank()));
  shape.back() = cast<RankedTensorType>(bias.getType()).getDimSize(0);
  auto type = RankedTensorType::get(shape, factorType.getElementType());
  Value scaled;
  if (isDivided)
    scaled = onnx::DivOp::create(rewriter, op->getLoc(), type, bias, factor);
  else
    scaled = onnx::MulOp::create(rewriter, op->getLoc(), type, bias, factor);
  return onnx::AddOp::create(rewriter, op->getLoc(), y.getType(), y, scaled);
}

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
      if (!linear || linear.getQuantizer())
        continue;
      return absorb(op, linear, op->getOperand(1 - i), isDivided, rewriter);
    }
    return rewriter.notifyMatchFailure(op, "rescales no layer of codes");
  }

  LogicalResult absorb(Operation *op, LinearOp linear, Value factor,
                       bool isDivided, PatternRewriter &rewriter) const {
    auto codes = matchCodes(linear.getX());
    auto type = cast<RankedTensorType>(linear.getX().getType());
    if (!codes || cast<RankedTensorType>(codes->input.getType()).getShape() !=
                      type.getShape())
      return rewriter.notifyMatchFailure(op, "its layer multiplies no codes");
    auto rescale = matchRescale(*codes, {{factor, isDivided}});
    std::vector<float> factors = {1.0f};
    bool dividesFactors = isDivided;
    auto split = [&](Value vector, Value rest, bool dividesVector,
                     bool dividesRest) {
      auto found = rescale ? std::nullopt : getFactors(vector, linear.getN());
      if (!found)
        return;
      rescale = matchRescale(*codes, {{rest, dividesRest}});
      factors = *found;
      dividesFactors = dividesVector;
    };
    // One factor of two may be a vector.
    if (auto mul = skipIdentity(factor).getDefiningOp<onnx::MulOp>()) {
      split(mul.getA(), mul.getB(), isDivided, isDivided);
      split(mul.getB(), mul.getA(), isDivided, isDivided);
    } else if (auto div = skipIdentity(factor).getDefiningOp<onnx::DivOp>()) {
      split(div.getA(), div.getB(), isDivided, !isDivided);
      split(div.getB(), div.getA(), !isDivided, isDivided);
    }
    if (!rescale)
      return rewriter.notifyMatchFailure(op, "is not what made the codes");
    for (float &value : factors)
      value = dividesFactors ? float(value / rescale->factor)
                             : float(value * rescale->factor);
    if (!llvm::all_of(factors, [](float f) { return std::isnormal(f); }))
      return rewriter.notifyMatchFailure(op, "scales by an extreme factor");
    Value scale = linear.getScale();
    if (!canScaleWeights(scale, factors.size()))
      return rewriter.notifyMatchFailure(op, "scales what is not constant");
    if (factors != std::vector<float>{1.0f})
      scale = scaleWeights(rewriter, op, scale, factors, dividesFactors);
    // (product + bias) * xs is product * xs + bias * xs.
    Value bias = linear.getBias();
    rewriter.setInsertionPoint(op);
    Value x =
        makeCast(rewriter, op->getLoc(), type.getElementType(), codes->input);
    replaceByLinear(
        rewriter, op, linear,
        [&](LinearOp copy) {
          copy->removeAttr(activationsDeclinedName);
          copy.getXMutable().assign(x);
          copy.getScaleMutable().assign(scale);
          copy.getBiasMutable().clear();
          copy.setQuantizerAttr(
              makeQuantizer(rewriter.getContext(), *codes, rescale->dequant));
        },
        [&](Value y) {
          return bias ? addScaled(rewriter, op, y, bias, factor, isDivided) : y;
        });
    ++counts.recognized;
    return success();
  }

  RecognitionCounts &counts;
};

/// A layer of codes that nothing rescales, as far as is known: the quantizer
/// gives codes that stand for themselves.
bool absorbCodes(LinearOp linear) {
  if (linear.getQuantizer())
    return false;
  auto codes = matchCodes(linear.getX());
  RankedTensorType type = linear.getX().getType();
  // Infinite codes give infinite sums.
  if (!codes || codes->isInfinite ||
      cast<RankedTensorType>(codes->input.getType()).getShape() !=
          type.getShape())
    return false;
  linear->removeAttr(activationsDeclinedName);
  OpBuilder builder(linear);
  linear.getXMutable().assign(
      makeCast(builder, linear.getLoc(), type.getElementType(), codes->input));
  linear.setQuantizerAttr(
      makeQuantizer(linear.getContext(), *codes, DequantForm::None));
  return true;
}

struct RecognizeEpilogues : impl::RecognizeEpiloguesBase<RecognizeEpilogues> {
  void runOnOperation() override {
    RecognitionCounts counts;
    RewritePatternSet patterns(&getContext());
    populateRecognizeEpiloguesPatterns(patterns, counts);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk(
        [&](LinearOp linear) { counts.recognized += absorbCodes(linear); });
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
