// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/Eval/Passes.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using llvm::Expected;

namespace bit::onnx {

#define GEN_PASS_DEF_FOLDCONSTANTS
#include "bit/Dialect/Onnx/Eval/Passes.h.inc"

namespace {

int64_t getBytes(Value value) {
  auto type = cast<ShapedType>(value.getType());
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

/// Lists the operations below `root` that compute constants, and the values of
/// them that other operations read, but for those that evaluate them later.
SmallVector<Value> findConstants(Operation *root, ArrayRef<std::string> leave,
                                 SmallVectorImpl<Operation *> &constant) {
  llvm::DenseSet<Operation *> isConstant;
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!isa_and_nonnull<OnnxDialect>(op->getDialect()) ||
        op->getNumResults() == 0 || op->getNumRegions() != 0 ||
        !isComputable(op->getResult(0)))
      return;
    isConstant.insert(op);
    constant.push_back(op);
  });
  SmallVector<Value> last;
  for (Operation *op : constant)
    for (Value value : op->getResults())
      if (!isa<ConstantOp>(op) &&
          llvm::any_of(value.getUsers(), [&](Operation *user) {
            return !isConstant.contains(user) &&
                   !llvm::is_contained(leave, user->getName().getStringRef());
          }))
        last.push_back(value);
  return last;
}

/// Puts the branch that a constant chooses in the place of the If: the other
/// one goes, with its layers. Where that would change a type it stays.
bool foldIf(IfOp op) {
  auto constant = op.getCond().getDefiningOp<ConstantOp>();
  auto value = constant ? dyn_cast<DenseElementsAttr>(constant.getValue())
                        : DenseElementsAttr();
  if (!value || !value.isSplat())
    return false;
  bool isTrue = value.getSplatValue<APInt>().isOne();
  Block &chosen = (isTrue ? op.getThenBranch() : op.getElseBranch()).front();
  auto yield = cast<YieldOp>(chosen.getTerminator());
  if (yield.getOperandTypes() != op.getResultTypes())
    return false;
  op.replaceAllUsesWith(yield.getOperands());
  yield.erase();
  op->getBlock()->getOperations().splice(Block::iterator(op),
                                         chosen.getOperations());
  op.erase();
  return true;
}

struct FoldConstants : impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  void runOnOperation() override {
    SmallVector<Operation *> constant;
    SmallVector<Value> values = findConstants(getOperation(), leave, constant);
    for (Value value : values)
      ++(fold(value) ? numFolded : numDeclined);
    for (Operation *op : llvm::reverse(constant))
      if (op->use_empty())
        op->erase();
    // The inner ones first.
    getOperation()->walk(
        [&](IfOp op) { ++(foldIf(op) ? numFolded : numDeclined); });
  }

  bool fold(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || !type.hasStaticShape())
      return false;
    int64_t sourceBytes = 0;
    for (Value source : llvm::cantFail(getConstantSources(value)))
      sourceBytes += getBytes(source);
    if (getBytes(value) > std::max<int64_t>(maxBytes, sourceBytes))
      return false;
    Expected<HostTensor> tensor = evaluate(value);
    if (!tensor) {
      llvm::consumeError(tensor.takeError());
      return false;
    }
    OpBuilder builder(value.getDefiningOp());
    value.replaceAllUsesWith(ConstantOp::create(builder, value.getLoc(), type,
                                                tensor->toAttr("constant")));
    return true;
  }
};

} // namespace
} // namespace bit::onnx
