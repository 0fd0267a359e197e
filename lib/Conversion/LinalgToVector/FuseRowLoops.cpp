// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loop along a row that reads what the loop before it has stored becomes part
// of that loop and takes the values from registers: the row is gone over once.

#include "bit/Conversion/LinalgToVector/LinalgToVector.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace bit {
#define GEN_PASS_DEF_FUSEROWLOOPS
#include "bit/Conversion/LinalgToVector/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Neighbours of a row in memory.
struct Access {
  Value buffer;
  SmallVector<Value> leading; ///< all indices but the last
  Value last;

  template <typename Op> static Access of(Op op) {
    Access access{op.getBase(), llvm::to_vector(op.getIndices()), {}};
    access.last = access.leading.pop_back_val();
    // A row with dimensions of 1 before it: their indices can only be 0.
    auto expand = access.buffer.getDefiningOp<memref::ExpandShapeOp>();
    if (expand && expand.getSrcType().getRank() == 1 &&
        llvm::all_of(expand.getResultType().getShape().drop_back(),
                     [](int64_t size) { return size == 1; })) {
      access.buffer = expand.getSrc();
      access.leading.clear();
    }
    return access;
  }
  /// The same row; their last indices may differ.
  bool isSameRow(const Access &other) const {
    return buffer == other.buffer && leading == other.leading;
  }
};

/// Two loops and what one takes from the other.
struct Pair {
  scf::ForOp first, second;
  vector::StoreOp store;
  /// Iterations of the first in one of the second.
  int64_t factor = 1;
  /// Loads of the second, and which of those iterations has stored the value.
  SmallVector<std::pair<vector::LoadOp, int64_t>> loads = {};

  LogicalResult match();
  void fuse();

private:
  LogicalResult matchRanges();
  LogicalResult matchLoad(vector::LoadOp load);
  std::optional<int64_t> getOffset(Value index);
};

} // namespace

/// The buffer that a view is of.
static Value rootOf(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

/// Whether a buffer is an allocation of its own or one that the function is
/// given, but not one of several that it may be.
static bool isOneBuffer(Value root) {
  if (auto argument = dyn_cast<BlockArgument>(root))
    return isa<FunctionOpInterface>(argument.getOwner()->getParentOp());
  return llvm::none_of(root.getDefiningOp()->getOperandTypes(),
                       llvm::IsaPred<BaseMemRefType>) &&
         root.getDefiningOp()->getNumRegions() == 0;
}

static bool onlyReads(Operation &op) {
  if (isMemoryEffectFree(&op))
    return true;
  auto effects = dyn_cast<MemoryEffectOpInterface>(op);
  return effects && op.getNumRegions() == 0 &&
         effects.onlyHasEffect<MemoryEffects::Read>();
}

/// The one store of a loop that does nothing else to memory.
static vector::StoreOp findStore(scf::ForOp loop) {
  vector::StoreOp found;
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (onlyReads(op))
      continue;
    auto store = dyn_cast<vector::StoreOp>(op);
    if (!store || found)
      return {};
    found = store;
  }
  return found;
}

/// The loop after `loop`, if nothing between them touches memory.
static scf::ForOp findNext(scf::ForOp loop) {
  for (Operation *op = loop->getNextNode(); op; op = op->getNextNode()) {
    if (auto next = dyn_cast<scf::ForOp>(op))
      return next;
    if (!isMemoryEffectFree(op))
      break;
  }
  return {};
}

LogicalResult Pair::matchRanges() {
  auto same = [](Value a, Value b) {
    return isEqualConstantIntOrValue(getAsOpFoldResult(a),
                                     getAsOpFoldResult(b));
  };
  if (!same(first.getLowerBound(), second.getLowerBound()) ||
      !same(first.getUpperBound(), second.getUpperBound()))
    return failure();
  auto step = getConstantIntValue(first.getStep());
  auto wide = getConstantIntValue(second.getStep());
  if (!step || !wide || *step < 1 || *wide % *step != 0)
    return failure();
  factor = *wide / *step;
  if (factor == 1)
    return success();
  auto lower = getConstantIntValue(first.getLowerBound());
  auto upper = getConstantIntValue(first.getUpperBound());
  constexpr int64_t mostCopies = 4;
  return success(factor <= mostCopies && lower && upper &&
                 (*upper - *lower) % *wide == 0);
}

