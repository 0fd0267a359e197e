// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GroupScales.h"
#include "WeightEvaluation.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Packing.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_PACKWEIGHTS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"

namespace {

/// Smaller constants are part of the IR's text, larger ones resources.
constexpr int64_t maxInlineBytes = 1024;

/// The most elements of a constant of one value that are packed.
constexpr int64_t maxSplat = int64_t(1) << 30;

/// The product of a layer, whatever ops it consists of.
struct Product {
  Operation *op;   ///< whose result the packed product replaces
  Operation *also; ///< an op that is then without use, or null
  Value x, w, wScale, xScale, sum, bias;
  WeightKind weights;
  DenseI64ArrayAttr range;
  int64_t groups;
};

/// What the pass was asked for.
struct Wishes {
  ArrayRef<PackingRule> rules;
  ArrayRef<const Kernel *> kernels; ///< tried where no rule holds
  int64_t modelWeights;
  bool looksUp;
};

class WeightPacker {
public:
  /// A product is packed for the first kernel of `wishes` that supports it.
  WeightPacker(ModuleOp module, const Wishes &wishes)
      : module(module), wishes(wishes) {}

  /// Succeeds if the product was packed. Fails after a remark, or, if `invalid`
  /// is then set, after an error.
  LogicalResult pack(const Product &product);
  bool isInvalid() const { return invalid; }

  /// Releases the memory of packed codes that nothing uses any more.
  void releaseCodes();

private:
  LogicalResult decline(const Product &product, const Twine &reason) {
    product.op->emitRemark("left to the reference lowering: " + reason);
    return failure();
  }
  LogicalResult fail(const Product &product, const Twine &message) {
    product.op->emitError(message);
    invalid = true;
    return failure();
  }
  std::string whyNot(const Product &product, const PackedMatmulSpec &spec,
                     const Kernel &kernel);
  const Kernel *choose(const Product &product, const PackedMatmulSpec &spec,
                       std::string &reason);
  FailureOr<ElementsAttr> packConstant(const Product &product,
                                       const Kernel &kernel,
                                       ElementsAttr codes);
  FailureOr<ElementsAttr> packWeight(const Product &product,
                                     const Kernel &kernel,
                                     QuantizeWeightOp weight);
  ElementsAttr packCodes(const Kernel &kernel, ArrayRef<int8_t> codes,
                         int64_t n, int64_t k);
  LogicalResult checkCodes(const Product &product, ArrayRef<int8_t> codes,
                           int64_t k);

  ModuleOp module;
  const Wishes &wishes;
  DenseMap<std::pair<Attribute, const Kernel *>, ElementsAttr> packedOf;
  DenseMap<std::pair<Operation *, const Kernel *>, ElementsAttr> packedOfWeight;
  bool invalid = false;
};

} // namespace

/// The elements of an i8 constant; `splat` holds them where the constant does
/// not. Nothing if they are not there.
static std::optional<ArrayRef<int8_t>> getCodes(ElementsAttr attr,
                                                std::vector<int8_t> &splat) {
  size_t count = attr.getNumElements();
  if (auto dense = dyn_cast<DenseIntElementsAttr>(attr)) {
    if (dense.isSplat()) {
      splat.assign(count, dense.getSplatValue<int8_t>());
      return ArrayRef<int8_t>(splat);
    }
    ArrayRef<char> raw = dense.getRawData();
    return ArrayRef(reinterpret_cast<const int8_t *>(raw.data()), raw.size());
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (blob && blob->getData().size() == count)
      return blob->getDataAs<int8_t>();
  }
  return std::nullopt;
}

LogicalResult WeightPacker::checkCodes(const Product &product,
                                       ArrayRef<int8_t> codes, int64_t k) {
  bool binary = product.weights == WeightKind::Binary;
  // Without a branch a code: vectorized.
  bool wrong = false;
  for (int8_t code : codes)
    wrong |= (uint8_t(code + 1) > 2) | (binary & (code == 0));
  if (!wrong)
    return success();
  for (auto [i, code] : llvm::enumerate(codes))
    if (code < -1 || code > 1 || (binary && code == 0))
      return fail(product, Twine("expects ") + stringifyEnum(product.weights) +
                               " weight codes, got " + Twine(int(code)) +
                               " at [" + Twine(i / k) + ", " + Twine(i % k) +
                               "]");
  return success();
}

