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

/// Leaves `op` to its first user, in the order of the uses, and clones it for
/// each of the others. Returns the number of clones.
int64_t separateUses(Operation *op) {
  int64_t clones = 0;
  OpBuilder builder(op);
  for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
    if (op->getResult(0).hasOneUse())
      break;
    builder.setInsertionPointAfter(op);
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
