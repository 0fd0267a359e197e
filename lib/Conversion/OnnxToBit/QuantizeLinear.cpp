// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes ternary layers of products that were not trained as such. Their weights
// are not read here but for a check: bit.quantize_weight stands for the codes
// until they are packed, one weight at a time.

#include "Product.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/IR/Threading.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Regex.h"
#include <atomic>
#include <cmath>

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

namespace bit {

#define GEN_PASS_DEF_QUANTIZELINEAR
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// The quantized weight of all products that read it.
struct Weight {
  QuantizeWeightOp op;
  int64_t sourceBytes = 0;
  std::string reason; ///< why there is no op, if there is none
};

/// The name of the node, or of the constant, that `loc` stands for.
StringRef getNodeName(Location loc) {
  std::optional<NodeInfo> info = getNodeInfo(loc);
  return info ? info->name : StringRef();
}

bool isFinite(const onnx::HostTensor &tensor) {
  constexpr uint32_t exponent = 0x7f800000;
  constexpr int64_t block = 65536;
  std::atomic<bool> result = true;
  // One element stands for all.
  int64_t size = tensor.isSplat() ? 1 : tensor.size();
  std::optional<ArrayRef<float>> floats = tensor.getFloats();
  parallelFor(tensor.getType().getContext(), 0, llvm::divideCeil(size, block),
              [&](size_t i) {
                int64_t begin = i * block;
                int64_t count = std::min(size - begin, block);
                std::vector<float> copy;
                if (!floats) {
                  copy.resize(count);
                  tensor.loadFloats(begin, copy);
                }
                bool isInfinite = false;
                for (float value :
                     floats ? floats->slice(begin, count) : ArrayRef(copy)) {
                  uint32_t bits = llvm::bit_cast<uint32_t>(value);
                  isInfinite |= (bits & exponent) == exponent;
                }
                if (isInfinite)
                  result = false;
              });
  return result;
}

class LinearQuantizer {
public:
  LinearQuantizer(MLIRContext *context, const QuantizeLinearOptions &options,
                  const llvm::Regex *skip)
      : options(options), skip(skip), rewriter(context) {}

  /// Rewrites `op` or says why not.
  Error quantize(Operation *op);
  bool hasSkipped() const { return skipped; }

private:
  bool isSkipped(Operation *op, ArrayRef<Value> sources);
  const Weight &getWeight(const Product &product, Operation *op);
  Weight makeWeight(const Product &product, Operation *op);
  Value makeScale(Operation *op, const Product &product, Value scales);
  /// `w` without its leading dimensions, which are 1.
  Value makeMatrix(Value w, ArrayRef<int64_t> shape) {
    Value sizes = arith::ConstantOp::create(rewriter, rewriter.getUnknownLoc(),
                                            rewriter.getI64TensorAttr(shape));
    auto type = cast<RankedTensorType>(w.getType());
    return onnx::ReshapeOp::create(rewriter, w.getLoc(), type.clone(shape), w,
                                   sizes, /*allowzero=*/0);
  }
  Value makeConstant(ShapedType type, ArrayRef<float> values) {
    return arith::ConstantOp::create(rewriter, rewriter.getUnknownLoc(),
                                     DenseElementsAttr::get(type, values));
  }
  std::string getGranularity() const {
    return options.granularity == WeightGranularity::Group
               ? "group" + std::to_string(options.group)
               : stringifyWeightGranularity(options.granularity).str();
  }

  const QuantizeLinearOptions &options;
  const llvm::Regex *skip;
  bool skipped = false;
  IRRewriter rewriter;
  llvm::MapVector<std::pair<Value, unsigned>, Weight> weights;
};

} // namespace

bool LinearQuantizer::isSkipped(Operation *op, ArrayRef<Value> sources) {
  if (!skip)
    return false;
  bool matches = skip->match(getNodeName(op->getLoc())) ||
                 llvm::any_of(sources, [&](Value source) {
                   return skip->match(getNodeName(source.getLoc()));
                 });
  skipped |= matches;
  return matches;
}