/// Why `kernel` cannot compute a product; empty: it can.
std::string WeightPacker::whyNot(const Product &product,
                                 const PackedMatmulSpec &spec,
                                 const Kernel &kernel) {
  std::string reason;
  // The kernel says why as an error; here it is a remark.
  ScopedDiagnosticHandler handler(product.op->getContext(),
                                  [&](Diagnostic &diagnostic) {
                                    reason = diagnostic.str();
                                    return success();
                                  });
  if (failed(kernel.supports(spec,
                             [&] { return emitError(product.op->getLoc()); })))
    return reason;
  if (!spec.floatActivations &&
      spec.getSummedK() > kernel.getMaxK(spec.low, spec.high))
    return ("its sums of k = " + Twine(spec.getSummedK()) +
            " products could overflow")
        .str();
  return "";
}

/// The kernel that packs a product, null if none does; `reason` then says why
/// the last one does not. Else it says why the first rule does not hold, and is
/// empty if that one does or there is none.
const Kernel *WeightPacker::choose(const Product &product,
                                   const PackedMatmulSpec &spec,
                                   std::string &reason) {
  auto *dialect = module.getContext()->getLoadedDialect<BitDialect>();
  LayerToPack layer{spec, std::nullopt, wishes.modelWeights, wishes.looksUp};
  auto x = cast<RankedTensorType>(product.x.getType());
  if (!x.isDynamicDim(0))
    layer.tokens = x.getDimSize(0);
  std::string declined;
  for (const PackingRule &rule : wishes.rules) {
    const Kernel *kernel = dialect->getKernels().lookup(rule.kernel);
    if (!kernel)
      continue;
    std::string why = rule.decline(layer);
    if (why.empty())
      why = whyNot(product, spec, *kernel);
    if (why.empty())
      return kernel;
    if (declined.empty())
      declined = why;
  }
  for (const Kernel *kernel : wishes.kernels) {
    reason = whyNot(product, spec, *kernel);
    if (reason.empty()) {
      reason = declined;
      return kernel;
    }
  }
  return nullptr;
}

FailureOr<ElementsAttr> WeightPacker::packConstant(const Product &product,
                                                   const Kernel &kernel,
                                                   ElementsAttr attr) {
  // Ternary codes are no binary ones, so the kind belongs to the key; but codes
  // that were packed as one kind need a check only.
  std::vector<int8_t> splat;
  std::optional<ArrayRef<int8_t>> codes = getCodes(attr, splat);
  if (!codes)
    return fail(product, "expects weight codes with their values, got an "
                         "elided resource");
  int64_t n = attr.getShapedType().getDimSize(0);
  int64_t k = attr.getShapedType().getDimSize(1);
  if (failed(checkCodes(product, *codes, k)))
    return failure();
  ElementsAttr &packed = packedOf[{attr, &kernel}];
  if (!packed)
    packed = packCodes(kernel, *codes, n, k);
  return packed;
}

/// Floats become bytes here and nowhere else, so that the codes of one weight
/// at a time exist.
FailureOr<ElementsAttr> WeightPacker::packWeight(const Product &product,
                                                 const Kernel &kernel,
                                                 QuantizeWeightOp weight) {
  if (ElementsAttr packed = packedOfWeight.lookup({weight, &kernel}))
    return packed;
  FailureOr<std::vector<int8_t>> codes = evaluateCodes(weight);
  RankedTensorType type = weight.getCodes().getType();
  if (failed(codes) ||
      failed(checkCodes(product, *codes, type.getDimSize(1)))) {
    invalid = true;
    return failure();
  }
  ElementsAttr packed =
      packCodes(kernel, *codes, type.getDimSize(0), type.getDimSize(1));
  packedOfWeight[{weight, &kernel}] = packed;
  return packed;
}

