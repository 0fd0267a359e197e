// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WeightLevels.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

namespace bit {

#define GEN_PASS_DEF_RECOGNIZEWEIGHTS
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// x times a constant, as MatMul and Gemm say it.
struct Product {
  Value x, weight;
  bool isWeightTransposed = false; ///< weight is K x N
  bool isInputTransposed = false;
  double alpha = 1;
  Value addend; ///< Gemm's C, if any
  double beta = 1;
};

/// The codes and scales of a weight, made once for all its users.
struct Weight {
  Value codes, scale;
  WeightKind kind = WeightKind::Ternary;
  int64_t n = 0;
  double error = 0;
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
  Expected<Value> makeBias(Operation *op, const Product &product, int64_t n);
  DictionaryAttr describe(Operation *op, const Product &product,
                          const Weight &weight);

  IRRewriter rewriter;
  llvm::MapVector<std::pair<Value, unsigned>, Weight> weights;
};

Expected<Product> getProduct(Operation *op) {
  Product product;
  if (auto matmul = dyn_cast<onnx::MatMulOp>(op)) {
    product.x = matmul.getA();
    product.weight = matmul.getB();
    product.isWeightTransposed = true;
    return product;
  }
  if (auto gemm = dyn_cast<onnx::GemmOp>(op)) {
    product.x = gemm.getA();
    product.weight = gemm.getB();
    product.isWeightTransposed = gemm.getTransB() == 0;
    product.isInputTransposed = gemm.getTransA() != 0;
    product.alpha = gemm.getAlpha().convertToDouble();
    product.beta = gemm.getBeta().convertToDouble();
    product.addend = gemm.getC();
    return product;
  }
  return createStringError(op->getName().stripDialect().str() +
                           " stays as it is: only MatMul and Gemm become "
                           "BitLinear layers");
}

/// Looks through what only renames or transposes a weight.
void peel(Product &product) {
  while (Operation *op = product.weight.getDefiningOp()) {
    if (isa<onnx::IdentityOp>(op)) {
      product.weight = op->getOperand(0);
      continue;
    }
    auto transpose = dyn_cast<onnx::TransposeOp>(op);
    auto type = cast<ShapedType>(product.weight.getType());
    if (!transpose || type.getRank() != 2)
      return;
    std::optional<ArrayRef<int64_t>> perm = transpose.getPerm();
    if (!perm || *perm == ArrayRef<int64_t>{1, 0})
      product.isWeightTransposed = !product.isWeightTransposed;
    product.weight = transpose.getData();
  }
}

bool isConstant(Value value) {
  Expected<SmallVector<Value>> sources = onnx::getConstantSources(value);
  if (sources)
    return true;
  llvm::consumeError(sources.takeError());
  return false;
}

} // namespace

Value WeightRecognizer::makeConstant(ElementsAttr value) {
  return arith::ConstantOp::create(rewriter, rewriter.getUnknownLoc(), value);
}

Weight WeightRecognizer::makeWeight(const Product &product, Operation *op) {
  Weight weight;
  Expected<onnx::HostTensor> values = onnx::evaluate(product.weight);
  if (!values) {
    weight.reason =
        "weight is not constant: " + llvm::toString(values.takeError());
    return weight;
  }
  Expected<WeightLevels> levels =
      findWeightLevels(*values, product.isWeightTransposed);
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
  auto codesType =
      RankedTensorType::get({levels->n, levels->k}, rewriter.getI8Type());
  onnx::HostTensor codes =
      llvm::cantFail(onnx::HostTensor::allocate(codesType));
  llvm::copy(levels->codes, codes.getMutableBytes().begin());
  weight.codes = makeConstant(codes.toAttr(name + ".codes"));
  SmallVector<int64_t> shape = {int64_t(levels->scales.size())};
  if (levels->group)
    shape = {levels->n, levels->k / levels->group};
  weight.scale = makeConstant(DenseElementsAttr::get(
      RankedTensorType::get(shape, rewriter.getF32Type()),
      ArrayRef<float>(levels->scales)));
  weight.kind = levels->isBinary ? WeightKind::Binary : WeightKind::Ternary;
  weight.n = levels->n;
  weight.error = levels->error;
  weight.granularity = levels->group ? "group" + std::to_string(levels->group)
                       : levels->scales.size() == 1 ? "tensor"
                                                    : "channel";
  return weight;
}

