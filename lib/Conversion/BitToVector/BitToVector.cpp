// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToVector/BitToVector.h"
#include "Patterns.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;

namespace bit {
#define GEN_PASS_DEF_CONVERTBITTOVECTOR
#include "bit/Conversion/BitToVector/Passes.h.inc"
} // namespace bit

namespace {

struct ConvertBitToVector final
    : bit::impl::ConvertBitToVectorBase<ConvertBitToVector> {
  void runOnOperation() override {
    unsigned before = count();
    RewritePatternSet patterns(&getContext());
    bit::populateBitToVectorPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    unsigned after = count();
    numLowered += before - after;
    numDeclined += after;
  }

  unsigned count() {
    unsigned ops = 0;
    getOperation()->walk([&](Operation *op) {
      ops += isa<bit::AbsmaxQuantizeOp, bit::AttentionOp, bit::CodeMatmulOp,
                 bit::PackedMatmulOp, bit::PackPanelsOp, bit::PanelConvOp,
                 bit::PanelMatmulOp>(op);
    });
    return ops;
  }
};

} // namespace

void bit::populateBitToVectorPatterns(RewritePatternSet &patterns) {
  populateAbsmaxQuantizeToVectorPatterns(patterns);
  populateAttentionToVectorPatterns(patterns);
  populateCodeMatmulToVectorPatterns(patterns);
  populatePackedMatmulToVectorPatterns(patterns);
  populatePanelConvToVectorPatterns(patterns);
  populatePanelsToVectorPatterns(patterns);
}
