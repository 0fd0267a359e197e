// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/LinalgToVector/LinalgToVector.h"
#include "ConvRows.h"
#include "Patterns.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace bit {
#define GEN_PASS_DEF_LINALGTOVECTOR
#include "bit/Conversion/LinalgToVector/Passes.h.inc"
} // namespace bit

using namespace mlir;

static int64_t countBufferOps(Operation *root) {
  int64_t count = 0;
  root->walk(
      [&](linalg::LinalgOp op) { count += op.hasPureBufferSemantics(); });
  return count;
}

namespace {
struct LinalgToVectorPass : bit::impl::LinalgToVectorBase<LinalgToVectorPass> {
  using LinalgToVectorBase::LinalgToVectorBase;

  void runOnOperation() override {
    if (tileRows < 1 || tileVectors < 1) {
      getOperation()->emitError(
          "expects tile-rows and tile-vectors of at least 1");
      return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    bit::populateLinalgToVectorPatterns(patterns, {tileRows, tileVectors});
    int64_t before = countBufferOps(getOperation());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    int64_t after = countBufferOps(getOperation());
    numVectorized += before - after;
    numDeclined += after;
  }
};
} // namespace

void bit::populateLinalgToVectorPatterns(RewritePatternSet &patterns,
                                         const LinalgToVectorOptions &options) {
  rows::populateElementwiseRows(patterns);
  rows::populateReductionRows(patterns);
  rows::populateConvRows(patterns, options.tileRows);
  rows::populateProductRows(patterns, options.tileRows, options.tileVectors);
}