const Weight &WeightRecognizer::getWeight(Product &product, Operation *op) {
  auto [it, isNew] = weights.insert(
      {{product.weight, unsigned(product.isWeightTransposed)}, {}});
  if (isNew)
    it->second = makeWeight(product, op);
  return it->second;
}

/// Returns Gemm's C, times beta, as a vector of N elements; null if there is
/// none.
Expected<Value> WeightRecognizer::makeBias(Operation *op,
                                           const Product &product, int64_t n) {
  if (!product.addend || product.beta == 0)
    return Value();
  auto type = cast<RankedTensorType>(product.addend.getType());
  if (product.beta == 1 && type.getShape() == ArrayRef<int64_t>{n})
    return product.addend;
  Expected<onnx::HostTensor> value = onnx::evaluate(product.addend);
  if (!value) {
    llvm::consumeError(value.takeError());
    return createStringError("its bias is neither a vector nor constant");
  }
  if (value->size() != 1 && (value->size() != n || type.getShape().back() != n))
    return createStringError("its bias is not one vector for all rows");
  std::vector<float> bias(n);
  for (int64_t i = 0; i < n; ++i)
    bias[i] = float(value->at(value->size() == 1 ? 0 : i) * product.beta);
  rewriter.setInsertionPoint(op);
  return makeConstant(
      DenseElementsAttr::get(RankedTensorType::get({n}, rewriter.getF32Type()),
                             ArrayRef<float>(bias)));
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
  auto xType = dyn_cast<RankedTensorType>(product.x.getType());
  auto resultType = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  peel(product);
  if (!isConstant(product.weight) && isConstant(product.x))
    return createStringError("its constant operand is the left one");
  if (!xType || !resultType || !xType.getElementType().isF32())
    return createStringError("it does not compute in float32");
  const Weight &weight = getWeight(product, op);
  if (!weight.reason.empty())
    return createStringError(weight.reason);
  Expected<Value> bias = makeBias(op, product, weight.n);
  if (!bias)
    return bias.takeError();

  rewriter.setInsertionPoint(op);
  Value x = product.x, scale = weight.scale;
  if (product.isInputTransposed)
    x = onnx::TransposeOp::create(
        rewriter, op->getLoc(),
        RankedTensorType::get({xType.getDimSize(1), xType.getDimSize(0)},
                              xType.getElementType()),
        x, rewriter.getDenseI64ArrayAttr({1, 0}));
  if (product.alpha != 1) {
    auto values = scale.getDefiningOp<arith::ConstantOp>().getValue();
    std::vector<float> scaled;
    for (float value : cast<DenseElementsAttr>(values).getValues<float>())
      scaled.push_back(float(value * product.alpha));
    scale = makeConstant(DenseElementsAttr::get(
        cast<ShapedType>(scale.getType()), ArrayRef<float>(scaled)));
  }
  auto linear =
      LinearOp::create(rewriter, op->getLoc(), resultType, x, weight.codes,
                       scale, *bias, weight.kind, QuantizerAttr());
  linear->setAttr("bit.layer", describe(op, product, weight));
  rewriter.replaceOp(op, linear);
  return Error::success();
}

/// Nodes that multiply by a matrix, whatever else they do.
static bool isMatMulLike(Operation *op) {
  return isa<onnx::MatMulOp, onnx::GemmOp, onnx::MatMulIntegerOp,
             onnx::QLinearMatMulOp, onnx::EinsumOp, onnx::MSMatMulNBitsOp,
             onnx::MSDynamicQuantizeMatMulOp, onnx::MSMatMulIntegerToFloatOp,
             onnx::MSFusedMatMulOp>(op);
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
