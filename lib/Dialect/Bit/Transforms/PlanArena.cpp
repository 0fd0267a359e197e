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
#include <numeric>

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
  int64_t bytes = 0; ///< for each unit of its group
  int64_t offset = 0;

  bool overlaps(Temporary &other) {
    return first <= other.last && other.first <= last &&
           !insideMutuallyExclusiveRegions(alloc, other.alloc);
  }
};

/// Temporaries whose sizes are multiples of one product of dynamic sizes, the
/// unit, are placed like static ones, in units.
struct Group {
  SmallVector<Value> unit;
  SmallVector<Temporary> members;
  int64_t bytes = 0; ///< for each unit
  /// The units are rounded up to a multiple of this, so that a whole number of
  /// them keeps to the alignment.
  int64_t step = 1;

  bool overlaps(Group &other) {
    return llvm::any_of(members, [&](Temporary &a) {
      return llvm::any_of(other.members,
                          [&](Temporary &b) { return a.overlaps(b); });
    });
  }
};

/// Groups that are never alive together share a slot.
using Slot = SmallVector<Group *>;

int64_t elementBytes(MemRefType type) {
  if (type.getElementType().isIndex())
    return 8;
  return llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

/// Returns the bytes that the static dims of `type` make, at most largestSize.
int64_t staticBytes(MemRefType type) {
  int64_t bytes = elementBytes(type);
  for (int64_t dim : type.getShape())
    if (!ShapedType::isDynamic(dim))
      bytes = llvm::SaturatingMultiply<uint64_t>(bytes, dim);
  return std::min<uint64_t>(bytes, largestSize);
}

/// Splits `size` into constant factors, which multiply `bytes`, and others.
void collectFactors(Value size, int64_t &bytes, SmallVectorImpl<Value> &unit) {
  if (auto constant = getConstantIntValue(size); constant && *constant >= 0) {
    bytes = std::min<uint64_t>(
        llvm::SaturatingMultiply<uint64_t>(bytes, *constant), largestSize);
  } else if (auto product = size.getDefiningOp<arith::MulIOp>()) {
    collectFactors(product.getLhs(), bytes, unit);
    collectFactors(product.getRhs(), bytes, unit);
  } else {
    unit.push_back(size);
  }
}

/// Whether `op` divides by what is a positive number or at least one.
bool isSafeDivision(Operation *op) {
  if (!isa<arith::DivUIOp, arith::CeilDivUIOp, arith::RemUIOp>(op))
    return false;
  auto isPositive = [](Value value) {
    auto constant = getConstantIntValue(value);
    return constant && *constant > 0;
  };
  Value divisor = op->getOperand(1);
  auto largest = divisor.getDefiningOp<arith::MaxSIOp>();
  return isPositive(divisor) ||
         (largest && llvm::any_of(largest->getOperands(), isPositive));
}

/// Whether `op` can move to the function's entry: shape arithmetic.
bool isShapeArithmetic(Operation *op) {
  if (isa<memref::DimOp>(op))
    return true; // of what, its operand decides
  return (isPure(op) || isSafeDivision(op)) && op->getNumRegions() == 0 &&
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

/// Emits `bytes` times `sizes`, looked up in `hoisted`, cut to largestSize. A
/// negative size counts as a huge one.
Value emitProduct(OpBuilder &builder, Location loc, int64_t bytes,
                  ValueRange sizes, const IRMapping &hoisted) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  };
  Value product = constant(bytes);
  Value limit = constant(largestSize);
  for (Value size : sizes) {
    Value dim = arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                           hoisted.lookupOrDefault(size));
    auto wide = arith::MulUIExtendedOp::create(builder, loc, product, dim);
    Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       wide.getHigh(), constant(0));
    Value cut = arith::MinUIOp::create(builder, loc, wide.getLow(), limit);
    product = arith::SelectOp::create(builder, loc, fits, cut, limit);
  }
  return product;
}

