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

/// What computes one item of a loop: a function that takes what the loop
/// captures, then the item's number. LLVM inlines none (convert-bit-to-llvm),
/// so that the stack has the tables of one product at a time.
struct Item {
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
  Item buildItem(scf::ForallOp loop);
  void call(OpBuilder &builder, Location loc, const Item &item, Value number);
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

Item Fuser::buildItem(scf::ForallOp loop) {
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
  types.push_back(builder.getIndexType());
  auto function =
      func::FuncOp::create(builder, loc, (parent.getSymName() + ".item").str(),
                           builder.getFunctionType(types, {}));
  function.setPrivate();
  if (Attribute features = parent->getAttr("passthrough"))
    function->setAttr("passthrough", features);
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);
  IRMapping mapping;
  mapping.map(captured.getArrayRef(), entry->getArguments().drop_back());
  mapping.map(loop.getInductionVars().front(), entry->getArguments().back());
  for (Operation *op : repeated)
    builder.clone(*op, mapping);
  for (Operation &op : loop.getBody()->without_terminator())
    builder.clone(op, mapping);
  func::ReturnOp::create(builder, loc);

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

void Fuser::call(OpBuilder &builder, Location loc, const Item &item,
                 Value number) {
  SmallVector<Value> arguments(item.captured);
  arguments.push_back(number);
  func::CallOp::create(builder, loc, item.function, arguments);
}

/// Makes one loop of `loops`, of whose bounds all are known where `builder` is.
void Fuser::join(OpBuilder &builder, ArrayRef<scf::ForallOp> loops,
                 bool isOrdered) {
  Location loc = loops.front()->getLoc();
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Item> items;
  SmallVector<Value> counts;
  for (scf::ForallOp loop : loops) {
    items.push_back(buildItem(loop));
    counts.push_back(
        getValueOrCreateConstantIndexOp(builder, loc, getBound(loop)));
  }
  Value count = counts[0];
  for (size_t i = 1; i < counts.size() && !isOrdered; ++i)
    count = arith::AddIOp::create(builder, loc, count, counts[i]);
  auto joined = scf::ForallOp::create(
      builder, loc, ArrayRef<OpFoldResult>{OpFoldResult(count)},
      /*outputs=*/ValueRange(), /*mapping=*/std::nullopt);
  builder.setInsertionPointToStart(joined.getBody());
  Value number = joined.getInductionVar(0);
  for (size_t i = 0; i < items.size(); ++i) {
    if (isOrdered || i + 1 == items.size()) {
      call(builder, loc, items[i], number);
      continue;
    }
    Value isOwn = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                        number, counts[i]);
    auto branch = scf::IfOp::create(builder, loc, isOwn, /*withElse=*/true);
    builder.setInsertionPointToStart(branch.thenBlock());
    call(builder, loc, items[i], number);
    builder.setInsertionPointToStart(branch.elseBlock());
    number = arith::SubIOp::create(builder, loc, number, counts[i]);
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
