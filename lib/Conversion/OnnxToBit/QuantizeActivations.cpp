// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MatchQuantizer.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include <limits>

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_QUANTIZEACTIVATIONS
#include "bit/Conversion/OnnxToBit/Passes.h.inc"

namespace {

/// Products beyond this K could overflow.
bool fitsAccumulator(LinearOp op) {
  return op.getK() / op.getGroups() <=
         std::numeric_limits<int32_t>::max() / 128;
}

struct QuantizeActivations
    : impl::QuantizeActivationsBase<QuantizeActivations> {
  void runOnOperation() override {
    auto quantizer = QuantizerAttr::get(&getContext());
    getOperation().walk([&](LinearOp op) {
      if (!op.getCodes().getDefiningOp<QuantizeWeightOp>() ||
          op.getQuantizer() || !fitsAccumulator(op)) {
        ++numDeclined;
        return;
      }
      op.setQuantizerAttr(quantizer);
      op->removeAttr(activationsDeclinedName);
      ++numQuantized;
    });
  }
};

} // namespace
} // namespace bit
