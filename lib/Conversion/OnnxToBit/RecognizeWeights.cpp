// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Product.h"
#include "WeightLevels.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include <cmath>

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

namespace bit {

#define GEN_PASS_DEF_RECOGNIZEWEIGHTS
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// The codes and scales of a weight, made once for all its users.
struct Weight {
  Value codes, scale;
  WeightKind kind = WeightKind::Ternary;
  int64_t n = 0, k = 0;
  double error = 0, largest = 0;
  std::string granularity;
  std::string reason; ///< why it has no codes, if it has none
};

class WeightRecognizer {
public:
  explicit WeightRecognizer(MLIRContext *context) : rewriter(context) {}

  /// Rewrites `op` or says why not.
  Error recognize(Operation *op);

private:
  const Weight &getWeight(Product &product, Operation *op);
  Weight makeWeight(const Product &product, Operation *op);
  Value makeConstant(ElementsAttr value);
  Expected<Value> makeInput(const Product &product, const Weight &weight,
                            Operation *op);
  Expected<Value> makeScale(const Product &product, const Weight &weight);
  DictionaryAttr describe(Operation *op, const Product &product,
                          const Weight &weight);

  IRRewriter rewriter;
  /// What makes a weight: its operands, and numbers that say how.
  using WeightKey = std::tuple<Value, Value, Value, Attribute>;
  WeightKey getKey(const Product &product, Operation *op);
  llvm::MapVector<WeightKey, Weight> weights;
};

} // namespace

Value WeightRecognizer::makeConstant(ElementsAttr value) {
  return arith::ConstantOp::create(rewriter, rewriter.getUnknownLoc(), value);
}

Weight WeightRecognizer::makeWeight(const Product &product, Operation *op) {
  Weight weight;
  Expected<WeightLevels> levels = evaluateLevels(product, op);
  if (!levels) {
    weight.reason = llvm::toString(levels.takeError());
    return weight;
  }
  // Constants go to the top of the function, so that all users see them.
  auto function = op->getParentOfType<FunctionOpInterface>();
  if (!function) {
    weight.reason = "it is in no function";
    return weight;
  }
  rewriter.setInsertionPointToStart(&function.getFunctionBody().front());
  std::string name = "weight";
  if (std::optional<NodeInfo> node = getNodeInfo(op->getLoc()))
    name = node->name.str();
  weight.codes = makeConstant(levels->codes.toAttr(name + ".codes"));
  SmallVector<int64_t> shape = {int64_t(levels->scales.size())};
  if (levels->group)
    shape = {levels->n, levels->k / levels->group};
  weight.scale = makeConstant(DenseElementsAttr::get(
      RankedTensorType::get(shape, rewriter.getF32Type()),
      ArrayRef<float>(levels->scales)));
  weight.kind = levels->isBinary ? WeightKind::Binary : WeightKind::Ternary;
  weight.n = levels->n;
  weight.k = levels->k;
  weight.largest = *llvm::max_element(levels->scales);
  weight.error = levels->error;
  weight.granularity = levels->group ? "group" + std::to_string(levels->group)
                       : levels->scales.size() == 1 ? "tensor"
                                                    : "channel";
  return weight;
}

WeightRecognizer::WeightKey WeightRecognizer::getKey(const Product &product,
                                                     Operation *op) {
  if (auto blockwise = dyn_cast<onnx::MSMatMulNBitsOp>(op)) {
    int64_t numbers[] = {int64_t(blockwise.getN()), int64_t(blockwise.getK()),
                         int64_t(blockwise.getBits()),
                         int64_t(blockwise.getBlockSize()),
                         int64_t(bool(blockwise.getGIdx()))};
    return {blockwise.getB(), blockwise.getScales(), blockwise.getZeroPoints(),
            rewriter.getDenseI64ArrayAttr(numbers)};
  }
  Value zeros;
  if (auto integer = dyn_cast<onnx::MatMulIntegerOp>(op))
    zeros = integer.getBZeroPoint();
  return {product.weight, Value(), zeros,
          rewriter.getBoolAttr(product.isWeightTransposed)};
}

const Weight &WeightRecognizer::getWeight(Product &product, Operation *op) {
  auto [it, isNew] = weights.insert({getKey(product, op), {}});
  if (isNew)
    it->second = makeWeight(product, op);
  return it->second;
}