Weight LinearQuantizer::makeWeight(const Product &product, Operation *op) {
  Weight weight;
  auto type = cast<RankedTensorType>(product.weight.getType());
  ArrayRef<int64_t> matrix = type.getShape().take_back(2);
  int64_t n = matrix[product.isWeightTransposed];
  int64_t k = matrix[!product.isWeightTransposed];
  bool isGrouped = options.granularity == WeightGranularity::Group;
  if (isGrouped && k % options.group != 0) {
    weight.reason = "its K = " + std::to_string(k) +
                    " is no multiple of the group of " +
                    std::to_string(options.group) + " weights";
    return weight;
  }
  auto function = op->getParentOfType<FunctionOpInterface>();
  Expected<onnx::HostTensor> values = onnx::evaluate(product.weight);
  if (!values)
    weight.reason =
        "weight cannot be read: " + llvm::toString(values.takeError());
  else if (!isFinite(*values))
    weight.reason = "weights are not all finite";
  else if (!function)
    weight.reason = "it is in no function";
  if (!weight.reason.empty())
    return weight;

  // Where the weight is computed, all its users see what is made of it.
  Value w = product.weight;
  Location loc = w.getLoc();
  rewriter.setInsertionPointAfterValue(w);
  w = makeCast(rewriter, loc, rewriter.getF32Type(), w);
  if (type.getRank() > 2)
    w = makeMatrix(w, matrix);
  if (product.isWeightTransposed)
    w = makeTranspose(rewriter, loc, w, {1, 0});
  SmallVector<int64_t> scales = {
      options.granularity == WeightGranularity::Tensor ? 1 : n};
  IntegerAttr group;
  if (isGrouped) {
    scales.push_back(k / options.group);
    group = rewriter.getI64IntegerAttr(options.group);
  }
  weight.op = QuantizeWeightOp::create(
      rewriter, loc, RankedTensorType::get({n, k}, rewriter.getI8Type()),
      RankedTensorType::get(scales, rewriter.getF32Type()), w,
      WeightSchemeAttr::get(rewriter.getContext(), options.scheme),
      WeightGranularityAttr::get(rewriter.getContext(), options.granularity),
      group, rewriter.getF32FloatAttr(1.0e-5f));
  for (Value source :
       llvm::cantFail(onnx::getConstantSources(product.weight))) {
    auto type = cast<ShapedType>(source.getType());
    weight.sourceBytes += llvm::divideCeil(
        type.getNumElements() * type.getElementTypeBitWidth(), 8);
  }
  return weight;
}

const Weight &LinearQuantizer::getWeight(const Product &product,
                                         Operation *op) {
  auto [it, isNew] = weights.insert(
      {{product.weight, unsigned(product.isWeightTransposed)}, {}});
  if (isNew)
    it->second = makeWeight(product, op);
  return it->second;
}

/// Returns the scales times alpha. They are constants once the weight is
/// evaluated, and so is their product.
Value LinearQuantizer::makeScale(Operation *op, const Product &product,
                                 Value scales) {
  float alpha = float(product.alpha);
  if (alpha == 1)
    return scales;
  auto type = cast<RankedTensorType>(scales.getType());
  return arith::MulFOp::create(rewriter, op->getLoc(), scales,
                               makeConstant(type, alpha));
}

