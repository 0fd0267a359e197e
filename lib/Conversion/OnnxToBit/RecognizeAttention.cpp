// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MatMul, Softmax and MatMul as exporters write attention become one Attention.

#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_RECOGNIZEATTENTION
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// What a pattern computes.
struct Attention {
  Value q, k, v, mask;
  double scale = 1, softcap = 0;
  /// A row whose probabilities are NaN is zero.
  bool zeroNan = false;
};

} // namespace

static int64_t getRank(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getRank() : -1;
}

static int64_t getSize(Value value, int64_t dim) {
  return cast<RankedTensorType>(value.getType()).getDimSize(dim);
}

/// The one element of a constant.
static std::optional<double> getScalar(Value value) {
  DenseElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) ||
      elements.getNumElements() != 1 ||
      !isa<FloatType>(elements.getElementType()))
    return std::nullopt;
  return elements.getValues<APFloat>()[0].convertToDouble();
}

/// The result of a node that nobody else reads.
template <typename OpTy> static OpTy getOnlyUsed(Value value) {
  auto op = value.getDefiningOp<OpTy>();
  return op && value.hasOneUse() ? op : OpTy();
}

/// Takes a product with or a quotient by a scalar off `value`, which stays of
/// its rank.
static bool takeFactor(Value &value, double &factor) {
  if (auto mul = getOnlyUsed<onnx::MulOp>(value)) {
    for (auto [x, other] :
         {std::pair(mul.getA(), mul.getB()), std::pair(mul.getB(), mul.getA())})
      if (std::optional<double> scalar = getScalar(other);
          scalar && getRank(x) == getRank(value)) {
        factor *= *scalar;
        value = x;
        return true;
      }
  } else if (auto div = getOnlyUsed<onnx::DivOp>(value)) {
    std::optional<double> scalar = getScalar(div.getB());
    if (scalar && *scalar != 0 && getRank(div.getA()) == getRank(value)) {
      factor /= *scalar;
      value = div.getA();
      return true;
    }
  }
  return false;
}

/// softcap * tanh(x / softcap).
static void takeSoftcap(Value &value, Attention &attention) {
  auto mul = getOnlyUsed<onnx::MulOp>(value);
  if (!mul)
    return;
  std::optional<double> cap = getScalar(mul.getB());
  auto tanh = getOnlyUsed<onnx::TanhOp>(mul.getA());
  if (!cap || !tanh || !(*cap > 0))
    return;
  auto div = getOnlyUsed<onnx::DivOp>(tanh.getInput());
  if (!div || getScalar(div.getB()) != cap)
    return;
  attention.softcap = *cap;
  value = div.getA();
}

/// Heads that were repeated for the queries' ones, before they were.
static Value takeRepetition(Value value) {
  auto reshape = value.getDefiningOp<onnx::ReshapeOp>();
  auto expand = reshape ? reshape.getData().getDefiningOp<onnx::ExpandOp>()
                        : onnx::ExpandOp();
  auto unsqueeze = expand ? expand.getInput().getDefiningOp<onnx::UnsqueezeOp>()
                          : onnx::UnsqueezeOp();
  if (!unsqueeze)
    return value;
  Value source = unsqueeze.getData(), split = unsqueeze.getResult();
  Value repeated = expand.getResult();
  if (getRank(source) != 4 || getRank(split) != 5 || getRank(repeated) != 5)
    return value;
  // Batch and length may be unknown: were they stretched too, sizes would not
  // fit the query's, or equal keys would only share their weight.
  int64_t heads = getSize(source, 1), times = getSize(repeated, 2);
  bool fits = getSize(split, 2) == 1 && heads > 0 && times > 0 &&
              getSize(split, 1) == heads && getSize(repeated, 1) == heads &&
              getSize(value, 1) == heads * times &&
              !ShapedType::isDynamic(getSize(source, 3)) &&
              getSize(value, 3) == getSize(source, 3) &&
              getSize(value, 0) == getSize(source, 0) &&
              getSize(value, 2) == getSize(source, 2);
  return fits ? source : value;
}

