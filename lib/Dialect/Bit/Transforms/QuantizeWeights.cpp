// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/WeightQuantizer.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include <vector>

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"

namespace {

/// Smaller constants are part of the IR's text, larger ones resources.
constexpr int64_t maxInlineElements = 1024;

/// The values of a constant; `copy` holds them where the constant has no array
/// of them. Nothing if they were elided.
std::optional<ArrayRef<float>> getWeights(ElementsAttr constant,
                                          std::vector<float> &copy) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob ||
        blob->getData().size() != resource.getNumElements() * sizeof(float))
      return std::nullopt;
    return blob->getDataAs<float>();
  }
  if (auto dense = dyn_cast<DenseFPElementsAttr>(constant)) {
    copy.assign(dense.value_begin<float>(), dense.value_end<float>());
    return ArrayRef<float>(copy);
  }
  return std::nullopt;
}

TypedAttr toAttribute(RankedTensorType type, ArrayRef<int8_t> codes) {
  if (type.getNumElements() <= maxInlineElements)
    return DenseElementsAttr::get(type, codes);
  return DenseResourceElementsAttr::get(
      type, "codes", HeapAsmResourceBlob::allocateAndCopyInferAlign(codes));
}

LogicalResult quantize(QuantizeWeightOp op, ElementsAttr constant) {
  std::vector<float> copy;
  std::optional<ArrayRef<float>> weights = getWeights(constant, copy);
  if (!weights)
    return op.emitOpError() << "expects weights with their values, got an "
                               "elided resource";
  if (std::optional<size_t> index = findNonFinite(*weights)) {
    int64_t k = op.getW().getType().getDimSize(1);
    return op.emitOpError()
           << "expects finite weights, got " << (*weights)[*index] << " at ["
           << *index / k << ", " << *index % k << "]";
  }
  std::vector<int8_t> codes(weights->size());
  std::vector<float> scales(op.getScales().getType().getNumElements());
  op.evaluate(*weights, codes, scales);
  OpBuilder builder(op);
  Value newCodes = arith::ConstantOp::create(
      builder, op.getLoc(), toAttribute(op.getCodes().getType(), codes));
  Value newScales = arith::ConstantOp::create(
      builder, op.getLoc(),
      DenseElementsAttr::get(op.getScales().getType(),
                             ArrayRef<float>(scales)));
  op->replaceAllUsesWith(ValueRange{newCodes, newScales});
  op->erase();
  return success();
}

struct QuantizeWeights : impl::QuantizeWeightsBase<QuantizeWeights> {
  void runOnOperation() override {
    bool failedOnce = false;
    getOperation()->walk([&](QuantizeWeightOp op) {
      ElementsAttr constant;
      if (!matchPattern(op.getW(), m_Constant(&constant)))
        ++numDeclined;
      else if (failed(quantize(op, constant)))
        failedOnce = true;
      else
        ++numQuantized;
    });
    if (failedOnce)
      signalPassFailure();
  }
};

} // namespace
} // namespace bit
