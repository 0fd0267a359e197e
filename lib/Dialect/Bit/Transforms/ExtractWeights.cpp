// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace bit {
#define GEN_PASS_DEF_EXTRACTWEIGHTS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Where the next weight goes: the section is filled in the order the model
/// uses it, so that a run reads it forward.
class WeightSection {
public:
  explicit WeightSection(ModuleOp module)
      : symbols(module), builder(OpBuilder::atBlockBegin(module.getBody())) {}

  /// Returns the weight that holds `value`: equal constants share one.
  bit::WeightOp getWeight(Location loc, ElementsAttr value) {
    bit::WeightOp &weight = weights[value];
    if (weight)
      return weight;
    weight = bit::WeightOp::create(builder, loc, "weight", value,
                                   builder.getI64IntegerAttr(nextOffset));
    symbols.insert(weight);
    nextOffset += llvm::alignTo(weight.getByteSize(), 64);
    return weight;
  }

private:
  SymbolTable symbols;
  OpBuilder builder;
  DenseMap<Attribute, bit::WeightOp> weights;
  int64_t nextOffset = 0;
};

struct ExtractWeights : bit::impl::ExtractWeightsBase<ExtractWeights> {
  using ExtractWeightsBase::ExtractWeightsBase;

  /// A splat costs less as the scalar that fusion makes of it.
  bool isWeight(arith::ConstantOp constant) {
    auto value = dyn_cast<ElementsAttr>(constant.getValue());
    auto type = dyn_cast<RankedTensorType>(constant.getType());
    if (!value || !type || !type.getElementType().isIntOrFloat())
      return false;
    if (auto dense = dyn_cast<DenseElementsAttr>(value);
        dense && dense.isSplat())
      return false;
    unsigned bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    return type.getNumElements() * bytes >= minBytes;
  }

  void runOnOperation() override {
    WeightSection section(getOperation());
    getOperation().walk([&](arith::ConstantOp constant) {
      if (!isWeight(constant)) {
        ++numDeclined;
        return;
      }
      bit::WeightOp weight = section.getWeight(
          constant.getLoc(), cast<ElementsAttr>(constant.getValue()));
      OpBuilder builder(constant);
      constant.replaceAllUsesWith(
          bit::GetWeightOp::create(builder, constant.getLoc(),
                                   constant.getType(), weight.getSymName())
              .getResult());
      constant.erase();
      ++numExtracted;
    });
  }
};

} // namespace
