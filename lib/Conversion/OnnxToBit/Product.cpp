// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Product.h"
#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

namespace bit {
namespace {

int64_t getRank(Value value) {
  return cast<ShapedType>(value.getType()).getRank();
}

/// The permutation that swaps the last two dimensions; empty below rank 2.
SmallVector<int64_t> swapLast(int64_t rank) {
  if (rank < 2)
    return {};
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(perm[rank - 2], perm[rank - 1]);
  return perm;
}

/// The product of `a` and `b` over the last dimension of `a` and the one before
/// the last of `b`, or the other one of those that are transposed.
Product fromSides(Value a, bool isATransposed, Value b, bool isBTransposed) {
  Product product;
  if (!isConstant(b) && isConstant(a)) {
    // (a b) = (b^T a^T)^T
    product.x = b;
    product.weight = a;
    product.isWeightTransposed = isATransposed;
    if (!isBTransposed)
      product.inputPerm = swapLast(getRank(b));
    product.resultPerm = swapLast(getRank(b));
    return product;
  }
  product.x = a;
  product.weight = b;
  product.isWeightTransposed = !isBTransposed;
  if (isATransposed)
    product.inputPerm = swapLast(getRank(a));
  return product;
}

/// Looks through what only renames or transposes a weight, so that its users
/// share it.
void peel(Product &product) {
  while (Operation *op = product.weight.getDefiningOp()) {
    if (isa<onnx::IdentityOp>(op)) {
      product.weight = op->getOperand(0);
      continue;
    }
    auto transpose = dyn_cast<onnx::TransposeOp>(op);
    if (!transpose || getRank(product.weight) != 2)
      return;
    std::optional<ArrayRef<int64_t>> perm = transpose.getPerm();
    if (!perm || *perm == ArrayRef<int64_t>{1, 0})
      product.isWeightTransposed = !product.isWeightTransposed;
    product.weight = transpose.getData();
  }
}

Expected<Product> getUnpeeled(Operation *op) {
  if (auto matmul = dyn_cast<onnx::MatMulOp>(op))
    return fromSides(matmul.getA(), false, matmul.getB(), false);
  if (auto gemm = dyn_cast<onnx::GemmOp>(op)) {
    Product product = fromSides(gemm.getA(), gemm.getTransA() != 0, gemm.getB(),
                                gemm.getTransB() != 0);
    product.alpha = gemm.getAlpha().convertToDouble();
    product.beta = gemm.getBeta().convertToDouble();
    product.addend = gemm.getC();
    return product;
  }
  if (auto fused = dyn_cast<onnx::MSFusedMatMulOp>(op)) {
    if (fused.getTransBatchA() || fused.getTransBatchB())
      return createStringError("it moves the batch dimensions of its operands");
    Product product = fromSides(fused.getA(), fused.getTransA() != 0,
                                fused.getB(), fused.getTransB() != 0);
    product.alpha = fused.getAlpha().convertToDouble();
    return product;
  }
  if (auto einsum = dyn_cast<onnx::EinsumOp>(op))
    return getEinsumProduct(einsum);
  if (auto blockwise = dyn_cast<onnx::MSMatMulNBitsOp>(op)) {
    Product product;
    product.x = blockwise.getA();
    product.weight = blockwise.getB();
    product.addend = blockwise.getBias();
    return product;
  }
  if (auto integer = dyn_cast<onnx::MatMulIntegerOp>(op)) {
    Product product;
    product.x = integer.getA();
    product.weight = integer.getB();
    product.isWeightTransposed = true;
    product.isInteger = true;
    product.zeroPoint = integer.getAZeroPoint();
    return product;
  }
  return createStringError(op->getName().stripDialect().str() +
                           " is not among the operators whose weights are "
                           "looked at");
}

} // namespace

bool isMatMulLike(Operation *op) {
  return isa<onnx::MatMulOp, onnx::GemmOp, onnx::MatMulIntegerOp,
             onnx::QLinearMatMulOp, onnx::EinsumOp, onnx::MSMatMulNBitsOp,
             onnx::MSDynamicQuantizeMatMulOp, onnx::MSMatMulIntegerToFloatOp,
             onnx::MSFusedMatMulOp>(op);
}

bool isConstant(Value value) { return onnx::isComputable(value); }

Expected<Product> getProduct(Operation *op) {
  Expected<Product> product = getUnpeeled(op);
  // The others take their weight apart by its own layout.
  if (product && !isa<onnx::MSMatMulNBitsOp, onnx::MatMulIntegerOp>(op))
    peel(*product);
  return product;
}

Expected<onnx::HostTensor> evaluateWeight(const Product &product,
                                          Operation *op) {
  if (auto blockwise = dyn_cast<onnx::MSMatMulNBitsOp>(op))
    return dequantize(blockwise);
  if (auto integer = dyn_cast<onnx::MatMulIntegerOp>(op))
    return subtractZeroPoint(integer);
  Expected<onnx::HostTensor> values = onnx::evaluate(product.weight);
  if (!values)
    return createStringError("weight is not constant: " +
                             llvm::toString(values.takeError()));
  return values;
}

Expected<WeightLevels> evaluateLevels(const Product &product, Operation *op) {
  if (isa<onnx::MSMatMulNBitsOp, onnx::MatMulIntegerOp>(op)) {
    Expected<onnx::HostTensor> values = evaluateWeight(product, op);
    if (!values)
      return values.takeError();
    return findWeightLevels(*values, product.isWeightTransposed);
  }
  Expected<onnx::Chain> chain = onnx::evaluateChain(product.weight);
  if (!chain)
    return createStringError("weight is not constant: " +
                             llvm::toString(chain.takeError()));
  return findWeightLevels(*chain, product.isWeightTransposed);
}

} // namespace bit
