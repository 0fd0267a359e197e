// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that go row by row over what a quantizer reads become one loop
// over rows with it.

#include "BufferUse.h"
#include "SizeProduct.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"

namespace bit {
#define GEN_PASS_DEF_FUSEROWS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Rows between two operations lie on a thread's stack, all of them together.
constexpr int64_t mostLocalBytes = 1 << 16;
/// Elements that are worth waking a thread for, as for a quantizer alone.
constexpr int64_t pieceWork = 1 << 16;

/// An operation of a group and how many of its leading loops go over rows.
struct Member {
  Operation *op;
  int64_t rowDims;
};

} // namespace

static MemRefType typeOf(Value value) {
  return cast<MemRefType>(value.getType());
}

/// The allocation that `value` has all elements of, in their order.
static memref::AllocOp getWhole(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!typeOf(value).getLayout().isIdentity())
      return nullptr;
    if (auto alloc = dyn_cast<memref::AllocOp>(op))
      return alloc;
    if (!isa<memref::CollapseShapeOp, memref::ExpandShapeOp>(op))
      return nullptr;
    value = op->getOperand(0);
  }
  return nullptr;
}

/// Whether a row of `operand` is all that one iteration over rows reads or
/// writes of it; none where it is neither that nor the same for all rows.
static std::optional<bool> isByRow(OpOperand &operand, int64_t rowDims) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type)
    return false;
  auto op = dyn_cast<linalg::LinalgOp>(operand.getOwner());
  if (!op) // A quantizer.
    return true;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  auto usesRow = [&](AffineExpr expr) {
    for (int64_t i = 0; i < rowDims; ++i)
      if (expr.isFunctionOfDim(i))
        return true;
    return false;
  };
  if (llvm::none_of(map.getResults(), usesRow))
    return false;
  if (map.getNumResults() < rowDims)
    return std::nullopt;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    bool isRow = static_cast<int64_t>(i) < rowDims;
    if (isRow ? expr != getAffineDimExpr(i, map.getContext()) : usesRow(expr))
      return std::nullopt;
  }
  return true;
}

/// Whether the body of `op` reads or writes buffers that are not operands.
static bool capturesBuffers(Operation *op) {
  WalkResult result = op->walk([&](Operation *inner) {
    bool uses = inner != op &&
                llvm::any_of(inner->getOperandTypes(),
                             [](Type t) { return isa<BaseMemRefType>(t); });
    return uses ? WalkResult::interrupt() : WalkResult::advance();
  });
  return result.wasInterrupted();
}

/// How many leading loops of `op` go over `rows` rows, at most one being left;
/// none where rows depend on each other or on where they are.
static std::optional<int64_t> getRowDims(linalg::LinalgOp op,
                                         const bit::SizeProduct &rows) {
  if (!op.hasPureBufferSemantics() || op.hasIndexSemantics() ||
      op.getNumDpsInits() == 0 || capturesBuffers(op))
    return std::nullopt;
  int64_t loops = op.getNumLoops();
  auto isParallel = [&](int64_t loop) {
    return linalg::isParallelIterator(op.getIteratorTypesArray()[loop]);
  };
  for (int64_t rowDims = std::max<int64_t>(loops - 1, 1); rowDims <= loops;
       ++rowDims) {
    if (!llvm::all_of(llvm::seq<int64_t>(0, rowDims), isParallel))
      return std::nullopt;
    auto fits = [&](OpOperand &operand) {
      std::optional<bool> byRow = isByRow(operand, rowDims);
      if (!op.isDpsInit(&operand))
        return byRow.has_value(); // As many rows as the init has.
      if (!byRow || !*byRow)
        return false;
      FailureOr<bit::SizeProduct> own =
          bit::getRowCount(operand.get(), rowDims);
      return succeeded(own) && *own == rows;
    };
    if (llvm::all_of(op->getOpOperands(), fits))
      return rowDims;
  }
  return std::nullopt;
}

namespace {

/// The quantizer and the operations before it that lead to what it reads.
class Group {
public:
  explicit Group(bit::AbsmaxQuantizeOp quantize) : quantize(quantize) {}

  /// Whether there is anything to fuse.
  bool collect();
  void fuse();

private:
  bool add(linalg::LinalgOp op);
  bool isWritten(Value root) const { return written.contains(root); }
  void findLocals();
  Value emitRows(OpBuilder &builder);
  SmallVector<Value> emitIndices(OpBuilder &builder, const Member &member,
                                 Value row);
  Value emitOperand(OpBuilder &builder, OpOperand &operand,
                    const Member &member, ArrayRef<Value> indices);

  bit::AbsmaxQuantizeOp quantize;
  bit::SizeProduct rows;
  SmallVector<Member> members; ///< in their order
  SmallVector<Operation *> between;
  DenseSet<Value> needed;  ///< roots that members read
  DenseSet<Value> written; ///< allocations
  /// Those that nothing else uses, with the elements of a row, and the row.
  llvm::MapVector<Value, std::pair<int64_t, Value>> locals;
};

} // namespace

