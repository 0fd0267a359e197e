// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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
    bool transposed = false, quads = false;
    if (panels) {
      width = builder.getI64IntegerAttr(panels.getWidth());
      transposed = panels.getTransposed();
      quads = panels.hasQuads();
    }
    bit::WeightOp &weight =
        weights[{value, {width, transposed + 2 * int(quads)}}];
    if (weight)
      return weight;
    weight = bit::WeightOp::create(builder, loc, "weight", value,
                                   builder.getI64IntegerAttr(nextOffset), width,
                                   quads, transposed);
    symbols.insert(weight);
    nextOffset += llvm::alignTo(weight.getByteSize(), 64);
    return weight;
  }

private:
  SymbolTable symbols;
  OpBuilder builder;
  using Key = std::pair<Attribute, std::pair<Attribute, int>>;
  DenseMap<Key, bit::WeightOp> weights;
  int64_t nextOffset = 0;
};

/// A constant of the model, as it is or in panels.
struct Constant {
  Operation *op; ///< arith.constant, or the panels made of one
  Location loc;
  ElementsAttr value;
  int64_t firstUse = 0;
};

/// Returns the constant that `op` is or arranges in panels, if it is one.
std::optional<Constant> getConstant(Operation *op) {
  auto source = dyn_cast<arith::ConstantOp>(op);
  if (auto panels = dyn_cast<bit::PackPanelsOp>(op);
      panels && panels.getB().getType().getRank() == 2 && panels.getPanels())
    source = panels.getB().getDefiningOp<arith::ConstantOp>();
  auto value = source ? dyn_cast<ElementsAttr>(source.getValue()) : nullptr;
  if (!value)
    return std::nullopt;
  return Constant{op, source.getLoc(), value};
}

/// Returns the constants of `module`, those that the model needs first at the
/// front: where they stand is canonicalization's choice.
SmallVector<Constant> getInOrderOfUse(ModuleOp module) {
  SmallVector<Constant> constants;
  DenseMap<Operation *, int64_t> positions;
  int64_t next = 0;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    positions[op] = next++;
    if (std::optional<Constant> constant = getConstant(op))
      constants.push_back(*constant);
  });
  for (Constant &constant : constants) {
    constant.firstUse = next;
    for (Operation *user : constant.op->getUsers())
      constant.firstUse = std::min(constant.firstUse, positions.lookup(user));
  }
  llvm::stable_sort(constants, [](const Constant &a, const Constant &b) {
    return a.firstUse < b.firstUse;
  });
  return constants;
}

/// What panels were made of.
void eraseDead(ModuleOp module) {
  SmallVector<Operation *> dead;
  module.walk([&](Operation *op) {
    if (isa<arith::ConstantOp, tensor::EmptyOp>(op) && isOpTriviallyDead(op))
      dead.push_back(op);
  });
  for (Operation *op : dead)
    op->erase();
}

struct ExtractWeights : bit::impl::ExtractWeightsBase<ExtractWeights> {
  using ExtractWeightsBase::ExtractWeightsBase;

  static bool isOfLayer(OpOperand &use) {
    auto product = dyn_cast<bit::PanelMatmulOp>(use.getOwner());
    return isa<bit::PackedMatmulOp>(use.getOwner()) ||
           (product && product.getScales() == use.get());
  }

  /// A splat costs less as the scalar that fusion makes of it. But what belongs
  /// to a layer's weights is stored with them, however small: functions of
  /// equal layers then differ in places only.
  bool isWeight(arith::ConstantOp constant) {
    auto value = dyn_cast<ElementsAttr>(constant.getValue());
    auto type = dyn_cast<RankedTensorType>(constant.getType());
    if (!value || !type || !type.getElementType().isIntOrFloat())
      return false;
    if (llvm::any_of(constant->getUses(), isOfLayer))
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

  void runOnOperation() override {
    SmallVector<Constant> constants = getInOrderOfUse(getOperation());
    // Who reads only panels does not need the constant that they are made of.
    DenseSet<Operation *> panels;
    for (const Constant &constant : constants)
      if (isa<bit::PackPanelsOp>(constant.op))
        panels.insert(constant.op);
    WeightSection section(getOperation());
    for (const Constant &constant : constants) {
      bool isRead = llvm::any_of(constant.op->getUsers(), [&](Operation *user) {
        return !panels.contains(user);
      });
      auto whole = dyn_cast<arith::ConstantOp>(constant.op);
      if (!whole || (isRead && isWeight(whole)))
        replace(constant.op,
                section.getWeight(constant.loc, constant.value,
                                  dyn_cast<bit::PackPanelsOp>(constant.op)));
      else
        ++numDeclined;
    }
    eraseDead(getOperation());
  }
};

} // namespace
