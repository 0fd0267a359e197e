// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace bit {
#define GEN_PASS_DEF_BINDRUNTIME
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Replaces the arguments of `function` by reads of the run in progress.
Value bindInputs(func::FuncOp function) {
  Block &entry = function.front();
  OpBuilder builder = OpBuilder::atBlockBegin(&entry);
  Location loc = function.getLoc();
  unsigned numInputs = entry.getNumArguments();
  Value call =
      entry.addArgument(bit::CallType::get(function.getContext()), loc);
  for (unsigned i = 0; i < numInputs; ++i) {
    BlockArgument argument = entry.getArgument(i);
    argument.replaceAllUsesWith(bit::InputOp::create(
        builder, argument.getLoc(), argument.getType(), call, i));
  }
  entry.eraseArguments(0, numInputs);
  return call;
}

/// Returns the allocation that `value` is a whole of, if the output's memory
/// can take its place.
memref::AllocOp getReplaceableAlloc(Value value, func::FuncOp function) {
  while (auto cast = value.getDefiningOp<memref::CastOp>())
    value = cast.getSource();
  auto alloc = value.getDefiningOp<memref::AllocOp>();
  if (!alloc || alloc->getBlock() != &function.front() ||
      !alloc.getType().getLayout().isIdentity())
    return nullptr;
  return alloc;
}

/// Makes the memory of output `index` and sees that `value` gets there: in
/// place where `value` was allocated here and is no other output.
/// Returns whether it had to be copied.
bool bindOutput(func::ReturnOp ret, Value call, unsigned index, Value value) {
  auto function = ret->getParentOfType<func::FuncOp>();
  if (memref::AllocOp alloc = getReplaceableAlloc(value, function)) {
    OpBuilder builder(alloc);
    alloc.replaceAllUsesWith(bit::OutputOp::create(builder, alloc.getLoc(),
                                                   alloc.getType(), call, index,
                                                   alloc.getDynamicSizes())
                                 .getResult());
    alloc.erase();
    return false;
  }
  OpBuilder builder(ret);
  auto type = cast<MemRefType>(value.getType());
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(memref::DimOp::create(builder, ret.getLoc(), value, i));
  auto plain = MemRefType::get(type.getShape(), type.getElementType());
  Value output =
      bit::OutputOp::create(builder, ret.getLoc(), plain, call, index, sizes);
  // Of another layout, a copy would be a call of MLIR's own runtime library.
  if (type.getLayout().isIdentity())
    memref::CopyOp::create(builder, ret.getLoc(), value, output);
  else
    linalg::CopyOp::create(builder, ret.getLoc(), value, output);
  return true;
}

struct BindRuntime : bit::impl::BindRuntimeBase<BindRuntime> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isPrivate() || function.isDeclaration())
      return;
    auto ret = dyn_cast<func::ReturnOp>(function.back().getTerminator());
    if (!function.getBody().hasOneBlock() || !ret)
      return signalPassFailure();
    Value call = bindInputs(function);
    for (unsigned i = 0; i < ret.getNumOperands(); ++i) {
      // Read anew each time: a value that is returned twice is an output's
      // memory after its first turn, and is copied at its second.
      bool copied = bindOutput(ret, call, i, ret.getOperand(i));
      ++(copied ? numCopied : numInPlace);
    }
    OpBuilder builder(ret);
    Value ok = arith::ConstantIntOp::create(builder, ret.getLoc(), 0, 32);
    ret->setOperands(ok);
    function.setFunctionType(
        builder.getFunctionType({call.getType()}, {ok.getType()}));
    function.setAllArgAttrs(ArrayRef<DictionaryAttr>{DictionaryAttr()});
    function.setAllResultAttrs(ArrayRef<DictionaryAttr>{DictionaryAttr()});
  }
};

} // namespace