/// Which dim of which value element `index` of a shape is.
static std::pair<Value, int64_t> traceSize(Value shape, int64_t index) {
  auto length = [](Value value) {
    return getRank(value) == 1 ? getSize(value, 0) : ShapedType::kDynamic;
  };
  while (Operation *op = shape.getDefiningOp()) {
    if (auto concat = dyn_cast<onnx::ConcatOp>(op)) {
      for (Value input : concat.getInputs()) {
        int64_t count = length(input);
        if (ShapedType::isDynamic(count))
          return {};
        shape = input;
        if (index < count)
          break;
        index -= count;
      }
    } else if (auto slice = dyn_cast<onnx::SliceOp>(op)) {
      DenseIntElementsAttr starts, steps;
      int64_t count = length(slice.getData());
      if (ShapedType::isDynamic(count) ||
          !matchPattern(slice.getStarts(), m_Constant(&starts)) ||
          starts.getNumElements() != 1)
        return {};
      if (slice.getSteps() &&
          (!matchPattern(slice.getSteps(), m_Constant(&steps)) ||
           !(*steps.begin()).isOne()))
        return {};
      int64_t start = (*starts.begin()).getSExtValue();
      index += std::clamp<int64_t>(start < 0 ? start + count : start, 0, count);
      shape = slice.getData();
    } else if (auto of = dyn_cast<onnx::ShapeOp>(op)) {
      auto start = static_cast<int64_t>(of.getStart());
      int64_t rank = getRank(of.getData());
      return {of.getData(), index + (start < 0 ? start + rank : start)};
    } else {
      return {};
    }
  }
  return {};
}

/// Transposed keys of all heads as one batch, which they were before and become
/// again: the keys before that, B x H x T x D. Null where `value` is not so.
static Value takeFlattened(Value value) {
  auto after = value.getDefiningOp<onnx::ReshapeOp>();
  auto transpose = after ? after.getData().getDefiningOp<onnx::TransposeOp>()
                         : onnx::TransposeOp();
  auto before = transpose ? transpose.getData().getDefiningOp<onnx::ReshapeOp>()
                          : onnx::ReshapeOp();
  if (!before || getRank(before.getData()) != 4 ||
      getRank(transpose.getData()) != 3 || getRank(value) != 4)
    return {};
  std::optional<ArrayRef<int64_t>> perm = transpose.getPerm();
  Value keys = before.getData();
  if (!perm || *perm != ArrayRef<int64_t>{0, 2, 1})
    return {};
  // Sizes are known, or the shape says which they are.
  auto isSize = [&](onnx::ReshapeOp reshape, int64_t dim, int64_t of) {
    int64_t size = getSize(keys, of);
    if (!ShapedType::isDynamic(size))
      return getSize(reshape.getResult(), dim) == size;
    auto [source, index] = traceSize(reshape.getShape(), dim);
    return source == keys && index == of;
  };
  bool fits = isSize(before, 1, 2) && isSize(before, 2, 3) &&
              isSize(after, 0, 0) && isSize(after, 1, 1) &&
              isSize(after, 2, 3) && isSize(after, 3, 2);
  return fits ? keys : Value();
}

/// Keys from the right operand of their product, B x H x D x T.
static Value takeKeys(OpBuilder &builder, Value value, double &factor) {
  takeFactor(value, factor);
  if (Value keys = takeFlattened(value)) {
    takeFactor(keys, factor);
    return takeRepetition(keys);
  }
  SmallVector<int64_t> perm = {0, 1, 3, 2};
  Location loc = value.getLoc();
  if (auto transpose = value.getDefiningOp<onnx::TransposeOp>()) {
    if (std::optional<ArrayRef<int64_t>> given = transpose.getPerm();
        given && given->size() == 4) {
      perm.assign(given->begin(), given->end());
      std::swap(perm[2], perm[3]);
      value = transpose.getData();
    }
  }
  if (isIdentityPermutation(perm)) {
    takeFactor(value, factor);
    return takeRepetition(value);
  }
  SmallVector<int64_t> shape;
  for (int64_t dim : perm)
    shape.push_back(getSize(value, dim));
  auto type = cast<RankedTensorType>(value.getType());
  return onnx::TransposeOp::create(builder, loc, type.clone(shape), value,
                                   builder.getDenseI64ArrayAttr(perm));
}

/// Where(IsNaN(p), 0, p): rows that are hidden altogether are zero.
static bool takeGuard(Value &value) {
  auto where = getOnlyUsed<onnx::WhereOp>(value);
  if (!where || getScalar(where.getX()) != 0.0)
    return false;
  auto isNan = getOnlyUsed<onnx::IsNaNOp>(where.getCondition());
  Value p = where.getY();
  if (!isNan || isNan.getX() != p || !llvm::all_of(p.getUsers(), [&](auto *op) {
        return op == where.getOperation() || op == isNan.getOperation();
      }))
    return false;
  value = p;
  return true;
}

/// Whether a mask of this shape leaves the scores' as it is.
static bool canMask(Value mask, Value scores) {
  int64_t rank = getRank(mask), extra = 4 - rank;
  if (rank < 1 || rank > 4)
    return false;
  for (int64_t i = 0; i < rank; ++i)
    if (getSize(scores, i + extra) == 1 && getSize(mask, i) != 1)
      return false;
  return true;
}

