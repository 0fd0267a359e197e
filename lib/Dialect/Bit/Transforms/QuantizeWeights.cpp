// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WeightEvaluation.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"

namespace {

/// Smaller constants are part of the IR's text, larger ones resources.
constexpr int64_t maxInlineElements = 1024;

TypedAttr toAttribute(RankedTensorType type, ArrayRef<int8_t> codes) {
  if (type.getNumElements() <= maxInlineElements)
    return DenseElementsAttr::get(type, codes);
  return DenseResourceElementsAttr::get(
      type, "codes", HeapAsmResourceBlob::allocateAndCopyInferAlign(codes));
}

LogicalResult quantize(QuantizeWeightOp op) {
  FailureOr<std::vector<int8_t>> codes = evaluateCodes(op);
  if (failed(codes))
    return failure();
  OpBuilder builder(op);
  Value constant = arith::ConstantOp::create(
      builder, op.getLoc(), toAttribute(op.getCodes().getType(), *codes));
  op.getCodes().replaceAllUsesWith(constant);
  eraseWeight(op);
  return success();
}

struct QuantizeWeights : impl::QuantizeWeightsBase<QuantizeWeights> {
  void runOnOperation() override {
    SmallVector<QuantizeWeightOp> ops;
    getOperation()->walk([&](QuantizeWeightOp op) { ops.push_back(op); });
    bool failedOnce = false;
    for (QuantizeWeightOp op : ops) {
      if (!isConstantWeight(op))
        ++numDeclined;
      else if (failed(quantize(op)))
        failedOnce = true;
      else
        ++numQuantized;
    }
    if (failedOnce)
      signalPassFailure();
  }
};

} // namespace
} // namespace bit