/// Returns the activations as the layer reads them. Integers become floats.
Expected<Value> WeightRecognizer::makeInput(const Product &product,
                                            const Weight &weight,
                                            Operation *op) {
  if (!product.isInteger)
    return makeRows(rewriter, product, weight.k, op);
  // Floats hold all sums of codes exactly, and those times a level, too; or
  // they are rounded once, as the cast to floats rounds them.
  constexpr double largestCode = 255, exact = 1 << 24, overflow = 1u << 31;
  double sum = largestCode * weight.k;
  bool hasGroups = cast<RankedTensorType>(weight.scale.getType()).getRank() > 1;
  bool mayRound =
      !hasGroups && llvm::all_of(op->getUsers(), [](Operation *user) {
        return isa<onnx::CastOp, onnx::CastLikeOp>(user) &&
               getElementTypeOrSelf(user->getResult(0).getType()).isF32();
      });
  double most = sum * weight.largest;
  if (weight.error != 0 || sum >= exact ||
      most >= (mayRound ? overflow : exact))
    return createStringError("its integer sums may not fit into float32, where "
                             "they are computed");
  auto type = cast<RankedTensorType>(product.x.getType());
  if (product.zeroPoint) {
    auto zero = cast<RankedTensorType>(product.zeroPoint.getType());
    if (!zero.hasStaticShape() || zero.getNumElements() != 1 ||
        zero.getRank() > type.getRank())
      return createStringError("the zero point of its activations is not one "
                               "element");
  }
  Expected<Value> x = makeRows(rewriter, product, weight.k, op);
  if (!x || !product.zeroPoint)
    return x;
  Value zero = makeCast(rewriter, op->getLoc(), rewriter.getF32Type(),
                        product.zeroPoint);
  return onnx::SubOp::create(rewriter, op->getLoc(), x->getType(), *x, zero);
}

Expected<Value> WeightRecognizer::makeScale(const Product &product,
                                            const Weight &weight) {
  if (product.alpha == 1)
    return weight.scale;
  auto values = cast<DenseElementsAttr>(
      weight.scale.getDefiningOp<arith::ConstantOp>().getValue());
  std::vector<float> scaled;
  for (float value : values.getValues<float>()) {
    scaled.push_back(float(value * product.alpha));
    if (!std::isnormal(scaled.back()))
      return createStringError(
          "its alpha takes a scale out of float32's range");
  }
  return makeConstant(
      DenseElementsAttr::get(values.getType(), ArrayRef<float>(scaled)));
}

/// What the report says of the layer.
DictionaryAttr WeightRecognizer::describe(Operation *op, const Product &product,
                                          const Weight &weight) {
  int64_t sourceBytes = 0;
  for (Value source :
       llvm::cantFail(onnx::getConstantSources(product.weight))) {
    auto type = cast<ShapedType>(source.getType());
    sourceBytes += llvm::divideCeil(
        type.getNumElements() * type.getElementTypeBitWidth(), 8);
  }
  std::optional<NodeInfo> node = getNodeInfo(op->getLoc());
  return rewriter.getDictionaryAttr({
      rewriter.getNamedAttr("name",
                            rewriter.getStringAttr(node ? node->name : "")),
      rewriter.getNamedAttr("source_bytes",
                            rewriter.getI64IntegerAttr(sourceBytes)),
      rewriter.getNamedAttr("weight_error",
                            rewriter.getF64FloatAttr(weight.error)),
      rewriter.getNamedAttr("weight_granularity",
                            rewriter.getStringAttr(weight.granularity)),
      rewriter.getNamedAttr(
          "weight_scheme",
          rewriter.getStringAttr(stringifyWeightKind(weight.kind))),
  });
}

Error WeightRecognizer::recognize(Operation *op) {
  Expected<Product> found = getProduct(op);
  if (!found)
    return found.takeError();
  Product product = *found;
  if (Error error = checkTypes(product, op))
    return error;
  if (hasMoreDimensions(product, op))
    return createStringError(
        "its weight has more dimensions than its activations");
  const Weight &weight = getWeight(product, op);
  if (!weight.reason.empty())
    return createStringError(weight.reason);

  rewriter.setInsertionPoint(op);
  Expected<Value> scale = makeScale(product, weight);
  if (!scale)
    return scale.takeError();
  Expected<Value> x = makeInput(product, weight, op);
  if (!x)
    return x.takeError();
  Value bias = makeBias(rewriter, product, weight.n);
  auto linear = LinearOp::create(rewriter, op->getLoc(),
                                 getLayerType(product, op), *x, weight.codes,
                                 *scale, bias, weight.kind, QuantizerAttr());
  linear->setAttr("bit.layer", describe(op, product, weight));
  replaceByLayer(rewriter, op, product, linear, bool(bias));
  return Error::success();
}

RecognitionCounts recognizeWeights(Operation *root) {
  SmallVector<Operation *> products;
  root->walk([&](Operation *op) {
    if (isMatMulLike(op))
      products.push_back(op);
  });
  RecognitionCounts counts;
  WeightRecognizer recognizer(root->getContext());
  for (Operation *op : products) {
    Error error = recognizer.recognize(op);
    if (!error) {
      ++counts.recognized;
      continue;
    }
    ++counts.declined;
    op->setAttr(
        "bit.declined",
        StringAttr::get(op->getContext(), llvm::toString(std::move(error))));
  }
  return counts;
}

namespace {
struct RecognizeWeights : impl::RecognizeWeightsBase<RecognizeWeights> {
  void runOnOperation() override {
    RecognitionCounts counts = recognizeWeights(getOperation());
    numRecognized += counts.recognized;
    numDeclined += counts.declined;
  }
};
} // namespace

} // namespace bit
