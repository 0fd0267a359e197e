// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelOps.h"
#include "Shapes.h"

using namespace mlir;

namespace bit {

LogicalResult verifyDestinations(DestinationStyleOpInterface op) {
  bool tensors = op.hasPureTensorSemantics();
  if (!tensors && !op.hasPureBufferSemantics())
    return op.emitOpError() << "expects only tensors or only memrefs, got both";
  if (!tensors && op->getNumResults() != 0)
    return op.emitOpError()
           << "expects no results of memrefs, got " << op->getNumResults();
  if (tensors && op->getResultTypes() != TypeRange(op.getDpsInits()))
    return op.emitOpError() << "expects results of the types of its inits, got "
                            << op->getResultTypes();
  return success();
}

void getKernelEffects(DestinationStyleOpInterface op,
                      SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<BaseMemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

Speculation::Speculatability
getKernelSpeculatability(DestinationStyleOpInterface op) {
  return op.hasPureTensorSemantics() ? Speculation::Speculatable
                                     : Speculation::NotSpeculatable;
}

LogicalResult reifyInits(OpBuilder &builder, DestinationStyleOpInterface op,
                         ReifiedRankedShapedTypeDims &shapes) {
  if (!op.hasPureTensorSemantics())
    return failure();
  for (Value init : op.getDpsInits())
    shapes.push_back(reifyDims(builder, init, init));
  return success();
}

void addResults(OperationState &state, ValueRange inits) {
  for (Value init : inits)
    if (isa<RankedTensorType>(init.getType()))
      state.addTypes(init.getType());
}

} // namespace bit
