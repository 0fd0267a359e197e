// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products by matrices in panels.

#include "KernelOps.h"
#include "PanelKernels.h"
#include "Shapes.h"
#include "bit/Layout/Panels.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace bit {

/// Whether the first dims of two shapes, all but the last `inner`, can be
/// equal.
static bool batchesMatch(ArrayRef<int64_t> a, size_t innerA,
                         ArrayRef<int64_t> b, size_t innerB) {
  return a.size() >= innerA && b.size() >= innerB &&
         shapesMatch(a.drop_back(innerA), b.drop_back(innerB));
}

bool isPanelWidth(int64_t width) {
  return !ShapedType::isDynamic(width) && width > 0 &&
         width % PanelLayout::unit == 0;
}

bool panelsMatch(int64_t panels, int64_t n, int64_t width) {
  return ShapedType::isDynamic(n) ||
         dimsMatch(panels, PanelLayout::getNumPanels(n, width));
}

bool quadsMatch(int64_t quads, int64_t k) {
  return ShapedType::isDynamic(k) ||
         dimsMatch(quads, llvm::divideCeil(k, PanelLayout::quad));
}

LogicalResult verifyPanelBias(Operation *op, Value bias, ArrayRef<int64_t> init,
                              int64_t n) {
  if (!bias)
    return success();
  ArrayRef<int64_t> shape = cast<ShapedType>(bias.getType()).getShape();
  if (shape.size() != 1 || !dimsMatch(shape[0], n))
    return op->emitOpError()
           << "expects bias of N elements for an init of " << printShape(init)
           << ", got " << printShape(shape);
  return success();
}

FailureOr<const PanelKernel *> verifyPanelKernel(Operation *op,
                                                 KernelAttr attr) {
  auto *dialect = cast<BitDialect>(op->getDialect());
  if (const PanelKernel *kernel =
          dialect->getKernels().lookupPanel(attr.getName()))
    return kernel;
  return op->emitOpError() << "expects a registered kernel for panels, got '"
                           << attr.getName() << "'";
}

LogicalResult verifyPanelFeatures(Operation *op, const PanelKernel &kernel) {
  SmallVector<StringRef> missing = getMissingFeatures(op, kernel.features);
  if (missing.empty())
    return success();
  return op->emitOpError()
         << "expects a function with the target features of panel kernel '"
         << kernel.name << "', got one without " << llvm::join(missing, ", ");
}

//===----------------------------------------------------------------------===//
// pack_panels
//===----------------------------------------------------------------------===//

void PackPanelsOp::build(OpBuilder &builder, OperationState &state, Value b,
                         Value init, bool transposed) {
  state.addOperands({b, init});
  addResults(state, init);
  state.getOrAddProperties<Properties>().setTransposed(
      transposed ? builder.getUnitAttr() : nullptr);
}

static LogicalResult verifyPackedTypes(PackPanelsOp op) {
  Type expected = op.getB().getType().getElementType();
  Type got = op.getInit().getType().getElementType();
  // C3
  if (got != expected)
    return op.emitOpError() << "expects an init of the elements of b, "
                            << expected << ", got " << got;
  // C4
  return verifyDestinations(op);
}

LogicalResult PackPanelsOp::verify() {
  // C1
  ArrayRef<int64_t> b = getB().getType().getShape();
  if (b.size() != 2 && b.size() != 3)
    return emitOpError() << "expects b of rank 2 or 3, got " << printShape(b);
  int64_t k = b[b.size() - 2], n = b.back();
  if (getTransposed())
    std::swap(k, n);
  // C2
  ArrayRef<int64_t> init = getInit().getType().getShape();
  if (hasQuads() && b.size() == 2) {
    bool fits = isPanelWidth(init[2]) && init[3] == PanelLayout::quad &&
                quadsMatch(init[1], k) && panelsMatch(init[0], n, init[2]) &&
                getB().getType().getElementType().isInteger(8);
    if (!fits)
      return emitOpError()
             << "expects an init of P x ceil(K / 4) x W x 4 for b "
                "of i8 and "
             << printShape(b) << ", where 16 divides W and P = "
             << "ceil(N / W), got " << printShape(init);
    return verifyPackedTypes(*this);
  }
  bool fits = init.size() >= 3 && batchesMatch(b, 2, init, 3) &&
              isPanelWidth(init.back()) &&
              dimsMatch(init[init.size() - 2], k) &&
              panelsMatch(init[init.size() - 3], n, init.back());
  if (!fits)
    return emitOpError() << "expects an init of P x K x W for b of "
                         << printShape(b) << ", where 16 divides W and P = "
                         << "ceil(N / W), got " << printShape(init);
  return verifyPackedTypes(*this);
}

void PackPanelsOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  getKernelEffects(*this, effects);
}

Speculation::Speculatability PackPanelsOp::getSpeculatability() {
  return getKernelSpeculatability(*this);
}

LogicalResult
PackPanelsOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(builder, *this, shapes);
}

//===----------------------------------------------------------------------===//
// panel_matmul
//===----------------------------------------------------------------------===//

void PanelMatmulOp::build(OpBuilder &builder, OperationState &state, Value x,
                          Value panels, Value scales, Value bias, Value init,
                          KernelAttr kernel) {
  SmallVector<Type, 1> types;
  if (isa<RankedTensorType>(init.getType()))
    types.push_back(init.getType());
  build(builder, state, types, x, panels, scales, bias,
        /*epilogueInputs=*/ValueRange(), init, kernel);
}

LogicalResult PanelMatmulOp::verify() {
  // C1
  ArrayRef<int64_t> x = getX().getType().getShape();
  if (x.size() != 2 && x.size() != 3)
    return emitOpError() << "expects x of rank 2 or 3, got " << printShape(x);
  // C2
  ArrayRef<int64_t> panels = getPanels().getType().getShape();
  bool fits = isUnpacked() ? batchesMatch(x, 2, panels, 2) &&
                                 dimsMatch(panels[panels.size() - 2], x.back())
                           : batchesMatch(x, 2, panels, 3) &&
                                 isPanelWidth(panels.back()) &&
                                 dimsMatch(panels[panels.size() - 2], x.back());
  if (!fits)
    return emitOpError() << "expects panels of P x K x W, where 16 divides W, "
                            "or of K x N for x of "
                         << printShape(x) << ", got " << printShape(panels);
  // C3
  ArrayRef<int64_t> init = getInit().getType().getShape();
  bool hasColumns = isUnpacked() ? dimsMatch(panels.back(), init.back())
                                 : panelsMatch(panels[panels.size() - 3],
                                               init.back(), panels.back());
  if (!batchesMatch(x, 1, init, 1) || !hasColumns)
    return emitOpError() << "expects an init of M x N for x of "
                         << printShape(x) << " and panels of "
                         << printShape(panels) << ", got " << printShape(init);
  // C4
  if (failed(verifyPanelBias(*this, getBias(), init, init.back())))
    return failure();
  // C5
  if (failed(verifyDestinations(*this)))
    return failure();
  // C6
  FailureOr<const PanelKernel *> kernel = verifyPanelKernel(*this, getKernel());
  if (failed(kernel))
    return failure();
  ArrayRef<int64_t> tile = getKernel().getTile();
  bool isTile =
      tile.empty() || (tile.size() == 2 && 96 % tile[0] == 0 && tile[1] <= 32);
  if (!isTile)
    return emitOpError() << "expects a tile of 1 to 96 rows that divide 96 and "
                            "1 to 32 vectors, got "
                         << tile;
  // C7
  if (failed(verifyPanelFeatures(*this, **kernel)))
    return failure();
  // C8
  if (failed(verifyEpilogue(*this, getEpilogueInputs(), getEpilogue(),
                            getInit().getType(), getChannelDim())))
    return failure();
  // C9
  if (!getScales())
    return success();
  ArrayRef<int64_t> scales = getScales().getType().getShape();
  Type element = getPanels().getType().getElementType();
  bool isOfColumns = scales.size() == 1 &&
                     (scales[0] == 1 || dimsMatch(scales[0], init.back()));
  if (!isOfColumns || !element.isInteger(8))
    return emitOpError() << "expects one scale or N of them for panels of i8 "
                            "and an init of "
                         << printShape(init) << ", got " << printShape(scales)
                         << " for panels of " << element;
  return success();
}

void PanelMatmulOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  getKernelEffects(*this, effects);
}

Speculation::Speculatability PanelMatmulOp::getSpeculatability() {
  return getKernelSpeculatability(*this);
}

LogicalResult
PanelMatmulOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(builder, *this, shapes);
}

} // namespace bit
