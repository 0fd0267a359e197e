// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes ternary layers of products that were not trained as such. Their weights
// are not read here but for a check: bit.quantize_weight stands for the codes
// until they are packed, one weight at a time.

#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/IR/Threading.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Regex.h"
#include <atomic>
#include <cstring>

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

namespace bit {

#define GEN_PASS_DEF_QUANTIZELINEAR
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// x times a matrix, as MatMul and Gemm say it.
struct Product {
  Value x, weight;
  bool isWeightTransposed = true; ///< weight is K x N
  bool isInputTransposed = false;
  float alpha = 1;
  Value addend; ///< Gemm's C, if any
  float beta = 1;
};

/// The quantized weight of all products that read it.
struct Weight {
  QuantizeWeightOp op;
  int64_t sourceBytes = 0;
  std::string reason; ///< why there is no op, if there is none
};

Product getProduct(Operation *op) {
  Product product;
  product.x = op->getOperand(0);
  product.weight = op->getOperand(1);
  if (auto gemm = dyn_cast<onnx::GemmOp>(op)) {
    product.isWeightTransposed = gemm.getTransB() == 0;
    product.isInputTransposed = gemm.getTransA() != 0;
    product.alpha = gemm.getAlpha().convertToFloat();
    product.addend = gemm.getC();
    product.beta = gemm.getBeta().convertToFloat();
  }
  // What only renames or transposes the weight would be evaluated for nothing.
  while (Operation *producer = product.weight.getDefiningOp()) {
    auto transpose = dyn_cast<onnx::TransposeOp>(producer);
    auto type = dyn_cast<RankedTensorType>(product.weight.getType());
    if (transpose && type && type.getRank() == 2) {
      std::optional<ArrayRef<int64_t>> perm = transpose.getPerm();
      product.isWeightTransposed ^= !perm || *perm == ArrayRef<int64_t>{1, 0};
    } else if (!isa<onnx::IdentityOp>(producer)) {
      break;
    }
    product.weight = producer->getOperand(0);
  }
  return product;
}

/// The name of the node, or of the constant, that `loc` stands for.
StringRef getNodeName(Location loc) {
  std::optional<NodeInfo> info = getNodeInfo(loc);
  return info ? info->name : StringRef();
}

bool isFinite(const onnx::HostTensor &tensor) {
  constexpr uint32_t exponent = 0x7f800000;
  constexpr size_t block = 65536;
  ArrayRef<char> bytes = tensor.getBytes();
  std::atomic<bool> result = true;
  size_t size = bytes.size() / sizeof(uint32_t);
  parallelFor(
      tensor.getType().getContext(), 0, llvm::divideCeil(size, block),
      [&](size_t i) {
        bool isInfinite = false;
        for (size_t j = i * block, e = std::min(size, j + block); j < e; ++j) {
          uint32_t bits;
          std::memcpy(&bits, bytes.data() + j * sizeof(bits), sizeof(bits));
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
  Expected<Value> makeBias(Operation *op, const Product &product, int64_t n);
  Value makeScale(Operation *op, const Product &product, Value scales);
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
  int64_t n = type.getDimSize(product.isWeightTransposed);
  int64_t k = type.getDimSize(!product.isWeightTransposed);
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
  if (product.isWeightTransposed)
    w = onnx::TransposeOp::create(
        rewriter, loc, RankedTensorType::get({n, k}, type.getElementType()), w,
        rewriter.getDenseI64ArrayAttr({1, 0}));
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

/// Returns Gemm's C, times beta, as a vector of N elements; null if there is
/// none.
Expected<Value> LinearQuantizer::makeBias(Operation *op, const Product &product,
                                          int64_t n) {
  if (!product.addend || product.beta == 0)
    return Value();
  auto type = dyn_cast<RankedTensorType>(product.addend.getType());
  if (product.beta == 1 && type && type.getShape() == ArrayRef<int64_t>{n})
    return product.addend;
  Expected<onnx::HostTensor> value = onnx::evaluate(product.addend);
  if (!value) {
    llvm::consumeError(value.takeError());
    return createStringError("its bias is neither a vector nor constant");
  }
  if (value->size() != 1 &&
      (value->size() != n || value->getShape().back() != n))
    return createStringError("its bias is not one vector for all rows");
  std::vector<float> bias(n);
  for (int64_t i = 0; i < n; ++i)
    bias[i] = float(value->at(value->size() == 1 ? 0 : i)) * product.beta;
  rewriter.setInsertionPoint(op);
  return makeConstant(RankedTensorType::get({n}, rewriter.getF32Type()), bias);
}

/// Returns the scales times Gemm's alpha. They are constants once the weight is
/// evaluated, and so is their product.
Value LinearQuantizer::makeScale(Operation *op, const Product &product,
                                 Value scales) {
  if (product.alpha == 1)
    return scales;
  auto type = cast<RankedTensorType>(scales.getType());
  return arith::MulFOp::create(rewriter, op->getLoc(), scales,
                               makeConstant(type, product.alpha));
}

Error LinearQuantizer::quantize(Operation *op) {
  Product product = getProduct(op);
  auto xType = dyn_cast<RankedTensorType>(product.x.getType());
  auto weightType = dyn_cast<RankedTensorType>(product.weight.getType());
  auto resultType = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  Expected<SmallVector<Value>> sources =
      onnx::getConstantSources(product.weight);
  if (!sources) {
    std::string reason = llvm::toString(sources.takeError());
    if (isSkipped(op, {}))
      return createStringError("its name matches what to skip");
    Expected<SmallVector<Value>> left = onnx::getConstantSources(product.x);
    if (left)
      return createStringError("its constant operand is the left one");
    llvm::consumeError(left.takeError());
    return createStringError("weight is not constant: " + reason);
  }
  if (isSkipped(op, *sources))
    return createStringError("its name, or its weight's, matches what to skip");
  if (!xType || !resultType || !weightType || !xType.getElementType().isF32() ||
      !weightType.getElementType().isF32())
    return createStringError("it does not compute in float32");
  if (weightType.getRank() != 2)
    return createStringError("its weight is not a matrix");
  if (weightType.getNumElements() == 0)
    return createStringError("its weight is empty");
  int64_t n = weightType.getDimSize(product.isWeightTransposed);
  Expected<Value> bias = makeBias(op, product, n);
  if (!bias)
    return bias.takeError();
  const Weight &weight = getWeight(product, op);
  if (!weight.reason.empty())
    return createStringError(weight.reason);

  rewriter.setInsertionPoint(op);
  Value x = product.x;
  if (product.isInputTransposed)
    x = onnx::TransposeOp::create(
        rewriter, op->getLoc(),
        RankedTensorType::get({xType.getDimSize(1), xType.getDimSize(0)},
                              xType.getElementType()),
        x, rewriter.getDenseI64ArrayAttr({1, 0}));
  QuantizeWeightOp quantized = weight.op;
  WeightKind kind = options.scheme == WeightScheme::Sign ? WeightKind::Binary
                                                         : WeightKind::Ternary;
  auto linear = LinearOp::create(rewriter, op->getLoc(), resultType, x,
                                 quantized.getCodes(),
                                 makeScale(op, product, quantized.getScales()),
                                 *bias, kind, QuantizerAttr());
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
  rewriter.replaceOp(op, linear);
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
      if (isa<onnx::MatMulOp, onnx::GemmOp>(op))
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