bool Group::add(linalg::LinalgOp op) {
  std::optional<int64_t> rowDims = getRowDims(op, rows);
  if (!rowDims)
    return false;
  SmallVector<Value> roots;
  for (Value init : op.getDpsInits()) {
    memref::AllocOp alloc = getWhole(init);
    if (!alloc || alloc->getBlock() != quantize->getBlock())
      return false;
    roots.push_back(alloc);
  }
  if (!bit::isPassable(op))
    return false;
  if (llvm::none_of(roots, [&](Value root) { return needed.contains(root); }))
    return false;
  members.push_back({op, *rowDims});
  written.insert(roots.begin(), roots.end());
  for (Value operand : op->getOperands())
    if (isa<MemRefType>(operand.getType()))
      needed.insert(bit::getRoot(operand));
  return true;
}

bool Group::collect() {
  auto x = dyn_cast<MemRefType>(quantize.getX().getType());
  if (!x || x.getRank() < 2 ||
      quantize.getQuantizer().getGranularity() !=
          bit::ActivationGranularity::Token)
    return false;
  FailureOr<bit::SizeProduct> own =
      bit::getRowCount(quantize.getX(), x.getRank() - 1);
  if (failed(own))
    return false;
  rows = *own;
  Value root = bit::getRoot(quantize.getX());
  if (!root)
    return false;
  members.push_back({quantize, x.getRank() - 1});
  needed.insert(root);
  for (Value init : {quantize.getCodesInit(), quantize.getScaleInit(),
                     quantize.getSumInit()}) {
    memref::AllocOp alloc = getWhole(init);
    if (!alloc || alloc->getBlock() != quantize->getBlock())
      return false;
    written.insert(alloc);
  }
  SmallVector<Operation *> skipped, passed;
  for (Operation *op = quantize->getPrevNode(); op; op = op->getPrevNode()) {
    if (bit::isMovable(op)) {
      skipped.push_back(op);
      continue;
    }
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (linalgOp &&
        llvm::none_of(
            passed,
            [&](Operation *other) { return bit::conflict(op, other); }) &&
        add(linalgOp)) {
      between.append(skipped);
      skipped.clear();
    } else if (bit::isPassable(op) && passed.size() < bit::mostPassed) {
      passed.push_back(op);
    } else {
      break;
    }
  }
  std::reverse(members.begin(), members.end());
  std::reverse(between.begin(), between.end());
  // What a member writes, all read by rows and as a whole: a row is ready when
  // it is read.
  for (const Member &member : members)
    for (OpOperand &operand : member.op->getOpOperands())
      if (isa<MemRefType>(operand.get().getType()) &&
          isWritten(bit::getRoot(operand.get())) &&
          (!getWhole(operand.get()) ||
           !isByRow(operand, member.rowDims).value_or(false)))
        return false;
  return members.size() > 1;
}

/// Finds the allocations that only members use.
void Group::findLocals() {
  DenseSet<Operation *> inside;
  for (const Member &member : members)
    inside.insert(member.op);
  int64_t bytes = 0;
  auto isInside = [&](Value root) {
    SmallVector<Value> views = {root};
    while (!views.empty())
      for (Operation *user : views.pop_back_val().getUsers()) {
        if (isa<memref::CollapseShapeOp, memref::ExpandShapeOp>(user))
          views.push_back(user->getResult(0));
        else if (!inside.contains(user) && !isa<memref::DimOp>(user))
          return false;
      }
    return true;
  };
  for (const Member &member : members)
    for (OpOperand &operand : member.op->getOpOperands()) {
      Value root = isa<MemRefType>(operand.get().getType())
                       ? bit::getRoot(operand.get())
                       : Value();
      if (!root || !isWritten(root) || locals.contains(root))
        continue;
      MemRefType type = typeOf(operand.get());
      int64_t size = 1;
      for (int64_t dim : type.getShape().drop_front(member.rowDims))
        size = ShapedType::isDynamic(dim) ? mostLocalBytes + 1 : size * dim;
      int64_t own = size * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      if (size == 0 || bytes + own > mostLocalBytes || !isInside(root))
        continue;
      bytes += own;
      locals.insert({root, {size, Value()}});
    }
}

