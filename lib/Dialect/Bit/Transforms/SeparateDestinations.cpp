// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace bit {
#define GEN_PASS_DEF_SEPARATEDESTINATIONS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Gives every use of `op` a clone right before it: what is written there lives
/// no longer than it must. Not inside of a loop or branch that `op` is not in:
/// a fill would run more than once. Returns the number of clones.
int64_t separateUses(Operation *op) {
  int64_t clones = 0;
  OpBuilder builder(op);
  for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
    Operation *user = op->getBlock()->findAncestorOpInBlock(*use.getOwner());
    if (op->getResult(0).hasOneUse()) {
      op->moveBefore(user);
      break;
    }
    builder.setInsertionPoint(user);
    use.set(builder.clone(*op)->getResult(0));
    ++clones;
  }
  return clones;
}

struct SeparateDestinations
    : bit::impl::SeparateDestinationsBase<SeparateDestinations> {
  void runOnOperation() override {
    SmallVector<Operation *> fills, empties;
    getOperation()->walk([&](linalg::FillOp op) {
      if (op.hasPureTensorSemantics())
        fills.push_back(op);
    });
    for (Operation *fill : fills)
      numFills += separateUses(fill);
    getOperation()->walk([&](tensor::EmptyOp op) { empties.push_back(op); });
    for (Operation *empty : empties)
      numEmpties += separateUses(empty);
  }
};

} // namespace