static std::optional<Attention> match(OpBuilder &builder,
                                      onnx::MatMulOp result) {
  Attention attention;
  Value p = result.getA();
  attention.zeroNan = takeGuard(p);
  auto softmax = p.getDefiningOp<onnx::SoftmaxOp>();
  auto isUsedHere = [&] { return attention.zeroNan || p.hasOneUse(); };
  if (!softmax || !isUsedHere() || getRank(p) != 4 ||
      getRank(result.getB()) != 4 || getRank(result.getY()) != 4 ||
      !getElementTypeOrSelf(p.getType()).isF32())
    return std::nullopt;
  auto axis = static_cast<int64_t>(softmax.getAxis());
  if (axis != -1 && axis != 3)
    return std::nullopt;
  Value scores = softmax.getInput();
  // A mask is whichever operand does not lead to the product.
  auto matchProduct = [&](Value value) {
    double factor = 1;
    Attention found = attention;
    takeSoftcap(value, found);
    while (takeFactor(value, factor)) {
    }
    auto product = getOnlyUsed<onnx::MatMulOp>(value);
    if (!product || getRank(value) != 4 || getRank(product.getA()) != 4 ||
        getRank(product.getB()) != 4)
      return onnx::MatMulOp();
    found.scale = factor;
    attention = found;
    return product;
  };
  onnx::MatMulOp product = matchProduct(scores);
  if (auto add = product ? onnx::AddOp() : getOnlyUsed<onnx::AddOp>(scores))
    for (auto [value, mask] :
         {std::pair(add.getA(), add.getB()), std::pair(add.getB(), add.getA())})
      if (!product && canMask(mask, value) && (product = matchProduct(value)))
        attention.mask = mask;
  if (!product)
    return std::nullopt;
  Value keys = product.getB();
  builder.setInsertionPoint(result);
  attention.q = product.getA();
  while (takeFactor(attention.q, attention.scale)) {
  }
  attention.k = takeKeys(builder, keys, attention.scale);
  attention.v = takeRepetition(result.getB());
  // Both or none: they share the queries' heads alike.
  if (getSize(attention.k, 1) != getSize(attention.v, 1)) {
    attention.v = result.getB();
    if (getSize(attention.k, 1) != getSize(attention.v, 1))
      return std::nullopt;
  }
  int64_t heads = getSize(attention.q, 1), shared = getSize(attention.k, 1);
  if (heads <= 0 || shared <= 0 || heads % shared != 0 ||
      ShapedType::isDynamic(getSize(attention.q, 3)) ||
      !std::isfinite(static_cast<float>(attention.scale)))
    return std::nullopt;
  // MatMul repeats a batch of 1, Attention does not.
  for (Value other : {attention.k, attention.v})
    if (getSize(other, 0) != getSize(attention.q, 0))
      return std::nullopt;
  if (shared != heads && product.getB().getType() != keys.getType())
    return std::nullopt;
  return attention;
}

static void replace(RewriterBase &rewriter, onnx::MatMulOp op,
                    const Attention &attention) {
  rewriter.setInsertionPoint(op);
  SmallVector<Value> operands = {attention.q, attention.k, attention.v};
  if (attention.mask)
    operands.push_back(attention.mask);
  OperationState state(op.getLoc(), onnx::AttentionOp::getOperationName());
  state.addOperands(operands);
  state.addTypes(op.getType());
  auto &properties = state.getOrAddProperties<onnx::AttentionOp::Properties>();
  properties.operandSegmentSizes = {1, 1, 1, attention.mask ? 1 : 0, 0, 0, 0};
  properties.resultSegmentSizes = {1, 0, 0, 0};
  properties.scale =
      rewriter.getF32FloatAttr(static_cast<float>(attention.scale));
  if (attention.softcap != 0)
    properties.softcap =
        rewriter.getF32FloatAttr(static_cast<float>(attention.softcap));
  state.addAttribute("bit.pattern", rewriter.getStringAttr(
                                        attention.zeroNan ? "zero" : "nan"));
  rewriter.replaceOp(op, rewriter.create(state)->getResults());
}

namespace {
struct RecognizeAttention : impl::RecognizeAttentionBase<RecognizeAttention> {
  void runOnOperation() override {
    SmallVector<onnx::MatMulOp> products;
    getOperation().walk([&](onnx::MatMulOp op) { products.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (onnx::MatMulOp op : products) {
      std::optional<Attention> attention = match(rewriter, op);
      if (!attention) {
        ++numDeclined;
        continue;
      }
      ++numRecognized;
      replace(rewriter, op, *attention);
    }
  }
};
} // namespace

} // namespace bit