/// c where `index` is the second loop's variable plus c.
std::optional<int64_t> Pair::getOffset(Value index) {
  if (index == second.getInductionVar())
    return 0;
  auto add = index.getDefiningOp<arith::AddIOp>();
  if (!add || add.getLhs() != second.getInductionVar())
    return std::nullopt;
  return getConstantIntValue(add.getRhs());
}

LogicalResult Pair::matchLoad(vector::LoadOp load) {
  Access read = Access::of(load), written = Access::of(store);
  std::optional<int64_t> offset = getOffset(read.last);
  int64_t step = *getConstantIntValue(first.getStep());
  if (!read.isSameRow(written) || !offset || *offset < 0 ||
      *offset % step != 0 || *offset / step >= factor ||
      load.getVectorType() != store.getVectorType())
    return failure();
  loads.emplace_back(load, *offset / step);
  return success();
}

LogicalResult Pair::match() {
  if (first.getNumResults() != 0 || failed(matchRanges()))
    return failure();
  Access written = Access::of(store);
  int64_t step = *getConstantIntValue(first.getStep());
  bool isInvariant = llvm::all_of(written.leading, [&](Value index) {
    return first.isDefinedOutsideOfLoop(index);
  });
  // What an iteration stores no other one overwrites.
  if (written.last != first.getInductionVar() || !isInvariant ||
      store.getVectorType().getRank() != 1 ||
      store.getVectorType().getDimSize(0) > step)
    return failure();
  Value root = rootOf(store.getBase());
  bool isOwn = root.getDefiningOp<memref::AllocaOp>() != nullptr;
  for (Operation &op : second.getBody()->without_terminator()) {
    if (isMemoryEffectFree(&op) && op.getNumRegions() == 0)
      continue;
    auto load = dyn_cast<vector::LoadOp>(op);
    if (!load)
      return failure();
    Value other = rootOf(load.getBase());
    if (isOwn && other != root && isOneBuffer(other))
      continue;
    if (failed(matchLoad(load)))
      return failure();
  }
  return success(!loads.empty());
}

void Pair::fuse() {
  OpBuilder b(second);
  Location loc = second.getLoc();
  IRMapping values;
  b.setInsertionPointToStart(second.getBody());
  SmallVector<Value> stored;
  for (int64_t i = 0; i < factor; ++i) {
    Value at = second.getInductionVar();
    if (i > 0) {
      int64_t offset = i * *getConstantIntValue(first.getStep());
      at = arith::AddIOp::create(
          b, loc, at, arith::ConstantIndexOp::create(b, loc, offset));
    }
    values.map(first.getInductionVar(), at);
    for (Operation &op : first.getBody()->without_terminator())
      b.clone(op, values);
    stored.push_back(values.lookupOrDefault(store.getValueToStore()));
  }
  for (auto [load, number] : loads) {
    load.replaceAllUsesWith(stored[number]);
    load.erase();
  }
  first.erase();
}

namespace {
struct FuseRowLoopsPass : bit::impl::FuseRowLoopsBase<FuseRowLoopsPass> {
  using FuseRowLoopsBase::FuseRowLoopsBase;

  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation()->walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops) {
      vector::StoreOp store = findStore(loop);
      scf::ForOp next = findNext(loop);
      if (!store || !next)
        continue;
      Pair pair{loop, next, store};
      if (failed(pair.match())) {
        ++numDeclined;
        continue;
      }
      pair.fuse();
      ++numFused;
    }
  }
};
} // namespace
