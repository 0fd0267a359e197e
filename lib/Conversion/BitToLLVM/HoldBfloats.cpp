// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToLLVM/BitToLLVM.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace bit {
#define GEN_PASS_DEF_HOLDBFLOATS
#include "bit/Conversion/BitToLLVM/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Whether `op` has a bf16 in its operands, results or type attributes.
bool holdsBfloat(Operation *op) {
  auto isBfloat = [](Type type) { return getElementTypeOrSelf(type).isBF16(); };
  if (llvm::any_of(op->getOperandTypes(), isBfloat) ||
      llvm::any_of(op->getResultTypes(), isBfloat))
    return true;
  for (NamedAttribute attribute : op->getAttrs())
    if (auto type = dyn_cast<TypeAttr>(attribute.getValue()))
      if (isBfloat(type.getValue()))
        return true;
  return false;
}

/// Types and constants of bf16 become integers of 16 bits.
void addReplacements(AttrTypeReplacer &replacer, IntegerType word) {
  replacer.addReplacement([=](BFloat16Type) -> Type { return word; });
  replacer.addReplacement([=](FloatAttr number) -> std::optional<Attribute> {
    if (!number.getType().isBF16())
      return std::nullopt;
    return IntegerAttr::get(word, number.getValue().bitcastToAPInt());
  });
  replacer.addReplacement(
      [=](DenseElementsAttr numbers)
          -> std::optional<std::pair<Attribute, WalkResult>> {
        if (!numbers.getElementType().isBF16())
          return std::nullopt;
        return std::make_pair(Attribute(numbers.bitcast(word)),
                              WalkResult::skip());
      });
}

struct HoldBfloats : bit::impl::HoldBfloatsBase<HoldBfloats> {
  void runOnOperation() override {
    int64_t count = 0;
    getOperation().walk([&](Operation *op) { count += holdsBfloat(op); });
    if (count == 0)
      return;
    numOps += count;
    AttrTypeReplacer replacer;
    addReplacements(replacer, IntegerType::get(&getContext(), 16));
    // Weights are bytes to the code, and their own types say how they are
    // written.
    for (Operation &op : getOperation().getOps())
      if (!isa<bit::WeightOp>(op))
        replacer.recursivelyReplaceElementsIn(&op, /*replaceAttrs=*/true,
                                              /*replaceLocs=*/false,
                                              /*replaceTypes=*/true);
    // What was one number's bits is now that number.
    getOperation().walk([&](LLVM::BitcastOp op) {
      if (op.getArg().getType() != op.getType())
        return;
      ++numBitcasts;
      op.replaceAllUsesWith(op.getArg());
      op.erase();
    });
  }
};

} // namespace