ElementsAttr WeightPacker::packCodes(const Kernel &kernel,
                                     ArrayRef<int8_t> codes, int64_t n,
                                     int64_t k) {
  int64_t bytes = kernel.getPackedBytes(n, k);
  Builder builder(module.getContext());
  auto type = RankedTensorType::get(bytes, builder.getI8Type());
  if (bytes <= maxInlineBytes) {
    std::vector<uint8_t> data(bytes);
    kernel.pack(codes, n, k, data);
    return DenseElementsAttr::getFromRawBuffer(
        type, ArrayRef(reinterpret_cast<const char *>(data.data()), bytes));
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, /*align=*/64);
  MutableArrayRef<char> data = blob.getMutableData();
  kernel.pack(codes, n, k,
              MutableArrayRef(reinterpret_cast<uint8_t *>(data.data()), bytes));
  return DenseResourceElementsAttr::get(type, "packed", std::move(blob));
}

LogicalResult WeightPacker::pack(const Product &product) {
  ElementsAttr codes;
  auto weight = product.w.getDefiningOp<QuantizeWeightOp>();
  if (weight ? !isConstantWeight(weight)
             : !matchPattern(product.w, m_Constant(&codes)))
    return decline(product, "its weights are not constant");
  if (product.xScale && !product.sum)
    return decline(product, "its codes are not from bit.absmax_quantize");

  auto type = cast<RankedTensorType>(product.op->getResult(0).getType());
  PackedMatmulSpec spec;
  auto codesType = cast<RankedTensorType>(product.w.getType());
  spec.n = codesType.getDimSize(0);
  spec.k = codesType.getDimSize(1);
  if (spec.n == 0 || spec.k == 0)
    return decline(product, "it has no weights");
  // No file's size bounds a splat's: its bytes would be made from nothing.
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(codes);
      dense && dense.isSplat() && codes.getNumElements() > maxSplat)
    return decline(product, "it has " + Twine(codes.getNumElements()) +
                                " weights of one value");
  spec.groups = product.groups;
  if (spec.groups != 1 && !matchPattern(product.wScale, m_Constant()) &&
      (!weight || !isScaleOf(product.wScale, weight)))
    return decline(product, "its weight scales are not constant");
  spec.weights = product.weights;
  spec.floatActivations = !product.xScale;
  if (product.range)
    std::tie(spec.low, spec.high) =
        std::pair(product.range[0], product.range[1]);
  std::string reason;
  const Kernel *kernel = choose(product, spec, reason);
  if (!kernel)
    return decline(product, reason);

  FailureOr<ElementsAttr> packed = weight
                                       ? packWeight(product, *kernel, weight)
                                       : packConstant(product, *kernel, codes);
  if (failed(packed))
    return failure();
  OpBuilder builder(product.op);
  Location loc = product.op->getLoc();
  Value bytes = arith::ConstantOp::create(builder, loc, *packed);
  // Evaluating the weight may have made it a constant just now.
  auto linear = dyn_cast<LinearOp>(product.op);
  Value wScale =
      linear ? linear.getScale() : cast<RescaleOp>(product.op).getWScale();
  Value sum = product.sum;
  if (int64_t rank = sum ? cast<RankedTensorType>(sum.getType()).getRank() : 1;
      rank != 1)
    sum = tensor::CollapseShapeOp::create(
        builder, loc, sum,
        ReassociationIndices(llvm::to_vector(llvm::seq<int64_t>(0, rank))));
  if (spec.groups != 1) {
    ElementsAttr scales;
    matchPattern(wScale, m_Constant(&scales));
    std::optional<ElementsAttr> blocked =
        blockGroupScales(scales, kernel->getScaleRows());
    if (!blocked)
      return fail(product, "expects weight scales with their values, got an "
                           "elided resource");
    wScale = arith::ConstantOp::create(builder, loc, *blocked);
    if (sum)
      sum = buildGroupSums(builder, loc, product.x, spec.groups);
  } else if (cast<RankedTensorType>(wScale.getType()).getRank() == 2) {
    // One group is a channel.
    wScale = tensor::CollapseShapeOp::create(builder, loc, wScale,
                                             ReassociationIndices{0, 1});
  }
  SmallVector<OpFoldResult> sizes = {
      tensor::getMixedSize(builder, loc, product.x, 0),
      builder.getIndexAttr(spec.n)};
  Value init =
      tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
  auto matmul = PackedMatmulOp::create(
      builder, loc, product.x, bytes, wScale, product.xScale, sum, product.bias,
      init, spec.n, spec.k, product.weights, product.range,
      KernelAttr::get(builder.getContext(), kernel->getName()));
  matmul->setDiscardableAttrs(product.op->getDiscardableAttrDictionary());
  if (!reason.empty())
    matmul->setAttr(packingDeclinedName, builder.getStringAttr(reason));
  Value y = matmul.getY();
  if (y.getType() != type)
    y = tensor::CastOp::create(builder, loc, type, y);
  product.op->getResult(0).replaceAllUsesWith(y);
  product.op->erase();
  if (product.also)
    product.also->erase();
  if (Operation *constant = product.w.getDefiningOp();
      constant && isOpTriviallyDead(constant)) {
    if (weight)
      eraseWeight(weight);
    else
      constant->erase();
  }
  return success();
}

