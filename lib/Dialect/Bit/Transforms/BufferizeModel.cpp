// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace bit {
#define GEN_PASS_DEF_BUFFERIZEMODEL
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;
using namespace mlir::bufferization;

namespace {

bool isPlainBuffer(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  return type && type.getLayout().isIdentity();
}

/// A copy between plain layouts becomes memcpy; any other one a loop, where
/// upstream would call a function of MLIR's own runtime library.
LogicalResult createCopy(OpBuilder &builder, Location loc, Value from,
                         Value to) {
  if (isPlainBuffer(from) && isPlainBuffer(to))
    memref::CopyOp::create(builder, loc, from, to);
  else
    linalg::CopyOp::create(builder, loc, from, to);
  return success();
}

OneShotBufferizationOptions getOptions() {
  OneShotBufferizationOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.setFunctionBoundaryTypeConversion(LayoutMapOption::IdentityLayoutMap);
  options.bufferAlignment = 64;
  // Of which bit-carry-buffers makes what lives from one to the next iteration.
  options.allowReturnAllocsFromLoops = true;
  options.memCpyFn = createCopy;
  return options;
}

/// Whether `value` becomes a buffer without gaps. What this does not know
/// does not.
bool isPlain(Value value) {
  if (isa<BlockArgument>(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (isa<tensor::EmptyOp, AllocTensorOp, tensor::FromElementsOp, scf::IfOp,
          scf::WhileOp>(op))
    return true;
  if (isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return isPlain(op->getOperand(0));
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return isPlain(insert.getDest());
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return isPlain(dps.getTiedOpOperand(cast<OpResult>(value))->get());
  return false;
}

/// Copies the tensors that enter or leave regions and are not plain: two
/// layouts that meet would become one that nothing is known of.
void makePlain(Operation *op) {
  OpBuilder builder(op);
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    if (type && !isPlain(operand.get()))
      operand.set(AllocTensorOp::create(builder, op->getLoc(), type,
                                        ValueRange(), operand.get()));
  }
}

/// Of what a tensor.empty becomes upstream knows no layout before it has become
/// it, which is too late for a branch that yields it.
void allocateForRegions(func::FuncOp function) {
  if (llvm::none_of(function.getOps(), [](Operation &op) {
        return isa<scf::IfOp, scf::WhileOp>(op);
      }))
    return;
  function.walk([](tensor::EmptyOp op) {
    OpBuilder builder(op);
    op.replaceAllUsesWith(AllocTensorOp::create(builder, op.getLoc(),
                                                op.getType(),
                                                op.getDynamicSizes())
                              .getResult());
    op.erase();
  });
}

/// Where a function returns a view, upstream makes the copy itself.
void loopOverCopy(memref::CopyOp op) {
  if (isPlainBuffer(op.getSource()) && isPlainBuffer(op.getTarget()))
    return;
  OpBuilder builder(op);
  linalg::CopyOp::create(builder, op.getLoc(), op.getSource(), op.getTarget());
  op.erase();
}

/// Or casts it, where its strides are not known: they might be those of a
/// buffer without gaps, but nothing says so.
void copyView(memref::CastOp op) {
  auto type = dyn_cast<MemRefType>(op.getType());
  if (!type || !isPlainBuffer(op.getResult()) || isPlainBuffer(op.getSource()))
    return;
  OpBuilder builder(op);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(
          memref::DimOp::create(builder, op.getLoc(), op.getSource(), i));
  Value copy = memref::AllocOp::create(builder, op.getLoc(), type, sizes,
                                       builder.getI64IntegerAttr(64));
  linalg::CopyOp::create(builder, op.getLoc(), op.getSource(), copy);
  op.replaceAllUsesWith(copy);
  op.erase();
}

struct BufferizeModel : bit::impl::BufferizeModelBase<BufferizeModel> {
  void runOnOperation() override {
    OpBuilder builder(&getContext());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isDeclaration()) {
        ++numDeclined;
        continue;
      }
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        function.setArgAttr(i, BufferizationDialect::kWritableAttrName,
                            builder.getBoolAttr(false));
      ++numFunctions;
    }
    getOperation().walk(allocateForRegions);
    getOperation().walk([](Operation *op) {
      if (isa<scf::WhileOp>(op) ||
          (isa<scf::YieldOp>(op) &&
           isa<scf::IfOp, scf::WhileOp>(op->getParentOp())))
        makePlain(op);
    });
    BufferizationState state;
    if (failed(runOneShotModuleBufferize(getOperation(), getOptions(), state)))
      return signalPassFailure();
    getOperation().walk(loopOverCopy);
    getOperation().walk(copyView);
  }
};

} // namespace
