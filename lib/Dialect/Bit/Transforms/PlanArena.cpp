// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace bit {
#define GEN_PASS_DEF_PLANARENA
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

constexpr int64_t alignment = 64;

/// No machine has more: sizes beyond it are cut to it, so that sums of a few of
/// them cannot overflow and the runtime refuses them.
constexpr int64_t largestSize = int64_t(1) << 47;

/// One temporary: when it is alive, as positions in the function's text.
struct Temporary {
  memref::AllocOp alloc;
  int64_t first = 0, last = 0;
  int64_t bytes = 0; ///< where the shape is static
  int64_t offset = 0;

  bool overlaps(Temporary &other) {
    return first <= other.last && other.first <= last &&
           !insideMutuallyExclusiveRegions(alloc, other.alloc);
  }
};

/// Temporaries of dynamic size that are never alive together share a slot.
using Slot = SmallVector<Temporary>;

int64_t elementBytes(MemRefType type) {
  if (type.getElementType().isIndex())
    return 8;
  return llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

/// Returns the bytes of a static `type`, at most largestSize.
int64_t staticBytes(MemRefType type) {
  int64_t bytes = elementBytes(type);
  for (int64_t dim : type.getShape())
    bytes = llvm::SaturatingMultiply<uint64_t>(bytes, dim);
  return std::min<uint64_t>(bytes, largestSize);
}

/// Whether `op` can move to the function's entry: shape arithmetic.
bool isShapeArithmetic(Operation *op) {
  if (isa<memref::DimOp>(op))
    return true; // of what, its operand decides
  return isPure(op) && op->getNumRegions() == 0 &&
         isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect());
}

/// Collects, in order, the operations that compute `size` from the dimensions
/// of the model's inputs. Fails where it depends on data.
LogicalResult collectSize(Value size, SetVector<Operation *> &slice) {
  Operation *op = size.getDefiningOp();
  if (!op)
    return failure();
  if (isa<bit::InputOp>(op) || slice.contains(op))
    return success();
  if (!isShapeArithmetic(op))
    return failure();
  for (Value operand : op->getOperands())
    if (failed(collectSize(operand, slice)))
      return failure();
  slice.insert(op);
  return success();
}

/// Whether `size`, made of the inputs' dimensions, cannot be negative.
bool isNeverNegative(Value size) {
  if (auto constant = getConstantIntValue(size))
    return *constant >= 0;
  Operation *op = size.getDefiningOp();
  if (isa<memref::DimOp>(op))
    return true;
  if (isa<arith::MaxSIOp>(op))
    return llvm::any_of(op->getOperands(), isNeverNegative);
  return isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::DivSIOp>(
             op) &&
         llvm::all_of(op->getOperands(), isNeverNegative);
}

/// Whether the arena can hold `alloc`, whose size `ops` compute at its start.
/// In a branch the size may make sense only where the branch is taken.
bool isPlannable(memref::AllocOp alloc, SetVector<Operation *> &ops) {
  bool isConditional =
      alloc->getParentOp() != alloc->getParentOfType<func::FuncOp>();
  return llvm::all_of(alloc.getDynamicSizes(), [&](Value size) {
    return succeeded(collectSize(size, ops)) &&
           (!isConditional || isNeverNegative(size));
  });
}

/// Emits the size of `alloc` in bytes, rounded up to the alignment and cut to
/// largestSize; its sizes are looked up in `hoisted`. A negative size counts as
/// a huge one.
Value emitBytes(OpBuilder &builder, memref::AllocOp alloc,
                const IRMapping &hoisted) {
  Location loc = alloc.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  };
  int64_t staticPart = elementBytes(alloc.getType());
  for (int64_t dim : alloc.getType().getShape())
    if (!ShapedType::isDynamic(dim))
      staticPart = llvm::SaturatingMultiply<uint64_t>(staticPart, dim);
  Value bytes = constant(std::min<uint64_t>(staticPart, largestSize));
  Value limit = constant(largestSize);
  for (Value size : alloc.getDynamicSizes()) {
    Value dim = arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                           hoisted.lookupOrDefault(size));
    auto product = arith::MulUIExtendedOp::create(builder, loc, bytes, dim);
    Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       product.getHigh(), constant(0));
    Value cut = arith::MinUIOp::create(builder, loc, product.getLow(), limit);
    bytes = arith::SelectOp::create(builder, loc, fits, cut, limit);
  }
  bytes = arith::AddIOp::create(builder, loc, bytes, constant(alignment - 1));
  bytes = arith::AndIOp::create(builder, loc, bytes, constant(-alignment));
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    bytes);
}

class ArenaPlanner {
public:
  explicit ArenaPlanner(func::FuncOp function)
      : function(function), flow(function) {
    number(function.getBody());
  }

  /// Sorts the allocations into static ones, dynamic ones and those that stay.
  void collect() {
    function.walk<WalkOrder::PreOrder>([&](memref::AllocOp alloc) {
      if (!alloc.getType().getLayout().isIdentity())
        return;
      Temporary temporary = measure(alloc);
      if (alloc.getType().hasStaticShape()) {
        temporary.bytes = staticBytes(alloc.getType());
        fixed.push_back(temporary);
      } else if (isPlannable(alloc, sizeOps)) {
        assignSlot(temporary);
      }
    });
  }