/// Emits the size of `alloc` in bytes, rounded up to the alignment.
Value emitBytes(OpBuilder &builder, memref::AllocOp alloc) {
  Location loc = alloc.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  };
  Value bytes = emitProduct(builder, loc, staticBytes(alloc.getType()),
                            alloc.getDynamicSizes(), IRMapping());
  bytes = arith::AddIOp::create(builder, loc, bytes, constant(alignment - 1));
  bytes = arith::AndIOp::create(builder, loc, bytes, constant(-alignment));
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    bytes);
}

/// Sees to it that the places of `group` keep to the alignment. Each member is
/// padded, which costs little if most have rows of many bytes; else the number
/// of units is rounded up, or a vector of floats would take 16 times its
/// memory.
void align(Group &group) {
  uint64_t exact = 0, padded = 0, divisor = alignment;
  for (const Temporary &temporary : group.members) {
    exact += temporary.bytes;
    padded += llvm::alignTo(temporary.bytes, alignment);
    divisor = std::gcd<uint64_t>(divisor, temporary.bytes);
  }
  if (padded - exact > exact / 8) {
    group.step = alignment / divisor;
    return;
  }
  for (Temporary &temporary : group.members)
    temporary.bytes = llvm::alignTo(temporary.bytes, alignment);
}

/// Gives each of `temporaries` the lowest place that is free while it is alive,
/// a multiple of `align`, the largest first. Returns the bytes that they take
/// together.
int64_t place(SmallVectorImpl<Temporary> &temporaries, int64_t align) {
  llvm::stable_sort(temporaries, [](const Temporary &a, const Temporary &b) {
    return a.bytes > b.bytes;
  });
  int64_t end = 0;
  for (size_t i = 0; i < temporaries.size(); ++i) {
    Temporary &own = temporaries[i];
    SmallVector<std::pair<int64_t, int64_t>> taken;
    for (size_t j = 0; j < i; ++j)
      if (Temporary &other = temporaries[j]; own.overlaps(other))
        taken.push_back({other.offset, other.offset + other.bytes});
    llvm::sort(taken);
    int64_t offset = 0;
    for (auto [begin, stop] : taken) {
      if (offset + own.bytes <= begin)
        break;
      offset = std::max<int64_t>(offset, llvm::alignTo(stop, align));
    }
    own.offset = offset;
    end = std::max(end, offset + own.bytes);
  }
  return llvm::alignTo(end, align);
}

/// Emits how many units `group` has, looked up in `hoisted` and rounded up. Cut
/// to largestSize where it is a product or rounded, so that neither overflows.
Value emitUnits(OpBuilder &builder, Location loc, const Group &group,
                const IRMapping &hoisted) {
  if (group.unit.size() == 1 && group.step == 1)
    return hoisted.lookupOrDefault(group.unit.front());
  Value units = emitProduct(builder, loc, 1, group.unit, hoisted);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  };
  if (group.step > 1) {
    units =
        arith::AddIOp::create(builder, loc, units, constant(group.step - 1));
    units = arith::AndIOp::create(builder, loc, units, constant(-group.step));
  }
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    units);
}

class ArenaPlanner {
public:
  explicit ArenaPlanner(func::FuncOp function)
      : function(function), flow(function) {
    number(function.getBody());
  }

  /// Plans static allocations and those of plannable size; others stay.
  void plan() {
    function.walk<WalkOrder::PreOrder>([&](memref::AllocOp alloc) {
      if (!alloc.getType().getLayout().isIdentity())
        return;
      if (alloc.getType().hasStaticShape() || isPlannable(alloc, sizeOps))
        addToGroup(measure(alloc));
    });
    fixed.bytes = place(fixed.members, alignment);
    for (Group &group : groups) {
      align(group);
      group.bytes = std::min(place(group.members, /*align=*/1), largestSize);
      assignSlot(group);
    }
  }

  /// Reserves the arena at the function's start and makes every temporary a
  /// view of it.
  void materialize();

