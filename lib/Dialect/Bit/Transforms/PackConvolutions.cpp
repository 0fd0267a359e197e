// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions of floats by constant weights, which panels hold.

#include "PanelProducts.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Affine/Analysis/AffineStructures.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace bit {

namespace {

/// y[n, oc, o...] = init + x[n, c, o * stride + t * dilation, ...] * w[oc, c,
/// t...], each result one chain of fma over c and the taps.
struct Convolution {
  Value x, w, init;
  SmallVector<int64_t> strides, dilations;
};

} // namespace

/// The loops that a map's results are, or none if they are anything else.
static std::optional<SmallVector<unsigned>> getLoops(AffineMap map) {
  SmallVector<unsigned> loops;
  for (AffineExpr result : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim)
      return std::nullopt;
    loops.push_back(dim.getPosition());
  }
  return loops;
}

static std::optional<Convolution> matchConvolution(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      !op.hasPureTensorSemantics() || !isMultiplyAdd(op.getRegion().front()))
    return std::nullopt;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto ws = getLoops(maps[1]), ys = getLoops(maps[2]);
  size_t rank = maps[0].getNumResults() - 2;
  if (maps[0].getNumResults() < 3 || rank > 3 || !ws || !ys ||
      ws->size() != rank + 2 || ys->size() != rank + 2 ||
      op.getNumLoops() != 2 * rank + 3 || (*ws)[0] != (*ys)[1])
    return std::nullopt;
  // Channels and taps are summed in their order.
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  if (ArrayRef(reductions) != ArrayRef(*ws).drop_front())
    return std::nullopt;
  MLIRContext *context = op.getContext();
  if (maps[0].getResult(0) != getAffineDimExpr((*ys)[0], context) ||
      maps[0].getResult(1) != getAffineDimExpr((*ws)[1], context))
    return std::nullopt;
  Convolution conv{
      op.getInputs()[0], op.getInputs()[1], op.getDpsInits()[0], {}, {}};
  for (size_t i = 0; i < rank; ++i) {
    SmallVector<int64_t> factors;
    AffineExpr position = maps[0].getResult(2 + i);
    if (failed(
            getFlattenedAffineExpr(position, op.getNumLoops(), 0, &factors)) ||
        factors.size() != op.getNumLoops() + 1)
      return std::nullopt;
    conv.strides.push_back(std::exchange(factors[(*ys)[2 + i]], 0));
    conv.dilations.push_back(std::exchange(factors[(*ws)[2 + i]], 0));
    if (conv.strides.back() < 1 || conv.dilations.back() < 1 ||
        llvm::any_of(factors, [](int64_t factor) { return factor != 0; }))
      return std::nullopt;
  }
  return conv;
}

/// The vector along the channels that every sum starts from: null for zeros,
/// none if it is anything else.
static std::optional<Value> matchBias(Value init) {
  if (auto fill = init.getDefiningOp<linalg::FillOp>()) {
    if (matchPattern(fill.getInputs()[0], m_PosZeroFloat()))
      return Value();
    return std::nullopt;
  }
  auto op = init.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops())
    return std::nullopt;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  Value yielded = op.getRegion().front().getTerminator()->getOperand(0);
  if (auto extended = yielded.getDefiningOp<arith::ExtFOp>())
    yielded = extended.getIn();
  if (yielded != op.getRegion().front().getArgument(0) ||
      !maps[1].isIdentity() || maps[0].getNumResults() != 1 ||
      maps[0].getResult(0) != getAffineDimExpr(1, op.getContext()))
    return std::nullopt;
  return op.getInputs()[0];
}

/// The same bytes as a matrix of a row for each output channel; null if they
/// cannot be read so.
static ElementsAttr getMatrix(Value w) {
  ElementsAttr value;
  if (!matchPattern(w, m_Constant(&value)))
    return nullptr;
  auto type = cast<RankedTensorType>(value.getType());
  int64_t channels = type.getDimSize(0);
  if (type.getNumElements() == 0)
    return nullptr;
  auto matrix = RankedTensorType::get(
      {channels, type.getNumElements() / channels}, type.getElementType());
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return dense.reshape(matrix);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return DenseResourceElementsAttr::get(matrix, resource.getRawHandle());
  return nullptr;
}

static Value createPanels(OpBuilder &builder, Location loc,
                          ElementsAttr matrix) {
  auto type = cast<RankedTensorType>(matrix.getType());
  Value constant = arith::ConstantOp::create(builder, loc, matrix);
  int64_t n = type.getDimSize(0), width = PanelLayout::getChannelWidth(n);
  int64_t sizes[] = {PanelLayout::getNumPanels(n, width), type.getDimSize(1),
                     width};
  Value init =
      tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  return PackPanelsOp::create(builder, loc, constant, init, /*transposed=*/true)
      .getPanels();
}

/// A bias of f32 that has bytes.
static Value createBias(OpBuilder &builder, Location loc, Value bias) {
  bias = widen(builder, loc, bias);
  DenseElementsAttr splat;
  if (!matchPattern(bias, m_Constant(&splat)) || !splat.isSplat())
    return bias;
  Value element = arith::ConstantOp::create(
      builder, loc, cast<TypedAttr>(splat.getSplatValue<Attribute>()));
  Value init = tensor::EmptyOp::create(builder, loc, splat.getType().getShape(),
                                       builder.getF32Type());
  return linalg::FillOp::create(builder, loc, element, init).getResult(0);
}

/// The taps of a window's row are unrolled.
constexpr int64_t mostTaps = 64;

bool packConvolution(linalg::GenericOp op) {
  std::optional<Convolution> conv = matchConvolution(op);
  if (!conv || isWithoutBytes(conv->w) || isWithoutBytes(conv->x))
    return false;
  std::optional<Value> bias = matchBias(conv->init);
  ElementsAttr matrix = getMatrix(conv->w);
  auto x = cast<RankedTensorType>(conv->x.getType());
  auto w = cast<RankedTensorType>(conv->w.getType());
  auto y = cast<RankedTensorType>(conv->init.getType());
  if (!bias || !matrix || !x.getElementType().isF32() ||
      !PanelLayout::suitsConvolution(w.getDimSize(0),
                                     w.getNumElements() / w.getDimSize(0)) ||
      w.getShape().back() > mostTaps ||
      (*bias && cast<RankedTensorType>(bias->getType()).isDynamicDim(0)))
    return false;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value panels = createPanels(builder, loc, matrix);
  Value start = *bias ? createBias(builder, loc, *bias) : Value();
  Value init = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, conv->init),
      y.getElementType());
  auto result = PanelConvOp::create(
      builder, loc, TypeRange(y), conv->x, panels, start,
      /*epilogueInputs=*/ValueRange(), init, w.getShape().drop_front(2),
      conv->strides, conv->dilations,
      KernelAttr::get(builder.getContext(), "generic.panel", {}));
  result->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  op.getResult(0).replaceAllUsesWith(result.getY());
  op.erase();
  return true;
}

} // namespace bit
