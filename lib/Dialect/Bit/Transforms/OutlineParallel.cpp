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

/// Whether the runtime can split `loop`: one dimension from 0 in steps of 1 on
/// buffers, in a function that has a call to ask.
bool isOutlinable(scf::ForallOp loop) {
  auto function = loop->getParentOfType<func::FuncOp>();
  return loop.getRank() == 1 && loop.getOutputs().empty() &&
         loop.isNormalized() && function.getNumArguments() > 0 &&
         isa<bit::CallType>(function.getArgument(0).getType());
}

class ParallelOutliner {
public:
  explicit ParallelOutliner(ModuleOp module)
      : symbols(module), converter(module.getContext()) {}

  void outline(scf::ForallOp loop) {
    SetVector<Value> captured;
    getUsedValuesDefinedAbove(loop.getRegion(), captured);
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
    auto context = LLVM::LLVMStructType::getLiteral(loop.getContext(), fields);

    func::FuncOp body =
        buildBody(loop, captured.getArrayRef(), constants, context);
    auto function = loop->getParentOfType<func::FuncOp>();
    OpBuilder builder(loop);
    Value pointer =
        storeContext(builder, loop, captured.getArrayRef(), context);
    Value count = getValueOrCreateConstantIndexOp(
        builder, loop.getLoc(), loop.getMixedUpperBound().front());
    bit::ParallelForOp::create(builder, loop.getLoc(), function.getArgument(0),
                               body.getSymName(), pointer, count);
    loop.erase();
  }

private:
  /// Writes the captured values into a struct on the function's stack.
  Value storeContext(OpBuilder &builder, scf::ForallOp loop,
                     ArrayRef<Value> captured, Type context) {
    Location loc = loop.getLoc();
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
  func::FuncOp buildBody(scf::ForallOp loop, ArrayRef<Value> captured,
                         ArrayRef<Operation *> constants, Type context) {
    Location loc = loop.getLoc();
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
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    auto range = scf::ForOp::create(builder, loc, lo, hi, one);
    mapping.map(loop.getInductionVars().front(), range.getInductionVar());
    func::ReturnOp::create(builder, loc);
    builder.setInsertionPointToStart(range.getBody());
    for (Operation &op : loop.getBody()->without_terminator())
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
    SmallVector<scf::ForallOp> loops;
    getOperation().walk([&](scf::ForallOp loop) {
      // A loop inside another one runs in the thread of its body.
      if (isOutlinable(loop) && !loop->getParentOfType<scf::ForallOp>())
        loops.push_back(loop);
      else
        ++numDeclined; // forall-to-for makes it sequential
    });
    ParallelOutliner outliner(getOperation());
    for (scf::ForallOp loop : loops)
      outliner.outline(loop);
    numOutlined += loops.size();
    getOperation().walk(hoistAllocas);
  }
};

} // namespace
