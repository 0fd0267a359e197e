// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parallel loops of siblings become one.

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace bit {
#define GEN_PASS_DEF_FUSEPARALLEL
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

/// The range of `op` if threads share it.
static scf::ForallOp getRange(Operation &op) {
  auto loop = dyn_cast<scf::ForallOp>(op);
  return loop && loop.getRank() == 1 && loop.getOutputs().empty() &&
                 loop.isNormalized()
             ? loop
             : nullptr;
}

static OpFoldResult getBound(scf::ForallOp loop) {
  return loop.getMixedUpperBound().front();
}

/// Whether `op` is a few instructions that a function may repeat instead of
/// getting their result: a constant stays one.
static bool isArithmetic(Operation *op) {
  return op && op->getNumRegions() == 0 &&
         (op->hasTrait<OpTrait::ConstantLike>() || isa<memref::DimOp>(op) ||
          isa<arith::ArithDialect>(op->getDialect()));
}

/// Whether two sizes are the same number, by the same arithmetic.
static bool isSame(Value a, Value b) {
  if (a == b)
    return true;
  Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  auto isKnown = [](Operation *op) {
    return isArithmetic(op) || isa_and_nonnull<bit::NumThreadsOp>(op);
  };
  if (!isKnown(x) || !isKnown(y) || x->getName() != y->getName() ||
      x->getAttrDictionary() != y->getAttrDictionary() ||
      x->getResultTypes() != y->getResultTypes())
    return false;
  return llvm::all_of(
      llvm::zip(x->getOperands(), y->getOperands()),
      [](auto pair) { return isSame(std::get<0>(pair), std::get<1>(pair)); });
}

static bool isSame(OpFoldResult a, OpFoldResult b) {
  std::optional<int64_t> x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x || y)
    return x == y;
  return isSame(cast<Value>(a), cast<Value>(b));
}

namespace {

/// What computes a range of a loop: a function that takes what the loop
/// captures, then the range. LLVM inlines none (convert-bit-to-llvm), so that
/// the stack has the tables of one product at a time.
struct RangeFunction {
  func::FuncOp function;
  SmallVector<Value> captured;
};

class Fuser {
public:
  explicit Fuser(ModuleOp module) : symbols(module) {}

  void fuse(bit::SiblingsOp op);
  unsigned numJoined = 0, numDeclined = 0, numShared = 0;

private:
  static SmallVector<scf::ForallOp> getRanges(Region &member) {
    SmallVector<scf::ForallOp> loops;
    for (Operation &op : member.front())
      if (scf::ForallOp loop = getRange(op))
        loops.push_back(loop);
    return loops;
  }
  static bool haveSameItems(bit::SiblingsOp op);
  RangeFunction buildRange(scf::ForallOp loop);
  void join(OpBuilder &builder, ArrayRef<scf::ForallOp> loops, bool isOrdered);

  SymbolTable symbols;
  SmallVector<func::FuncOp> functions;
};

} // namespace

/// Whether the members of ordered siblings have loops over the same items and
/// nothing else that has effects.
bool Fuser::haveSameItems(bit::SiblingsOp op) {
  SmallVector<scf::ForallOp> first = getRanges(op.getMembers()[0]);
  SmallVector<scf::ForallOp> second = getRanges(op.getMembers()[1]);
  if (first.size() != second.size())
    return false;
  for (auto [a, b] : llvm::zip(first, second))
    if (!isSame(getBound(a), getBound(b)))
      return false;
  for (Region &member : op.getMembers())
    for (Operation &inner : member.front())
      if (!getRange(inner) && !isMemoryEffectFree(&inner))
        return false;
  return true;
}