Error LinearQuantizer::quantize(Operation *op) {
  Expected<Product> found = getProduct(op);
  if (!found) {
    std::string reason = llvm::toString(found.takeError());
    return createStringError(isSkipped(op, {}) ? "its name matches what to skip"
                                               : reason);
  }
  const Product &product = *found;
  Expected<SmallVector<Value>> sources =
      onnx::getConstantSources(product.weight);
  if (!sources) {
    std::string reason = llvm::toString(sources.takeError());
    if (isSkipped(op, {}))
      return createStringError("its name matches what to skip");
    return createStringError("weight is not constant: " + reason);
  }
  if (isSkipped(op, *sources))
    return createStringError("its name, or its weight's, matches what to skip");
  if (Error error = checkTypes(product, op))
    return error;
  auto weightType = dyn_cast<RankedTensorType>(product.weight.getType());
  if (!weightType || !weightType.hasStaticShape() || weightType.getRank() < 2 ||
      llvm::any_of(weightType.getShape().drop_back(2),
                   [](int64_t size) { return size != 1; }))
    return createStringError("its weight is not a matrix");
  if (hasMoreDimensions(product, op))
    return createStringError(
        "its weight has more dimensions than its activations");
  if (weightType.getNumElements() == 0)
    return createStringError("its weight is empty");
  float alpha = float(product.alpha);
  if (!std::isnormal(alpha))
    return createStringError("its alpha is no factor of a scale");
  const Weight &weight = getWeight(product, op);
  if (!weight.reason.empty())
    return createStringError(weight.reason);

  rewriter.setInsertionPoint(op);
  QuantizeWeightOp quantized = weight.op;
  auto shape = cast<RankedTensorType>(quantized.getCodes().getType());
  Expected<Value> x = makeRows(rewriter, product, shape.getDimSize(1), op);
  if (!x)
    return x.takeError();
  Value bias = makeBias(rewriter, product, shape.getDimSize(0));
  WeightKind kind = options.scheme == WeightScheme::Sign ? WeightKind::Binary
                                                         : WeightKind::Ternary;
  auto linear = LinearOp::create(
      rewriter, op->getLoc(), getLayerType(product, op), *x,
      quantized.getCodes(), makeScale(op, product, quantized.getScales()), bias,
      kind, QuantizerAttr());
  linear->setAttr(
      "bit.layer",
      rewriter.getDictionaryAttr({
          rewriter.getNamedAttr(
              "name", rewriter.getStringAttr(getNodeName(op->getLoc()))),
          rewriter.getNamedAttr("source_bytes",
                                rewriter.getI64IntegerAttr(weight.sourceBytes)),
          rewriter.getNamedAttr("weight_granularity",
                                rewriter.getStringAttr(getGranularity())),
          rewriter.getNamedAttr(
              "weight_scheme",
              rewriter.getStringAttr(stringifyWeightScheme(options.scheme))),
      }));
  replaceByLayer(rewriter, op, product, linear, bool(bias));
  return Error::success();
}

namespace {

struct QuantizeLinear : impl::QuantizeLinearBase<QuantizeLinear> {
  using QuantizeLinearBase::QuantizeLinearBase;

  LogicalResult checkOptions(const llvm::Regex &regex) {
    Location loc = getOperation().getLoc();
    std::string error;
    if (!skip.empty() && !regex.isValid(error))
      return emitError(loc) << "expects a regular expression to skip by, got '"
                            << skip << "': " << error;
    if (group < 1)
      return emitError(loc)
             << "expects a positive group, got " << int64_t(group);
    return success();
  }

  void quantize(Operation *op, LinearQuantizer &quantizer) {
    Error reason = quantizer.quantize(op);
    if (!reason) {
      ++numQuantized;
      return;
    }
    ++numDeclined;
    op->setAttr(
        "bit.declined",
        StringAttr::get(&getContext(), llvm::toString(std::move(reason))));
  }

  void runOnOperation() override {
    QuantizeLinearOptions options;
    options.scheme = scheme;
    options.granularity = granularity;
    options.group = group;
    llvm::Regex regex(skip);
    if (failed(checkOptions(regex)))
      return signalPassFailure();
    SmallVector<Operation *> products;
    bool matchesLayer = false;
    getOperation().walk([&](Operation *op) {
      if (isa<onnx::MatMulOp, onnx::GemmOp, onnx::MSFusedMatMulOp,
              onnx::EinsumOp>(op))
        products.push_back(op);
      else if (isa<LinearOp>(op) || op->hasAttr("bit.declined"))
        matchesLayer |= regex.match(getNodeName(op->getLoc()));
    });
    LinearQuantizer quantizer(&getContext(), options,
                              skip.empty() ? nullptr : &regex);
    for (Operation *op : products)
      quantize(op, quantizer);
    if (!skip.empty() && !quantizer.hasSkipped() && !matchesLayer)
      emitWarning(getOperation().getLoc())
          << "skip: '" << skip << "' matches no product and no weight";
  }
};

} // namespace
} // namespace bit
