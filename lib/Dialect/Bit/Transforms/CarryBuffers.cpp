// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace bit {
#define GEN_PASS_DEF_CARRYBUFFERS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

Value stripCasts(Value value) {
  while (auto cast = value.getDefiningOp<memref::CastOp>())
    value = cast.getSource();
  return value;
}

/// The buffer that `value` is a copy of, made in `block`; else itself.
Value getCopied(Value value, Block *block) {
  value = stripCasts(value);
  auto alloc = value.getDefiningOp<memref::AllocOp>();
  if (!alloc || alloc->getBlock() != block)
    return value;
  for (Operation *user : alloc->getUsers()) {
    if (auto copy = dyn_cast<memref::CopyOp>(user))
      if (copy.getTarget() == value)
        return stripCasts(copy.getSource());
    if (auto copy = dyn_cast<linalg::CopyOp>(user))
      if (copy.getOutputs().front() == value)
        return stripCasts(copy.getInputs().front());
  }
  return value;
}

/// Hands the arguments of the loop's condition on as they are: bufferization
/// has copied them, in case the body writes them, and below they get memory
/// that only the loop writes.
void forwardArguments(scf::WhileOp loop) {
  Block *before = loop.getBeforeBody();
  scf::ConditionOp condition = loop.getConditionOp();
  for (OpOperand &operand : condition.getArgsMutable()) {
    Value source = getCopied(operand.get(), before);
    auto argument = dyn_cast<BlockArgument>(source);
    if (argument && argument.getOwner() == before &&
        argument.getType() == operand.get().getType())
      operand.set(argument);
  }
  // The copies that nobody reads now.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*before))) {
    if (isa<memref::CopyOp, linalg::CopyOp>(op)) {
      Value target = op.getOperand(1);
      if (target.getDefiningOp<memref::AllocOp>() && target.hasOneUse())
        op.erase();
    } else if (isa<memref::AllocOp, memref::CastOp, memref::DimOp>(op) &&
               op.use_empty()) {
      op.erase();
    }
  }
}

Value createCopy(OpBuilder &builder, Location loc, Value from) {
  auto type = cast<MemRefType>(from.getType());
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(memref::DimOp::create(builder, loc, from, dim));
  auto plain = MemRefType::get(type.getShape(), type.getElementType());
  Value to = memref::AllocOp::create(builder, loc, plain, sizes,
                                     builder.getI64IntegerAttr(64));
  if (type.getLayout().isIdentity())
    memref::CopyOp::create(builder, loc, from, to);
  else
    linalg::CopyOp::create(builder, loc, from, to);
  return to;
}

/// What the body yields, when it does not simply keep its argument.
SmallVector<OpOperand *> getReplaced(scf::WhileOp loop) {
  SmallVector<OpOperand *> replaced;
  for (OpOperand &operand : loop.getYieldOp()->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    auto kept = dyn_cast<BlockArgument>(operand.get());
    if (kept && kept.getOwner() == loop.getAfterBody() &&
        loop.getConditionOp().getArgs()[kept.getArgNumber()] ==
            loop.getBeforeArguments()[operand.getOperandNumber()])
      continue;
    replaced.push_back(&operand);
  }
  return replaced;
}

/// Copies what the body yields to memory that it finds there in its next
/// iteration. Returns how many values were copied.
int64_t carry(scf::WhileOp loop) {
  forwardArguments(loop);
  SmallVector<OpOperand *> replaced = getReplaced(loop);
  BufferViewFlowAnalysis flow(loop->getParentOfType<FunctionOpInterface>());
  auto mayBeArgument = [&](Value value) {
    return llvm::any_of(flow.resolveReverse(value), [&](Value source) {
      auto argument = dyn_cast<BlockArgument>(source);
      return argument && argument.getOwner()->getParentOp() == loop;
    });
  };
  Location loc = loop.getLoc();
  OpBuilder builder(loop.getYieldOp());
  SmallVector<Value> values;
  // Two values may change places: what lies in carried memory is saved before
  // any of it is overwritten.
  for (OpOperand *operand : replaced)
    values.push_back(mayBeArgument(operand->get())
                         ? createCopy(builder, loc, operand->get())
                         : operand->get());
  for (auto [operand, value] : llvm::zip(replaced, values)) {
    Value carried = createCopy(builder, loc, value);
    Type type = operand->get().getType();
    if (carried.getType() != type)
      carried = memref::CastOp::create(builder, loc, type, carried);
    operand->set(carried);
  }
  return replaced.size();
}

struct CarryBuffers : bit::impl::CarryBuffersBase<CarryBuffers> {
  void runOnOperation() override {
    getOperation()->walk([&](scf::WhileOp loop) {
      // Not those inside of elementwise operations, which carry scalars.
      int64_t copied = carry(loop);
      numCarried += copied;
      numDeclined += llvm::count_if(loop.getYieldOp()->getOperandTypes(),
                                    llvm::IsaPred<MemRefType>) -
                     copied;
    });
  }
};

} // namespace
