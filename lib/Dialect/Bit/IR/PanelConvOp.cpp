// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions by weights in panels.

#include "KernelOps.h"
#include "PanelKernels.h"
#include "Shapes.h"

using namespace mlir;

namespace bit {

int64_t PanelConvOp::getTaps() {
  int64_t taps = 1;
  for (int64_t size : getWindow())
    taps *= size;
  return taps;
}

/// The positions of a window of `span` elements in `size`, one each `stride`.
static int64_t getPositions(int64_t size, int64_t span, int64_t stride) {
  if (ShapedType::isDynamic(size))
    return size;
  return size < span ? 0 : (size - span) / stride + 1;
}

LogicalResult PanelConvOp::verify() {
  // C1
  ArrayRef<int64_t> x = getX().getType().getShape();
  size_t rank = getWindow().size();
  if (rank < 1 || rank > 3 || x.size() != rank + 2)
    return emitOpError() << "expects 1 to 3 numbers in window and x of two "
                            "dims more, got "
                         << rank << " and " << printShape(x);
  auto isPositive = [](int64_t value) { return value > 0; };
  for (ArrayRef<int64_t> values : {getWindow(), getStrides(), getDilations()})
    if (values.size() != rank || !llvm::all_of(values, isPositive))
      return emitOpError() << "expects " << rank
                           << " positive numbers in window, strides and "
                              "dilations, got "
                           << values;
  // C2
  ArrayRef<int64_t> panels = getPanels().getType().getShape();
  int64_t k = ShapedType::isDynamic(x[1]) ? x[1] : x[1] * getTaps();
  if (panels.size() != 3 || !isPanelWidth(panels[2]) ||
      !dimsMatch(panels[1], k))
    return emitOpError() << "expects panels of P x K x W, where 16 divides W "
                            "and K is C x "
                         << getTaps() << ", for x of " << printShape(x)
                         << ", got " << printShape(panels);
  // C3
  ArrayRef<int64_t> init = getInit().getType().getShape();
  bool fits = init.size() == x.size() && dimsMatch(init[0], x[0]) &&
              panelsMatch(panels[0], init[1], panels[2]);
  for (size_t i = 0; fits && i < rank; ++i) {
    int64_t span = (getWindow()[i] - 1) * getDilations()[i] + 1;
    fits =
        dimsMatch(init[2 + i], getPositions(x[2 + i], span, getStrides()[i]));
  }
  if (!fits)
    return emitOpError() << "expects an init of N x C_out x the positions of "
                            "the window for x of "
                         << printShape(x) << " and panels of "
                         << printShape(panels) << ", got " << printShape(init);
  // C4
  if (failed(verifyPanelBias(*this, getBias(), init, init[1])))
    return failure();
  // C5
  if (failed(verifyDestinations(*this)))
    return failure();
  // C6
  FailureOr<const PanelKernel *> kernel = verifyPanelKernel(*this, getKernel());
  if (failed(kernel))
    return failure();
  ArrayRef<int64_t> tile = getKernel().getTile();
  if (!tile.empty() && (tile.size() != 2 || tile[0] > 8 || tile[1] > 32))
    return emitOpError()
           << "expects a tile of 1 to 8 pixels and 1 to 32 vectors, got "
           << tile;
  // C7
  if (failed(verifyPanelFeatures(*this, **kernel)))
    return failure();
  // C8
  return verifyEpilogue(*this, getEpilogueInputs(), getEpilogue(),
                        getInit().getType(), getChannelDim());
}

void PanelConvOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  getKernelEffects(*this, effects);
}

Speculation::Speculatability PanelConvOp::getSpeculatability() {
  return getKernelSpeculatability(*this);
}

LogicalResult
PanelConvOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(builder, *this, shapes);
}

} // namespace bit
