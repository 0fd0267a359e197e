// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

namespace bit {
#define GEN_PASS_DEF_OUTLINEPARALLEL
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Whether the runtime can split `op`: one dimension from 0 in steps of 1 on
/// buffers, in a function that has a call to ask.
bool isOutlinable(Operation *op) {
  auto function = op->getParentOfType<func::FuncOp>();
  if (op->getParentOfType<scf::ForallOp>() ||
      op->getParentOfType<bit::ParallelRangesOp>() ||
      function.getNumArguments() == 0 ||
      !isa<bit::CallType>(function.getArgument(0).getType()))
    return false;
  auto loop = dyn_cast<scf::ForallOp>(op);
  return !loop || (loop.getRank() == 1 && loop.getOutputs().empty() &&
                   loop.isNormalized());
}

/// Replaces `op` by its region for the whole range.
void runInOrder(bit::ParallelRangesOp op) {
  OpBuilder builder(op);
  Block &body = op.getBody().front();
  Value zero = arith::ConstantIndexOp::create(builder, op.getLoc(), 0);
  body.getArgument(0).replaceAllUsesWith(zero);
  body.getArgument(1).replaceAllUsesWith(op.getCount());
  op->getBlock()->getOperations().splice(op->getIterator(),
                                         body.getOperations());
  op.erase();
}

class ParallelOutliner {
public:
  explicit ParallelOutliner(ModuleOp module)
      : symbols(module), converter(module.getContext()) {}

