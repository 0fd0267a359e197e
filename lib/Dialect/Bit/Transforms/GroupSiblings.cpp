// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products by packed weights that read the same codes become one kernel.

#include "BufferUse.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Epilogue.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/RegionUtils.h"

namespace bit {
#define GEN_PASS_DEF_GROUPSIBLINGS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

/// Whether `op` is on buffers of which it is known what they are, and its
/// kernel needs little of the caller's stack.
static bool isCandidate(bit::PackedMatmulOp op) {
  auto *dialect = op.getContext()->getLoadedDialect<bit::BitDialect>();
  const bit::Kernel *kernel =
      dialect->getKernels().lookup(op.getKernel().getName());
  return bit::isPassable(op) && kernel && kernel->getLayout() != "t5";
}

/// Whether `second` differs from `first` in its weights and its epilogue only.
static bool isLike(bit::PackedMatmulOp second, bit::PackedMatmulOp first) {
  return second.getX() == first.getX() &&
         second.getXScale() == first.getXScale() &&
         second.getSum() == first.getSum() && second.getN() == first.getN() &&
         second.getK() == first.getK() &&
         second.getWeights() == first.getWeights() &&
         second.getRangeAttr() == first.getRangeAttr() &&
         second.getKernel() == first.getKernel() &&
         second.getPacked().getType() == first.getPacked().getType() &&
         second.getWScale().getType() == first.getWScale().getType() &&
         second.getInit().getType() == first.getInit().getType() &&
         !second.getBias() == !first.getBias();
}

/// Whether all that `second` has to do with what `first` writes is that its
/// epilogue reads it at the place of its result.
static bool readsElementsOf(bit::PackedMatmulOp second,
                            bit::PackedMatmulOp first) {
  if (!isLike(second, first) ||
      !llvm::is_contained(second.getEpilogueInputs(), first.getInit()))
    return false;
  auto isApart = [&](Value buffer) {
    return !bit::mayOverlap(buffer, first.getInit());
  };
  for (OpOperand &operand : second->getOpOperands())
    if (isa<BaseMemRefType>(operand.get().getType()) &&
        operand.get() != first.getInit() && !isApart(operand.get()))
      return false;
  // That very buffer, as an epilogue's input only.
  auto inputs = second.getEpilogueInputs();
  if (llvm::count(second->getOperands(), first.getInit()) !=
      llvm::count(inputs, first.getInit()))
    return false;
  return bit::getEpilogueAccess(first.getInit()) ==
             bit::EpilogueAccess::Element &&
         llvm::none_of(bit::getUsedBuffers(first), [&](Value buffer) {
           return bit::mayOverlap(buffer, second.getInit());
         });
}

namespace {

/// A product and those after it that join it.
class Siblings {
public:
  explicit Siblings(bit::PackedMatmulOp first) : members({first}) {}

  void collect();
  void group();
  size_t size() const { return members.size(); }
  ArrayRef<bit::PackedMatmulOp> getMembers() const { return members; }

private:
  bool join(bit::PackedMatmulOp op);
  /// Whether what `op` uses is there before the first member, once what can
  /// move is moved.
  bool isReady(Operation *op) {
    SetVector<Value> used(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), used);
    return llvm::all_of(used, [&](Value value) {
      Operation *source = value.getDefiningOp();
      return !source || source->getBlock() != members[0]->getBlock() ||
             source->isBeforeInBlock(members[0]) || movable.contains(source);
    });
  }
  void moveUp(Operation *op);

  SmallVector<bit::PackedMatmulOp> members;
  SmallVector<Operation *> passed;
  DenseSet<Operation *> movable;
  bool isOrdered = false;
};

} // namespace

bool Siblings::join(bit::PackedMatmulOp op) {
  if (op.getX() != members[0].getX() || !isCandidate(op) || !isReady(op) ||
      llvm::any_of(passed,
                   [&](Operation *other) { return bit::conflict(op, other); }))
    return false;
  bool isFree = llvm::none_of(members, [&](bit::PackedMatmulOp other) {
    return bit::conflict(op, other);
  });
  if (!isFree) {
    if (members.size() != 1 || !readsElementsOf(op, members[0]))
      return false;
    isOrdered = true;
  }
  members.push_back(op);
  return true;
}

void Siblings::collect() {
  for (Operation *op = members[0]->getNextNode(); op && !isOrdered;
       op = op->getNextNode()) {
    if (bit::isMovable(op)) {
      if (isReady(op))
        movable.insert(op);
      continue;
    }
    auto product = dyn_cast<bit::PackedMatmulOp>(op);
    if (product && join(product))
      continue;
    if (!bit::isPassable(op) || passed.size() == bit::mostPassed)
      return;
    passed.push_back(op);
  }
}

/// Moves what `op` uses before the first member.
void Siblings::moveUp(Operation *op) {
  SetVector<Value> used(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  for (Value value : used) {
    Operation *source = value.getDefiningOp();
    if (!source || !movable.erase(source))
      continue;
    moveUp(source);
    source->moveBefore(members[0]);
  }
}

void Siblings::group() {
  for (bit::PackedMatmulOp op : members)
    moveUp(op);
  OpBuilder builder(members[0]);
  auto siblings = bit::SiblingsOp::create(builder, members[0].getLoc(),
                                          isOrdered, members.size());
  // Where equal layers differ, for their calls.
  constexpr StringLiteral layer = "bit.layer";
  SmallVector<Attribute> layers;
  for (bit::PackedMatmulOp op : members) {
    Attribute own = op->getAttr(layer);
    layers.push_back(own ? own : builder.getUnitAttr());
  }
  if (llvm::any_of(members, [&](Operation *op) { return op->hasAttr(layer); }))
    siblings->setAttr(layer, builder.getArrayAttr(layers));
  for (auto [op, region] : llvm::zip_equal(members, siblings.getMembers())) {
    op->setDiscardableAttrs(ArrayRef<NamedAttribute>());
    builder.createBlock(&region);
    op->moveBefore(&region.front(), region.front().end());
  }
}

namespace {

struct GroupSiblings : bit::impl::GroupSiblingsBase<GroupSiblings> {
  void runOnOperation() override {
    SmallVector<bit::PackedMatmulOp> products;
    getOperation().walk([&](bit::PackedMatmulOp op) {
      if (!op->getParentOfType<bit::SiblingsOp>())
        products.push_back(op);
    });
    DenseSet<Operation *> grouped;
    for (bit::PackedMatmulOp op : products) {
      if (grouped.contains(op))
        continue;
      Siblings siblings(op);
      if (isCandidate(op))
        siblings.collect();
      if (siblings.size() == 1) {
        ++numDeclined;
        continue;
      }
      siblings.group();
      for (bit::PackedMatmulOp member : siblings.getMembers())
        grouped.insert(member);
      numGrouped += siblings.size();
    }
  }
};

} // namespace
