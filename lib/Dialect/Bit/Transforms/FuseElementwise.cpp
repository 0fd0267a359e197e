// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace bit {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Whether fusing the producer of `operand` computes nothing twice: it has no
/// other user, and the consumer reads each of its elements once and not, as in
/// a loop, once more each time.
bool computesOnce(OpOperand *operand) {
  Operation *producer = operand->get().getDefiningOp();
  auto consumer = cast<linalg::LinalgOp>(operand->getOwner());
  return producer && producer->hasOneUse() &&
         producer->getBlock() == consumer->getBlock() &&
         consumer.getMatchingIndexingMap(operand).isPermutation();
}

struct FuseElementwise : bit::impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    bit::populateFuseElementwisePatterns(patterns, [&](OpOperand *operand) {
      bool fuse = computesOnce(operand);
      ++(fuse ? numFused : numDeclined);
      return fuse;
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void bit::populateFuseElementwisePatterns(
    RewritePatternSet &patterns, const linalg::ControlFusionFn &controlFusion) {
  linalg::populateElementwiseOpsFusionPatterns(patterns, controlFusion);
  linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
  linalg::populateEraseUnnecessaryInputsPatterns(patterns);
}