  /// `loop` is an scf.forall or a bit.parallel_ranges.
  void outline(Operation *loop) {
    SetVector<Value> captured;
    getUsedValuesDefinedAbove(loop->getRegions(), captured);
    // Constants are cheaper made anew than carried in the context.
    SmallVector<Operation *> constants;
    captured.remove_if([&](Value value) {
      Operation *op = value.getDefiningOp();
      bool isConstant = op && op->hasTrait<OpTrait::ConstantLike>();
      if (isConstant)
        constants.push_back(op);
      return isConstant;
    });
    SmallVector<Type> fields;
    for (Value value : captured)
      fields.push_back(converter.convertType(value.getType()));
    auto context = LLVM::LLVMStructType::getLiteral(loop->getContext(), fields);

    func::FuncOp body =
        buildBody(loop, captured.getArrayRef(), constants, context);
    auto function = loop->getParentOfType<func::FuncOp>();
    OpBuilder builder(loop);
    Value pointer =
        storeContext(builder, loop, captured.getArrayRef(), context);
    OpFoldResult count;
    if (auto forall = dyn_cast<scf::ForallOp>(loop))
      count = forall.getMixedUpperBound().front();
    else
      count = cast<bit::ParallelRangesOp>(loop).getCount();
    bit::ParallelForOp::create(
        builder, loop->getLoc(), function.getArgument(0), body.getSymName(),
        pointer,
        getValueOrCreateConstantIndexOp(builder, loop->getLoc(), count));
    loop->erase();
  }

private:
  /// Writes the captured values into a struct on the function's stack.
  Value storeContext(OpBuilder &builder, Operation *loop,
                     ArrayRef<Value> captured, Type context) {
    Location loc = loop->getLoc();
    auto pointerType = LLVM::LLVMPointerType::get(builder.getContext());
    Value pointer;
    {
      // In the entry block: a loop around this one must not grow the stack.
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(
          &loop->getParentOfType<func::FuncOp>().front());
      Value one =
          LLVM::ConstantOp::create(builder, loc, builder.getI64Type(), 1);
      pointer = LLVM::AllocaOp::create(builder, loc, pointerType, context, one);
    }
    for (auto [i, value] : llvm::enumerate(captured)) {
      Type field = converter.convertType(value.getType());
      Value stored =
          UnrealizedConversionCastOp::create(builder, loc, field, value)
              .getResult(0);
      Value place = LLVM::GEPOp::create(
          builder, loc, pointerType, context, pointer,
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      LLVM::StoreOp::create(builder, loc, stored, place);
    }
    return pointer;
  }

  /// Builds `body(context, lo, hi)`: the loop over lo..hi.
  func::FuncOp buildBody(Operation *loop, ArrayRef<Value> captured,
                         ArrayRef<Operation *> constants, Type context) {
    Location loc = loop->getLoc();
    auto parent = loop->getParentOfType<func::FuncOp>();
    OpBuilder builder(parent);
    auto pointerType = LLVM::LLVMPointerType::get(builder.getContext());
    Type i64 = builder.getI64Type();
    auto body = func::FuncOp::create(
        builder, loc, (parent.getSymName() + ".body").str(),
        builder.getFunctionType({pointerType, i64, i64}, {}));
    body.setPrivate();
    if (Attribute features = parent->getAttr("passthrough"))
      body->setAttr("passthrough", features);
    symbols.insert(body);

    Block *entry = body.addEntryBlock();
    builder.setInsertionPointToEnd(entry);
    IRMapping mapping;
    for (Operation *constant : constants)
      builder.clone(*constant, mapping);
    for (auto [i, value] : llvm::enumerate(captured)) {
      Value place = LLVM::GEPOp::create(
          builder, loc, pointerType, context, entry->getArgument(0),
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      Value loaded = LLVM::LoadOp::create(
          builder, loc, converter.convertType(value.getType()), place);
      mapping.map(value, UnrealizedConversionCastOp::create(
                             builder, loc, value.getType(), loaded)
                             .getResult(0));
    }
    auto toIndex = [&](unsigned argument) -> Value {
      return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                        entry->getArgument(argument));
    };
    Value lo = toIndex(1), hi = toIndex(2);
    auto forall = dyn_cast<scf::ForallOp>(loop);
    if (!forall) {
      Region &ranges = cast<bit::ParallelRangesOp>(loop).getBody();
      mapping.map(ranges.getArguments(), ArrayRef<Value>{lo, hi});
      for (Operation &op : ranges.front())
        builder.clone(op, mapping);
      func::ReturnOp::create(builder, loc);
      return body;
    }
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    auto range = scf::ForOp::create(builder, loc, lo, hi, one);
    mapping.map(forall.getInductionVars().front(), range.getInductionVar());
    func::ReturnOp::create(builder, loc);
    builder.setInsertionPointToStart(range.getBody());
    for (Operation &op : forall.getBody()->without_terminator())
      builder.clone(op, mapping);
    return body;
  }

  SymbolTable symbols;
  LLVMTypeConverter converter;
};

/// Scratch memory of a fixed size belongs to the function: in a loop it would
/// grow the stack.
void hoistAllocas(func::FuncOp function) {
  if (function.isExternal())
    return;
  Block &entry = function.front();
  function.walk([&](memref::AllocaOp op) {
    if (op->getBlock() != &entry && op.getType().hasStaticShape())
      op->moveBefore(&entry, entry.begin());
  });
}

struct OutlineParallel : bit::impl::OutlineParallelBase<OutlineParallel> {
  void runOnOperation() override {
    SmallVector<Operation *> loops;
    getOperation().walk([&](Operation *op) {
      if (!isa<scf::ForallOp, bit::ParallelRangesOp>(op))
        return;
      // A loop inside another one runs in the thread of its body.
      if (isOutlinable(op)) {
        loops.push_back(op);
        return;
      }
      ++numDeclined;
      // forall-to-for makes the others sequential.
      if (auto ranges = dyn_cast<bit::ParallelRangesOp>(op))
        runInOrder(ranges);
    });
    ParallelOutliner outliner(getOperation());
    for (Operation *loop : loops)
      outliner.outline(loop);
    numOutlined += loops.size();
    getOperation().walk(hoistAllocas);
  }
};

} // namespace