  /// Gives each static temporary the lowest place that is free while it is
  /// alive, the largest first. Returns the bytes that they take together.
  int64_t placeFixed() {
    llvm::stable_sort(fixed, [](const Temporary &a, const Temporary &b) {
      return a.bytes > b.bytes;
    });
    int64_t end = 0;
    for (size_t i = 0; i < fixed.size(); ++i) {
      SmallVector<std::pair<int64_t, int64_t>> taken;
      for (size_t j = 0; j < i; ++j)
        if (fixed[i].overlaps(fixed[j]))
          taken.push_back({fixed[j].offset, fixed[j].offset + fixed[j].bytes});
      llvm::sort(taken);
      int64_t offset = 0;
      for (auto [begin, stop] : taken) {
        if (offset + fixed[i].bytes <= begin)
          break;
        offset = std::max<int64_t>(offset, llvm::alignTo(stop, alignment));
      }
      fixed[i].offset = offset;
      end = std::max(end, offset + fixed[i].bytes);
    }
    return llvm::alignTo(end, alignment);
  }

  /// Reserves the arena at the function's start and makes every temporary a
  /// view of it.
  void materialize(int64_t fixedBytes);

  size_t getNumPlanned() const {
    size_t count = fixed.size();
    for (const Slot &slot : slots)
      count += slot.size();
    return count;
  }

private:
  /// Where an operation begins and ends, with all that is in it.
  struct Extent {
    int64_t first, last;
  };

  void number(Region &region) {
    for (Operation &op : region.getOps()) {
      int64_t first = nextPosition++;
      for (Region &inner : op.getRegions())
        number(inner);
      extents[&op] = {first, nextPosition++};
    }
  }

  Temporary measure(memref::AllocOp alloc) {
    Temporary temporary{alloc};
    Extent own = extents.lookup(alloc);
    temporary.first = own.first;
    temporary.last = own.last;
    auto include = [&](Operation *op) {
      Extent extent = extents.lookup(op);
      temporary.first = std::min(temporary.first, extent.first);
      temporary.last = std::max(temporary.last, extent.last);
    };
    for (Value alias : flow.resolve(alloc.getResult())) {
      // What a loop carries is alive in all of it.
      Operation *owner = isa<BlockArgument>(alias)
                             ? alias.getParentBlock()->getParentOp()
                             : alias.getDefiningOp();
      if (isa<LoopLikeOpInterface>(owner))
        include(owner);
      for (Operation *user : alias.getUsers()) {
        include(user);
        // What comes from outside a loop is read again in its next iteration.
        for (Operation *loop = user->getParentOp(); loop != function;
             loop = loop->getParentOp())
          if (isa<LoopLikeOpInterface>(loop) && !loop->isAncestor(alloc))
            include(loop);
      }
    }
    return temporary;
  }

  void assignSlot(Temporary temporary) {
    for (Slot &slot : slots)
      if (llvm::none_of(slot, [&](Temporary &other) {
            return other.overlaps(temporary);
          })) {
        slot.push_back(temporary);
        return;
      }
    slots.push_back({temporary});
  }

  func::FuncOp function;
  BufferViewFlowAnalysis flow;
  DenseMap<Operation *, Extent> extents;
  int64_t nextPosition = 0;
  SmallVector<Temporary> fixed;
  SmallVector<Slot> slots;
  SetVector<Operation *> sizeOps;
};

void ArenaPlanner::materialize(int64_t fixedBytes) {
  OpBuilder builder(function.getContext());
  // Sizes are functions of the inputs' dimensions; only constants stand before
  // the inputs.
  builder.setInsertionPointToStart(&function.front());
  for (auto input : function.front().getOps<bit::InputOp>())
    builder.setInsertionPointAfter(input);
  Location loc = function.getLoc();

  IRMapping hoisted;
  for (Operation *op : sizeOps)
    builder.clone(*op, hoisted);

  Value total = arith::ConstantIndexOp::create(builder, loc, fixedBytes);
  SmallVector<Value> slotOffsets;
  for (const Slot &slot : slots) {
    slotOffsets.push_back(total);
    Value largest;
    for (const Temporary &temporary : slot) {
      Value bytes = emitBytes(builder, temporary.alloc, hoisted);
      largest =
          largest
              ? arith::MaxUIOp::create(builder, loc, largest, bytes).getResult()
              : bytes;
    }
    total = arith::AddIOp::create(builder, loc, total, largest);
  }
  auto arenaType = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  Value arena = bit::ReserveOp::create(builder, loc, arenaType,
                                       function.getArgument(0), total);

  // Not where the builder stands: that may be an allocation that goes now.
  builder.setInsertionPoint(arena.getDefiningOp());
  auto replace = [&](memref::AllocOp alloc, Value offset) {
    OpBuilder at(alloc);
    alloc.replaceAllUsesWith(
        memref::ViewOp::create(at, alloc.getLoc(), alloc.getType(), arena,
                               offset, alloc.getDynamicSizes())
            .getResult());
    alloc.erase();
  };
  for (const Temporary &temporary : fixed)
    replace(temporary.alloc,
            arith::ConstantIndexOp::create(builder, loc, temporary.offset));
  for (auto [slot, offset] : llvm::zip(slots, slotOffsets))
    for (const Temporary &temporary : slot)
      replace(temporary.alloc, offset);
}

struct PlanArena : bit::impl::PlanArenaBase<PlanArena> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isPrivate() || function.isDeclaration())
      return;
    ArenaPlanner planner(function);
    planner.collect();
    if (planner.getNumPlanned() > 0)
      planner.materialize(planner.placeFixed());
    numPlanned += planner.getNumPlanned();
    function.walk([&](memref::AllocOp alloc) {
      OpBuilder builder(alloc);
      alloc.replaceAllUsesWith(
          bit::AllocateOp::create(
              builder, alloc.getLoc(), alloc.getType(), function.getArgument(0),
              emitBytes(builder, alloc, IRMapping()), alloc.getDynamicSizes(),
              /*reuse=*/alloc->getParentOfType<LoopLikeOpInterface>() !=
                  nullptr)
              .getResult());
      alloc.erase();
      ++numDeclined;
    });
  }
};

} // namespace
