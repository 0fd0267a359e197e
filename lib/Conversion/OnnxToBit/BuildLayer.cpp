// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands around a layer so that it computes what a product does: casts and
// transpositions before it, additions, transpositions and casts after it.

#include "Product.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

namespace bit {

static std::string getText(Type element) {
  std::string text;
  llvm::raw_string_ostream(text) << element;
  return text;
}

/// The permutation of `op`, which without one reverses the dimensions.
static SmallVector<int64_t> getPerm(onnx::TransposeOp op) {
  if (std::optional<ArrayRef<int64_t>> perm = op.getPerm())
    return llvm::to_vector(*perm);
  int64_t rank = cast<RankedTensorType>(op.getData().getType()).getRank();
  return llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
}

/// What `second` makes of the dimensions that `first` has permuted.
static SmallVector<int64_t> compose(ArrayRef<int64_t> first,
                                    ArrayRef<int64_t> second) {
  SmallVector<int64_t> both;
  for (int64_t dim : second)
    both.push_back(first[dim]);
  return both;
}

static bool isIdentity(ArrayRef<int64_t> perm) { return llvm::is_sorted(perm); }

Value makeTranspose(OpBuilder &builder, Location loc, Value x,
                    ArrayRef<int64_t> perm) {
  if (perm.empty())
    return x;
  // Whoever looks for a quantizer finds it behind one transposition, or none.
  SmallVector<int64_t> both(perm);
  if (auto producer = x.getDefiningOp<onnx::TransposeOp>();
      producer && isa<RankedTensorType>(producer.getData().getType())) {
    both = compose(getPerm(producer), perm);
    x = producer.getData();
  }
  if (isIdentity(both))
    return x;
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<int64_t> shape;
  for (int64_t dim : both)
    shape.push_back(type.getDimSize(dim));
  return onnx::TransposeOp::create(builder, loc, type.clone(shape), x,
                                   builder.getDenseI64ArrayAttr(both));
}

Value makeCast(OpBuilder &builder, Location loc, Type element, Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  if (type.getElementType() == element)
    return x;
  // TensorProto's numbers of the types.
  int64_t to = element.isF32()         ? 1
               : element.isInteger(32) ? 6
               : element.isF16()       ? 10
                                       : 16;
  return onnx::CastOp::create(
      builder, loc, type.clone(element), x, builder.getStringAttr("up"),
      builder.getI64IntegerAttr(1), builder.getI64IntegerAttr(to));
}

Error checkTypes(const Product &product, Operation *op) {
  auto xType = dyn_cast<RankedTensorType>(product.x.getType());
  auto resultType = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!xType || !resultType)
    return createStringError("its shapes are not known");
  Type element = xType.getElementType();
  if (!product.isInteger && !element.isF32() && !element.isF16() &&
      !element.isBF16())
    return createStringError("it computes in " + getText(element) +
                             ", layers in float32, float16 and bfloat16");
  return Error::success();
}

bool hasMoreDimensions(const Product &product, Operation *op) {
  auto x = cast<RankedTensorType>(product.x.getType());
  auto weight = dyn_cast<RankedTensorType>(product.weight.getType());
  return isa<onnx::MatMulOp, onnx::MSFusedMatMulOp>(op) && weight &&
         weight.getRank() > std::max<int64_t>(x.getRank(), 2);
}

Expected<Value> makeRows(OpBuilder &builder, const Product &product, int64_t k,
                         Operation *op) {
  auto type = cast<RankedTensorType>(product.x.getType());
  int64_t last =
      product.inputPerm.empty() ? type.getRank() - 1 : product.inputPerm.back();
  if (last < 0 || type.getDimSize(last) != k)
    return createStringError("its activations are not known to have rows of " +
                             std::to_string(k) + " elements");
  return makeCast(
      builder, op->getLoc(), builder.getF32Type(),
      makeTranspose(builder, op->getLoc(), product.x, product.inputPerm));
}

Value makeBias(OpBuilder &builder, const Product &product, int64_t n) {
  if (!product.addend || product.beta == 0 || !product.resultPerm.empty() ||
      product.isInteger)
    return {};
  auto type = cast<RankedTensorType>(product.addend.getType());
  if (product.beta == 1 && type.getShape() == ArrayRef<int64_t>{n} &&
      type.getElementType().isF32())
    return product.addend;
  Expected<onnx::HostTensor> value = onnx::evaluate(product.addend);
  if (!value) {
    llvm::consumeError(value.takeError());
    return {};
  }
  if (value->size() != 1 && (value->size() != n || type.getShape().back() != n))
    return {};
  std::vector<float> bias(n);
  for (int64_t i = 0; i < n; ++i)
    bias[i] = float(value->at(value->size() == 1 ? 0 : i) * product.beta);
  return arith::ConstantOp::create(
      builder, builder.getUnknownLoc(),
      DenseElementsAttr::get(RankedTensorType::get({n}, builder.getF32Type()),
                             ArrayRef<float>(bias)));
}

RankedTensorType getLayerType(const Product &product, Operation *op) {
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<int64_t> shape(resultType.getShape());
  for (auto [to, from] : llvm::enumerate(product.resultPerm))
    shape[from] = resultType.getDimSize(to);
  return RankedTensorType::get(shape, Float32Type::get(op->getContext()));
}

void replaceByLayer(RewriterBase &rewriter, Operation *op,
                    const Product &product, Value y, bool hasBias) {
  // Whoever wants the rows back has them.
  if (!product.resultPerm.empty() && !product.addend)
    for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
      if (auto transpose = dyn_cast<onnx::TransposeOp>(user);
          transpose && user->getResult(0).getType() == y.getType() &&
          isIdentity(compose(product.resultPerm, getPerm(transpose))))
        rewriter.replaceOp(user, y);
  if (op->use_empty())
    return rewriter.eraseOp(op);
  y = makeTranspose(rewriter, op->getLoc(), y, product.resultPerm);
  if (product.isInteger) {
    // Whoever wants the sums as floats has them.
    for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
      if (isa<onnx::CastOp, onnx::CastLikeOp>(user) &&
          user->getResult(0).getType() == y.getType())
        rewriter.replaceOp(user, y);
    if (op->use_empty())
      return rewriter.eraseOp(op);
  }
  y = makeCast(rewriter, op->getLoc(),
               getElementTypeOrSelf(op->getResult(0).getType()), y);
  if (product.addend && product.beta != 0 && !hasBias)
    y = makeAddition(rewriter, op, product, y);
  rewriter.replaceOp(op, y);
}

} // namespace bit
