// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
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

  /// Returns the weight that holds `value`: equal constants stored alike share
  /// one. `panels` says how it is stored, if not as it is.
  bit::WeightOp getWeight(Location loc, ElementsAttr value,
                          bit::PackPanelsOp panels = nullptr) {
    IntegerAttr width;
    UnitAttr transposed;
    if (panels) {
      width = builder.getI64IntegerAttr(
          panels.getInit().getType().getShape().back());
      transposed = panels.getTransposedAttr();
    }
    bit::WeightOp &weight = weights[{value, {width, transposed}}];
    if (weight)
      return weight;
    weight = bit::WeightOp::create(builder, loc, "weight", value,
                                   builder.getI64IntegerAttr(nextOffset), width,
                                   transposed != nullptr);
    symbols.insert(weight);
    nextOffset += llvm::alignTo(weight.getByteSize(), 64);
    return weight;
  }

private:
  SymbolTable symbols;
  OpBuilder builder;
  using Key = std::pair<Attribute, std::pair<Attribute, Attribute>>;
  DenseMap<Key, bit::WeightOp> weights;
  int64_t nextOffset = 0;
};

struct ExtractWeights : bit::impl::ExtractWeightsBase<ExtractWeights> {
  using ExtractWeightsBase::ExtractWeightsBase;

  /// A splat costs less as the scalar that fusion makes of it. But what belongs
  /// to a layer's weights is stored with them, however small: functions of
  /// equal layers then differ in places only.
  bool isWeight(arith::ConstantOp constant) {
    auto value = dyn_cast<ElementsAttr>(constant.getValue());
    auto type = dyn_cast<RankedTensorType>(constant.getType());
    if (!value || !type || !type.getElementType().isIntOrFloat())
      return false;
    if (llvm::any_of(constant->getUsers(), llvm::IsaPred<bit::PackedMatmulOp>))
      return true;
    if (auto dense = dyn_cast<DenseElementsAttr>(value);
        dense && dense.isSplat())
      return false;
    unsigned bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    return type.getNumElements() * bytes >= minBytes;
  }

  void replace(Operation *op, bit::WeightOp weight) {
    OpBuilder builder(op);
    op->replaceAllUsesWith(bit::GetWeightOp::create(builder, op->getLoc(),
                                                    op->getResult(0).getType(),
                                                    weight.getSymName()));
    op->erase();
    ++numExtracted;
  }

  /// A constant matrix that a product reads in panels is stored as those.
  void extractPanels(bit::PackPanelsOp panels, WeightSection &section) {
    ElementsAttr value;
    if (!matchPattern(panels.getB(), m_Constant(&value)) ||
        panels.getB().getType().getRank() != 2 || !panels.getPanels())
      return;
    Operation *constant = panels.getB().getDefiningOp();
    Operation *init = panels.getInit().getDefiningOp();
    replace(panels, section.getWeight(constant->getLoc(), value, panels));
    for (Operation *op : {constant, init})
      if (op && isOpTriviallyDead(op))
        op->erase();
  }

  void runOnOperation() override {
    WeightSection section(getOperation());
    getOperation().walk(
        [&](bit::PackPanelsOp panels) { extractPanels(panels, section); });
    getOperation().walk([&](arith::ConstantOp constant) {
      if (isWeight(constant))
        replace(constant,
                section.getWeight(constant.getLoc(),
                                  cast<ElementsAttr>(constant.getValue())));
      else
        ++numDeclined;
    });
  }
};

} // namespace