RangeFunction Fuser::buildRange(scf::ForallOp loop) {
  SetVector<Value> used, captured;
  getUsedValuesDefinedAbove(loop.getRegion(), used);
  SetVector<Operation *> repeated;
  std::function<void(Value)> visit = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (!isArithmetic(op)) {
      captured.insert(value);
      return;
    }
    if (repeated.contains(op))
      return;
    llvm::for_each(op->getOperands(), visit);
    repeated.insert(op);
  };
  llvm::for_each(used, visit);

  Location loc = loop.getLoc();
  auto parent = loop->getParentOfType<func::FuncOp>();
  OpBuilder builder(parent);
  SmallVector<Type> types = llvm::map_to_vector(
      captured, [](Value value) { return value.getType(); });
  types.append(2, builder.getIndexType());
  auto function =
      func::FuncOp::create(builder, loc, (parent.getSymName() + ".range").str(),
                           builder.getFunctionType(types, {}));
  function.setPrivate();
  if (Attribute features = parent->getAttr("passthrough"))
    function->setAttr("passthrough", features);
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);
  IRMapping mapping;
  ValueRange arguments = entry->getArguments();
  mapping.map(captured.getArrayRef(), arguments.drop_back(2));
  for (Operation *op : repeated)
    builder.clone(*op, mapping);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto range = scf::ForOp::create(builder, loc, arguments.drop_back().back(),
                                  arguments.back(), one);
  mapping.map(loop.getInductionVars().front(), range.getInductionVar());
  func::ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(range.getBody());
  for (Operation &op : loop.getBody()->without_terminator())
    builder.clone(op, mapping);

  auto *known = llvm::find_if(functions, [&](func::FuncOp other) {
    return other.getFunctionType() == function.getFunctionType() &&
           other->getAttr("passthrough") == function->getAttr("passthrough") &&
           OperationEquivalence::isRegionEquivalentTo(
               &other.getBody(), &function.getBody(),
               OperationEquivalence::IgnoreLocations);
  });
  if (known != functions.end()) {
    ++numShared;
    function.erase();
    return {*known, captured.takeVector()};
  }
  symbols.insert(function);
  functions.push_back(function);
  return {function, captured.takeVector()};
}

/// Makes one loop of `loops`, of whose bounds all are known where `builder` is.
/// A range of it is a range of each: what one product has of it, then the next
/// one, so that a thread reads each product's weights in one stream.
void Fuser::join(OpBuilder &builder, ArrayRef<scf::ForallOp> loops,
                 bool isOrdered) {
  Location loc = loops.front()->getLoc();
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<RangeFunction> ranges;
  SmallVector<Value> starts, ends; // of each loop in the joint one
  Value count = arith::ConstantIndexOp::create(builder, loc, 0);
  for (scf::ForallOp loop : loops) {
    ranges.push_back(buildRange(loop));
    Value own = getValueOrCreateConstantIndexOp(builder, loc, getBound(loop));
    starts.push_back(count);
    count =
        isOrdered ? own : builder.createOrFold<arith::AddIOp>(loc, count, own);
    ends.push_back(count);
  }
  auto joined = bit::ParallelRangesOp::create(builder, loc, count);
  Type index = builder.getIndexType();
  builder.createBlock(&joined.getBody(), {}, {index, index}, {loc, loc});
  Value lo = joined.getBody().getArgument(0);
  Value hi = joined.getBody().getArgument(1);
  for (auto [range, start, end] : llvm::zip_equal(ranges, starts, ends)) {
    SmallVector<Value> arguments(range.captured);
    if (isOrdered) {
      arguments.append({lo, hi});
    } else {
      // Where it has nothing of the range, its end is before its start.
      Value first = arith::MaxSIOp::create(builder, loc, lo, start);
      Value last = arith::MinSIOp::create(builder, loc, hi, end);
      arguments.push_back(arith::SubIOp::create(builder, loc, first, start));
      arguments.push_back(arith::SubIOp::create(builder, loc, last, start));
    }
    func::CallOp::create(builder, loc, range.function, arguments);
  }
  numJoined += loops.size();
}

void Fuser::fuse(bit::SiblingsOp op) {
  OpBuilder builder(op);
  bool isJoinable = !op.getOrdered() || haveSameItems(op);
  if (!isJoinable)
    for (Region &member : op.getMembers()) {
      numDeclined += getRanges(member).size();
      op->getBlock()->getOperations().splice(op->getIterator(),
                                             member.front().getOperations());
    }
  // The members' first loops, with what stands before each, then the second
  // ones: as they share nothing, they may run in any order.
  while (isJoinable) {
    SmallVector<scf::ForallOp> loops;
    for (Region &member : op.getMembers()) {
      Block &block = member.front();
      while (!block.empty()) {
        Operation &next = block.front();
        if (scf::ForallOp loop = getRange(next)) {
          loop->remove();
          loops.push_back(loop);
          break;
        }
        next.moveBefore(op);
      }
    }
    if (loops.empty())
      break;
    for (scf::ForallOp loop : loops)
      builder.insert(loop);
    if (loops.size() == 1) {
      ++numDeclined;
      continue;
    }
    join(builder, loops, op.getOrdered());
    for (scf::ForallOp loop : loops)
      loop->erase();
  }
  op->erase();
}

namespace {

struct FuseParallel : bit::impl::FuseParallelBase<FuseParallel> {
  void runOnOperation() override {
    SmallVector<bit::SiblingsOp> siblings;
    getOperation().walk([&](bit::SiblingsOp op) { siblings.push_back(op); });
    Fuser fuser(getOperation());
    for (bit::SiblingsOp op : siblings)
      fuser.fuse(op);
    numJoined += fuser.numJoined;
    numDeclined += fuser.numDeclined;
    numShared += fuser.numShared;
  }
};

} // namespace