  size_t getNumPlanned() const {
    size_t count = fixed.members.size();
    for (const Group &group : groups)
      count += group.members.size();
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

  std::pair<int64_t, unsigned> position(Value size) {
    Operation *op = size.getDefiningOp();
    return {extents.lookup(op).first, cast<OpResult>(size).getResultNumber()};
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
        // What comes from outside a loop is read again in its next iteration,
        // and siblings run at the same time.
        for (Operation *loop = user->getParentOp(); loop != function;
             loop = loop->getParentOp())
          if (isa<LoopLikeOpInterface, bit::SiblingsOp>(loop) &&
              !loop->isAncestor(alloc))
            include(loop);
      }
    }
    return temporary;
  }

  void addToGroup(Temporary temporary) {
    temporary.bytes = staticBytes(temporary.alloc.getType());
    SmallVector<Value> unit;
    for (Value size : temporary.alloc.getDynamicSizes())
      collectFactors(size, temporary.bytes, unit);
    if (unit.empty()) {
      fixed.members.push_back(temporary);
      return;
    }
    // Not by address: equal models make equal libraries.
    llvm::sort(unit,
               [&](Value a, Value b) { return position(a) < position(b); });
    auto *known = llvm::find_if(
        groups, [&](const Group &group) { return group.unit == unit; });
    if (known == groups.end())
      known = &groups.emplace_back(Group{unit, {}});
    known->members.push_back(temporary);
  }

  void assignSlot(Group &group) {
    for (Slot &slot : slots)
      if (llvm::none_of(slot,
                        [&](Group *other) { return other->overlaps(group); })) {
        slot.push_back(&group);
        return;
      }
    slots.push_back({&group});
  }

  func::FuncOp function;
  BufferViewFlowAnalysis flow;
  DenseMap<Operation *, Extent> extents;
  int64_t nextPosition = 0;
  Group fixed; ///< its unit is 1
  SmallVector<Group> groups;
  SmallVector<Slot> slots;
  SetVector<Operation *> sizeOps;
};

void ArenaPlanner::materialize() {
  OpBuilder builder(function.getContext());
  // Sizes are functions of the inputs' dimensions; only constants stand before
  // the inputs.
  builder.setInsertionPointToStart(&function.front());
  for (auto input : function.front().getOps<bit::InputOp>())
    builder.setInsertionPointAfter(input);
  Location loc = function.getLoc();
  Type indexType = builder.getIndexType();

  IRMapping hoisted;
  for (Operation *op : sizeOps)
    builder.clone(*op, hoisted);

  Value total = arith::ConstantIndexOp::create(builder, loc, fixed.bytes);
  struct Start {
    Group *group;
    Value offset, units;
  };
  SmallVector<Start> starts;
  for (const Slot &slot : slots) {
    Value largest;
    for (Group *group : slot) {
      Value units = emitUnits(builder, loc, *group, hoisted);
      starts.push_back({group, total, units});
      Value bytes = arith::IndexCastOp::create(
          builder, loc, indexType,
          emitProduct(builder, loc, group->bytes, units, IRMapping()));
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
  for (const Temporary &temporary : fixed.members)
    replace(temporary.alloc,
            arith::ConstantIndexOp::create(builder, loc, temporary.offset));
  // The arena holds all of them, so no product overflows.
  for (const Start &start : starts) {
    for (const Temporary &temporary : start.group->members) {
      Value offset = start.offset;
      if (temporary.offset > 0) {
        offset = arith::MulIOp::create(
            builder, loc, start.units,
            arith::ConstantIndexOp::create(builder, loc, temporary.offset));
        offset = arith::AddIOp::create(builder, loc, start.offset, offset);
      }
      replace(temporary.alloc, offset);
    }
  }
}

struct PlanArena : bit::impl::PlanArenaBase<PlanArena> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isPrivate() || function.isDeclaration())
      return;
    ArenaPlanner planner(function);
    planner.plan();
    if (planner.getNumPlanned() > 0)
      planner.materialize();
    numPlanned += planner.getNumPlanned();
    function.walk([&](memref::AllocOp alloc) {
      OpBuilder builder(alloc);
      alloc.replaceAllUsesWith(
          bit::AllocateOp::create(
              builder, alloc.getLoc(), alloc.getType(), function.getArgument(0),
              emitBytes(builder, alloc), alloc.getDynamicSizes(),
              /*reuse=*/alloc->getParentOfType<LoopLikeOpInterface>() !=
                  nullptr)
              .getResult());
      alloc.erase();
      ++numDeclined;
    });
  }
};

} // namespace
