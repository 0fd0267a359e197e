// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToLinalg/BitToLinalg.h"
#include "Generic.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_CONVERTBITTOLINALG
#include "bit/Conversion/BitToLinalg/Passes.h.inc"

namespace {

/// The ops of the pass that are still there.
int64_t countOps(Operation *root) {
  int64_t count = 0;
  root->walk([&](Operation *op) {
    count += isa<AbsmaxQuantizeOp, AttentionOp, DequantizeOp, LinearOp,
                 PackedMatmulOp, RescaleOp, TernaryMatmulOp>(op);
  });
  return count;
}

struct ConvertBitToLinalg : impl::ConvertBitToLinalgBase<ConvertBitToLinalg> {
  using ConvertBitToLinalgBase::ConvertBitToLinalgBase;

  void runOnOperation() override {
    int64_t before = countOps(getOperation());
    RewritePatternSet patterns(&getContext());
    populateDecomposeLinearPatterns(patterns);
    if (lowerQuantizers)
      populateAbsmaxQuantizePatterns(patterns);
    populateAttentionPatterns(patterns, /*lowerAll=*/lowerAttention);
    populateDequantizePatterns(patterns);
    populateMatmulPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    numDeclined = countOps(getOperation());
    numLowered = before - numDeclined;
  }
};

} // namespace

void populateBitToLinalgPatterns(RewritePatternSet &patterns) {
  populateAbsmaxQuantizePatterns(patterns);
  populateAttentionPatterns(patterns, /*lowerAll=*/true);
  populateDequantizePatterns(patterns);
  populateMatmulPatterns(patterns);
}

} // namespace bit