void WeightPacker::releaseCodes() {
  DenseSet<Attribute> used;
  module.walk([&](Operation *op) {
    for (NamedAttribute attribute : op->getAttrs())
      attribute.getValue().walk(
          [&](DenseResourceElementsAttr attr) { used.insert(attr); });
  });
  for (auto [key, packed] : packedOf)
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(key.first);
        resource && !used.contains(resource))
      DenseResourceElementsHandle::getManagerInterface(module.getContext())
          .update(resource.getRawHandle().getKey(), AsmResourceBlob());
}

/// The product that ends in `op`, if there is one.
static std::optional<Product> matchProduct(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op)) {
    RankedTensorType x = linear.getX().getType();
    if (linear.getQuantizer() || x.getRank() != 2 ||
        !x.getElementType().isF32())
      return std::nullopt;
    return Product{op,
                   nullptr,
                   linear.getX(),
                   linear.getCodes(),
                   linear.getScale(),
                   /*xScale=*/nullptr,
                   /*sum=*/nullptr,
                   linear.getBias(),
                   linear.getWeights(),
                   /*range=*/nullptr,
                   linear.getGroups()};
  }
  auto rescale = dyn_cast<RescaleOp>(op);
  if (!rescale)
    return std::nullopt;
  auto matmul = rescale.getAcc().getDefiningOp<TernaryMatmulOp>();
  if (!matmul || !matmul->hasOneUse())
    return std::nullopt;
  // Codes of samples are quantized before they become a matrix.
  Value sum, codes = matmul.getCodes();
  if (auto collapse = codes.getDefiningOp<tensor::CollapseShapeOp>())
    codes = collapse.getSrc();
  if (auto quantize = codes.getDefiningOp<AbsmaxQuantizeOp>())
    sum = quantize.getSum();
  return Product{op,
                 matmul,
                 matmul.getCodes(),
                 matmul.getW(),
                 rescale.getWScale(),
                 rescale.getXScale(),
                 sum,
                 rescale.getBias(),
                 matmul.getWeights(),
                 matmul.getRangeAttr(),
                 static_cast<int64_t>(matmul.getGroups().value_or(1))};
}

namespace {

struct PackWeights : impl::PackWeightsBase<PackWeights> {
  using PackWeightsBase::PackWeightsBase;

  void runOnOperation() override {
    auto *dialect = getContext().getLoadedDialect<BitDialect>();
    SmallVector<const Kernel *> chosen;
    for (const std::string &name :
         {std::string(binaryKernel), std::string(kernel)}) {
      chosen.push_back(dialect->getKernels().lookup(name));
      if (chosen.back())
        continue;
      getOperation().emitError()
          << "expects a registered kernel to pack for, got '" << name << "'";
      return signalPassFailure();
    }
    Wishes wishes{getPackingRules(packing), chosen, 0, looksUp};
    SmallVector<Operation *> products = collectProducts(wishes.modelWeights);
    WeightPacker packer(getOperation(), wishes);
    // Matched again: a product may read one that was just replaced.
    for (Operation *op : products)
      ++(succeeded(packer.pack(*matchProduct(op))) ? numPacked : numDeclined);
    packer.releaseCodes();
    if (packer.isInvalid())
      signalPassFailure();
  }

private:
  /// The ends of all products, and how many weights they have.
  SmallVector<Operation *> collectProducts(int64_t &weights) {
    SmallVector<Operation *> products;
    getOperation().walk([&](Operation *op) {
      auto product = matchProduct(op);
      if (!product)
        return;
      products.push_back(op);
      weights += cast<RankedTensorType>(product->w.getType()).getNumElements();
    });
    return products;
  }
};

} // namespace

} // namespace bit
