// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products that no lowering knows become MatMuls.

#include "Product.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using llvm::Expected;

namespace bit {

#define GEN_PASS_DEF_LOWERPRODUCTS
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

Value makeAddition(OpBuilder &builder, Operation *op, const Product &product,
                   Value y) {
  Value addend = product.addend;
  if (product.beta != 1) {
    Type element = getElementTypeOrSelf(addend.getType());
    auto type = RankedTensorType::get({}, element);
    Value beta = onnx::ConstantOp::create(
        builder, op->getLoc(), type,
        DenseElementsAttr::get(
            type, builder.getFloatAttr(element, product.beta).getValue()));
    addend = onnx::MulOp::create(builder, op->getLoc(), addend.getType(),
                                 addend, beta);
  }
  return onnx::AddOp::create(builder, op->getLoc(), y.getType(), y, addend);
}

/// The weight as an operand of MatMul, K x N; null if its values are not known.
static Value makeWeight(OpBuilder &builder, Operation *op,
                        const Product &product) {
  Value weight = product.weight;
  if (isa<onnx::MSMatMulNBitsOp>(op)) {
    if (!getElementTypeOrSelf(product.x.getType()).isF32())
      return {};
    Expected<onnx::HostTensor> values = evaluateWeight(product, op);
    if (!values) {
      llvm::consumeError(values.takeError());
      return {};
    }
    weight = onnx::ConstantOp::create(builder, op->getLoc(), values->getType(),
                                      values->toAttr("dequantized"));
  }
  return product.isWeightTransposed
             ? weight
             : makeTranspose(builder, op->getLoc(), weight, {1, 0});
}

static bool lowerProduct(RewriterBase &rewriter, Operation *op) {
  Expected<Product> product = getProduct(op);
  if (!product) {
    llvm::consumeError(product.takeError());
    return false;
  }
  Location loc = op->getLoc();
  auto resultType = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  rewriter.setInsertionPoint(op);
  Value weight = resultType ? makeWeight(rewriter, op, *product) : Value();
  if (!weight)
    return false;
  SmallVector<int64_t> shape(resultType.getShape());
  for (auto [to, from] : llvm::enumerate(product->resultPerm))
    shape[from] = resultType.getDimSize(to);
  auto matmul = onnx::MatMulOp::create(
      rewriter, loc, resultType.clone(shape),
      makeTranspose(rewriter, loc, product->x, product->inputPerm), weight);
  if (Attribute reason = op->getAttr("bit.declined"))
    matmul->setAttr("bit.declined", reason);
  Value y = makeTranspose(rewriter, loc, matmul, product->resultPerm);
  if (product->addend)
    y = makeAddition(rewriter, op, *product, y);
  rewriter.replaceOp(op, y);
  return true;
}

namespace {
struct LowerProducts : impl::LowerProductsBase<LowerProducts> {
  void runOnOperation() override {
    SmallVector<Operation *> products;
    getOperation().walk([&](Operation *op) {
      if (isa<onnx::EinsumOp, onnx::MSMatMulNBitsOp>(op))
        products.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : products)
      lowerProduct(rewriter, op) ? ++numLowered : ++numDeclined;
  }
};
} // namespace

} // namespace bit
