// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of codes by matrices of codes in panels.

#include "KernelOps.h"
#include "PanelKernels.h"
#include "Shapes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace bit {

LogicalResult CodeMatmulOp::verify() {
  // C1
  ArrayRef<int64_t> x = getX().getType().getShape();
  if (x.size() != 2 || ShapedType::isDynamic(x[1]))
    return emitOpError() << "expects x of M x K, K static, got "
                         << printShape(x);
  // C2
  ArrayRef<int64_t> panels = getPanels().getType().getShape();
  bool fits = panels.size() == 4 && isPanelWidth(panels[2]) &&
              quadsMatch(panels[1], x[1]) && panels[3] == PanelLayout::quad;
  if (!fits)
    return emitOpError() << "expects panels of P x ceil(K / 4) x W x 4, where "
                            "16 divides W, for x of "
                         << printShape(x) << ", got " << printShape(panels);
  // C3
  ArrayRef<int64_t> init = getInit().getType().getShape();
  bool hasColumns = init.size() == 2 && dimsMatch(init[0], x[0]) &&
                    !ShapedType::isDynamic(init[1]) &&
                    panelsMatch(panels[0], init[1], panels[2]);
  if (!hasColumns)
    return emitOpError() << "expects an init of M x N, N static, for x of "
                         << printShape(x) << " and panels of "
                         << printShape(panels) << ", got " << printShape(init);
  // C4
  if (failed(verifyDestinations(*this)))
    return failure();
  // C5
  auto *dialect = cast<BitDialect>((*this)->getDialect());
  const CodeKernel *kernel =
      dialect->getKernels().lookupCodes(getKernel().getName());
  if (!kernel || !getKernel().getTile().empty())
    return emitOpError() << "expects a registered kernel for codes without a "
                            "tile, got "
                         << getKernel();
  // C6
  SmallVector<StringRef> missing = getMissingFeatures(*this, *kernel);
  if (missing.empty())
    return success();
  return emitOpError()
         << "expects a function with the target features of kernel '"
         << kernel->name << "', got one without " << llvm::join(missing, ", ");
}

void CodeMatmulOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  getKernelEffects(*this, effects);
}

Speculation::Speculatability CodeMatmulOp::getSpeculatability() {
  return getKernelSpeculatability(*this);
}

LogicalResult
CodeMatmulOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(builder, *this, shapes);
}

} // namespace bit