/// Emits the loop; leaves `builder` in it. Returns the row's number.
Value Group::emitRows(OpBuilder &builder) {
  Location loc = quantize.getLoc();
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value count = index(1);
  MemRefType x = typeOf(quantize.getX());
  for (int64_t i = 0; i + 1 < x.getRank(); ++i)
    count = arith::MulIOp::create(
        builder, loc, count,
        memref::DimOp::create(builder, loc, quantize.getX(), i));
  int64_t size = x.getShape().back();
  int64_t work =
      ShapedType::isDynamic(size) ? 1024 : std::max<int64_t>(size, 1);
  work *= members.size();
  Value items = index(llvm::divideCeil(pieceWork, work));
  Value pieces = arith::CeilDivUIOp::create(builder, loc, count, items);
  auto shared = scf::ForallOp::create(
      builder, loc, ArrayRef<OpFoldResult>{pieces}, /*outputs=*/ValueRange(),
      /*mapping=*/std::nullopt);
  builder.setInsertionPointToStart(shared.getBody());
  for (auto &[root, local] : locals) {
    auto type = MemRefType::get(local.first, typeOf(root).getElementType());
    local.second = memref::AllocaOp::create(builder, loc, type,
                                            builder.getI64IntegerAttr(64));
  }
  Value first =
      arith::MulIOp::create(builder, loc, shared.getInductionVar(0), items);
  Value rest = arith::SubIOp::create(builder, loc, count, first);
  Value end = arith::AddIOp::create(
      builder, loc, first, arith::MinUIOp::create(builder, loc, rest, items));
  auto loop = scf::ForOp::create(builder, loc, first, end, index(1));
  builder.setInsertionPointToStart(loop.getBody());
  return loop.getInductionVar();
}

/// Where row number `row` lies in what `member` computes.
SmallVector<Value> Group::emitIndices(OpBuilder &builder, const Member &member,
                                      Value row) {
  Location loc = member.op->getLoc();
  Value init = cast<DestinationStyleOpInterface>(member.op).getDpsInits()[0];
  ArrayRef<int64_t> shape = typeOf(init).getShape().take_front(member.rowDims);
  SmallVector<Value> indices(member.rowDims);
  for (int64_t i = member.rowDims - 1; i >= 0; --i) {
    if (shape[i] == 1) {
      indices[i] = arith::ConstantIndexOp::create(builder, loc, 0);
    } else if (llvm::all_of(shape.take_front(i),
                            [](int64_t dim) { return dim == 1; })) {
      indices[i] = row;
    } else {
      Value dim = memref::DimOp::create(builder, loc, init, i);
      indices[i] = arith::RemUIOp::create(builder, loc, row, dim);
      row = arith::DivUIOp::create(builder, loc, row, dim);
    }
  }
  return indices;
}

/// The row of `operand` that is at `indices`.
Value Group::emitOperand(OpBuilder &builder, OpOperand &operand,
                         const Member &member, ArrayRef<Value> indices) {
  Value source = operand.get();
  if (!isByRow(operand, member.rowDims).value_or(false))
    return source;
  Location loc = member.op->getLoc();
  MemRefType type = typeOf(source);
  SmallVector<int64_t> shape(type.getShape());
  std::fill_n(shape.begin(), member.rowDims, 1);
  if (auto *local = locals.find(bit::getRoot(source)); local != locals.end()) {
    Value row = local->second.second;
    if (shape.size() == 1)
      return row;
    ReassociationIndices all =
        llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
    return memref::ExpandShapeOp::create(
        builder, loc, MemRefType::get(shape, type.getElementType()), row,
        ArrayRef<ReassociationIndices>(all));
  }
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes = memref::getMixedSizes(builder, loc, source);
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  for (int64_t i = 0; i < member.rowDims; ++i) {
    offsets[i] = getAsOpFoldResult(indices[i]);
    sizes[i] = builder.getIndexAttr(1);
  }
  return memref::SubViewOp::create(builder, loc, source, offsets, sizes,
                                   strides);
}

void Group::fuse() {
  findLocals();
  for (Operation *op : between)
    op->moveBefore(members.front().op);
  OpBuilder builder(quantize);
  auto group = bit::GroupOp::create(builder, quantize.getLoc());
  // Where equal layers differ, for their calls.
  group->setDiscardableAttrs(quantize->getDiscardableAttrDictionary());
  builder.createBlock(&group.getBody());
  Value row = emitRows(builder);
  for (const Member &member : members) {
    SmallVector<Value> indices = emitIndices(builder, member, row);
    SmallVector<Value> operands;
    for (OpOperand &operand : member.op->getOpOperands())
      operands.push_back(emitOperand(builder, operand, member, indices));
    IRMapping mapping;
    Operation *copy = builder.clone(*member.op, mapping);
    copy->setOperands(operands);
    if (member.op == quantize)
      copy->setDiscardableAttrs(ArrayRef<NamedAttribute>());
  }
  for (const Member &member : llvm::reverse(members))
    member.op->erase();
}

namespace {

struct FuseRows : bit::impl::FuseRowsBase<FuseRows> {
  void runOnOperation() override {
    SmallVector<bit::AbsmaxQuantizeOp> quantizers;
    getOperation().walk(
        [&](bit::AbsmaxQuantizeOp op) { quantizers.push_back(op); });
    // The last one first: what another one fused stands in nobody's way.
    for (bit::AbsmaxQuantizeOp op : llvm::reverse(quantizers)) {
      Group group(op);
      if (!group.collect()) {
        ++numDeclined;
        continue;
      }
      group.fuse();
      ++numFused;
    }
  }
};

} // namespace
