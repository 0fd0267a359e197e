// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BufferUse.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

Value bit::getRoot(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  Operation *op = value.getDefiningOp();
  auto isBuffer = [](Type type) { return isa<BaseMemRefType>(type); };
  if (op ? op->getNumRegions() != 0 ||
               llvm::any_of(op->getOperandTypes(), isBuffer)
         : !isa<FunctionOpInterface>(value.getParentBlock()->getParentOp()))
    return nullptr;
  return value;
}

SmallVector<Value> bit::getUsedBuffers(Operation *op) {
  SetVector<Value> used(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  return llvm::filter_to_vector(
      used, [](Value value) { return isa<BaseMemRefType>(value.getType()); });
}

bool bit::isMovable(Operation *op) {
  return isa<memref::AllocOp, OutputOp>(op) ||
         (op->getNumRegions() == 0 && isPure(op));
}

bool bit::isPassable(Operation *op) {
  auto dps = dyn_cast<DestinationStyleOpInterface>(op);
  return dps && dps.hasPureBufferSemantics() &&
         llvm::all_of(getUsedBuffers(op),
                      [](Value buffer) { return getRoot(buffer); });
}

bool bit::mayOverlap(Value a, Value b) {
  a = getRoot(a);
  b = getRoot(b);
  if (!a || !b)
    return true;
  auto isAlone = [](Value root) {
    return isa_and_nonnull<memref::AllocOp, GetWeightOp, OutputOp>(
        root.getDefiningOp());
  };
  return a == b || !(isAlone(a) || isAlone(b));
}

bool bit::conflict(Operation *a, Operation *b) {
  if (!isPassable(a))
    return true;
  auto writesUsed = [](Operation *writer, Operation *user) {
    SmallVector<Value> used = getUsedBuffers(user);
    for (Value init : cast<DestinationStyleOpInterface>(writer).getDpsInits())
      if (llvm::any_of(used,
                       [&](Value buffer) { return mayOverlap(init, buffer); }))
        return true;
    return false;
  };
  return writesUsed(a, b) || writesUsed(b, a);
}
