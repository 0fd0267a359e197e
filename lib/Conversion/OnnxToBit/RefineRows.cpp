// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Product.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_REFINEROWS
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// What has the shape of its first operand.
bool isLikeFirst(Operation *op) {
  return isa_and_nonnull<
      onnx::AbsOp, onnx::NegOp, onnx::RoundOp, onnx::FloorOp, onnx::CeilOp,
      onnx::SqrtOp, onnx::ReciprocalOp, onnx::ExpOp, onnx::LogOp, onnx::ErfOp,
      onnx::TanhOp, onnx::SigmoidOp, onnx::ReluOp, onnx::LeakyReluOp,
      onnx::GeluOp, onnx::HardSwishOp, onnx::SignOp, onnx::ClipOp, onnx::CastOp,
      onnx::IdentityOp, onnx::DropoutOp, onnx::SoftmaxOp,
      onnx::LayerNormalizationOp, onnx::RMSNormalizationOp,
      onnx::QuantizeLinearOp, onnx::DequantizeLinearOp,
      onnx::DynamicQuantizeLinearOp>(op);
}

/// What broadcasts all of its operands.
bool isBroadcast(Operation *op) {
  return isa_and_nonnull<onnx::AddOp, onnx::SubOp, onnx::MulOp, onnx::DivOp,
                         onnx::MinOp, onnx::MaxOp, onnx::PowOp, onnx::WhereOp>(
      op);
}

/// The size of a dimension counted from the back; 1 where there is none.
int64_t getSize(Value value, int64_t back) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return ShapedType::kDynamic;
  int64_t dim = type.getRank() - 1 - back;
  return dim < 0 ? 1 : type.getDimSize(dim);
}

/// Whether the user insists on a type: what leaves a block, and what has
/// blocks.
bool insists(Operation *user) {
  return user->hasTrait<OpTrait::IsTerminator>() || user->getNumRegions() > 0;
}

/// Whether the type of `value` may change: those who insist get a cast, which
/// unsigned integers do not have.
bool isFree(Value value) {
  return getElementTypeOrSelf(value).isSignlessIntOrFloat() ||
         llvm::none_of(value.getUsers(), insists);
}

/// Returns the value that the size of `value` comes from: its own operation's
/// where that computes element by element with nothing else of unknown size,
/// and its type may change.
Value findRoot(Value value, int64_t back, DenseMap<Value, Value> &roots) {
  if (auto known = roots.find(value); known != roots.end())
    return known->second;
  roots[value] = value; // also ends the search in a graph with cycles
  Operation *op = value.getDefiningOp();
  Value root;
  if (!isFree(value))
    return value;
  if (isLikeFirst(op) && cast<OpResult>(value).getResultNumber() == 0) {
    root = findRoot(op->getOperand(0), back, roots);
  } else if (isBroadcast(op)) {
    for (Value operand : op->getOperands()) {
      if (getSize(operand, back) == 1)
        continue;
      Value other = findRoot(operand, back, roots);
      if (root && root != other)
        return value;
      root = other;
    }
  }
  if (!root || !ShapedType::isDynamic(getSize(root, back)))
    return value;
  return roots[value] = root;
}

Type withSize(Type type, int64_t back, int64_t size) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape[tensor.getRank() - 1 - back] = size;
  return tensor.clone(shape);
}

/// Gives `value` that size; who insists on the type it had gets it.
void setSize(Value value, int64_t back, int64_t size) {
  Type type = value.getType();
  value.setType(withSize(type, back, size));
  Value cast;
  for (OpOperand &use : llvm::make_early_inc_range(value.getUses())) {
    if (!insists(use.getOwner()))
      continue;
    if (!cast) {
      OpBuilder builder(use.getOwner());
      builder.setInsertionPointAfterValue(value);
      cast = tensor::CastOp::create(builder, value.getLoc(), type, value);
    }
    use.set(cast);
  }
}

/// Tells what computes with `value` element by element what size that has.
void propagate(Value value, int64_t back) {
  int64_t size = getSize(value, back);
  SmallVector<Value> worklist = {value};
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    for (Operation *user : next.getUsers()) {
      bool passes = isBroadcast(user) ||
                    (isLikeFirst(user) && user->getOperand(0) == next);
      if (!passes)
        continue;
      Value result = user->getResult(0);
      if (!ShapedType::isDynamic(getSize(result, back)) || !isFree(result))
        continue;
      setSize(result, back, size);
      worklist.push_back(result);
    }
  }
}

/// Returns `value` with `size` elements in that dimension, which the run
/// checks.
Value makeRefined(Value value, int64_t back, int64_t size, Operation *op) {
  OpBuilder builder(op);
  builder.setInsertionPointAfterValue(value);
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getRank(), 0); // 0 copies the dimension
  shape[type.getRank() - 1 - back] = size;
  Value sizes = arith::ConstantOp::create(builder, builder.getUnknownLoc(),
                                          builder.getI64TensorAttr(shape));
  return onnx::ReshapeOp::create(builder, op->getLoc(),
                                 withSize(type, back, size), value, sizes,
                                 /*allowzero=*/false);
}

struct RefineRows : impl::RefineRowsBase<RefineRows> {
  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      if (isMatMulLike(op))
        refine(op);
    });
  }

  void refine(Operation *op) {
    llvm::Expected<Product> product = getProduct(op);
    if (!product)
      return llvm::consumeError(product.takeError());
    auto x = dyn_cast<RankedTensorType>(product->x.getType());
    auto weight = dyn_cast<RankedTensorType>(product->weight.getType());
    if (!x || x.getRank() == 0 || !weight || weight.getRank() < 2 ||
        !isConstant(product->weight))
      return;
    int64_t k = weight.getDimSize(weight.getRank() -
                                  (product->isWeightTransposed ? 2 : 1));
    if (auto blockwise = dyn_cast<onnx::MSMatMulNBitsOp>(op))
      k = blockwise.getK();
    int64_t last = product->inputPerm.empty() ? x.getRank() - 1
                                              : product->inputPerm.back();
    // 1 would not tell a row of one element from one that is repeated.
    if (last < 0 || !x.isDynamicDim(last) || ShapedType::isDynamic(k) || k <= 1)
      return;
    int64_t back = x.getRank() - 1 - last;
    DenseMap<Value, Value> roots;
    Value root = findRoot(product->x, back, roots);
    // Outside of a branch the check would also run where the branch does not.
    if (root.getParentBlock() != op->getBlock()) {
      ++numDeclined;
      return;
    }
    Value refined = makeRefined(root, back, k, op);
    root.replaceUsesWithIf(refined, [&](OpOperand &use) {
      Operation *user = use.getOwner();
      return user != refined.getDefiningOp() && !insists(user);
    });
    propagate(refined, back);
    ++numRefined;
  }
};

} // namespace
} // namespace bit
