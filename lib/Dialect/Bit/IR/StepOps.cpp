// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Shapes.h"
#include "Verify.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include <climits>

using namespace mlir;

namespace bit {

//===----------------------------------------------------------------------===//
// ternary_matmul
//===----------------------------------------------------------------------===//

LogicalResult TernaryMatmulOp::verify() {
  // C1
  if (failed(verifyStaticMatrix(*this, "w", getW().getType())))
    return failure();
  // C2
  ArrayRef<int64_t> codes = getCodes().getType().getShape();
  if (codes.size() != 2 || !dimsMatch(codes[1], getK()))
    return emitOpError() << "expects codes of M x K = " << getK() << ", got "
                         << printShape(codes);
  // C4
  std::optional<int64_t> groups = getGroups();
  if (groups && (*groups <= 0 || getK() % *groups != 0))
    return emitOpError() << "expects groups that divide K = " << getK()
                         << ", got " << *groups;
  // C3
  SmallVector<int64_t> acc = {codes[0], getN()};
  if (groups)
    acc.push_back(*groups);
  ArrayRef<int64_t> result = getType().getShape();
  if (!shapesMatch(result, acc) ||
      result.drop_front() != ArrayRef<int64_t>(acc).drop_front())
    return emitOpError() << "expects a result of " << printShape(acc)
                         << ", got " << printShape(result);
  // C5
  if (failed(verifyRange(*this, getRange())))
    return failure();
  // C6, C7, C8
  int64_t low = getRange()[0], high = getRange()[1];
  if (failed(
          verifyAccumulation(*this, getK() / groups.value_or(1), low, high)) ||
      failed(verifyWeightCodes(*this, getW(), getWeights())))
    return failure();
  return verifyActivationCodes(*this, getCodes(), low, high);
}

LogicalResult
TernaryMatmulOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  shapes = {reifyDims(builder, getResult(), getCodes())};
  return success();
}

OpFoldResult TernaryMatmulOp::fold(FoldAdaptor adaptor) {
  // Integers only: in bit.linear 0 * NaN is NaN.
  auto w = dyn_cast_or_null<DenseIntElementsAttr>(adaptor.getW());
  if (!w || !w.isSplat() || !w.getSplatValue<APInt>().isZero() ||
      !getType().hasStaticShape())
    return {};
  return DenseElementsAttr::get(getType(), int32_t(0));
}

//===----------------------------------------------------------------------===//
// rescale
//===----------------------------------------------------------------------===//

/// `values` times a power of two, or null where that is not exact: a zero stays
/// one, and everything else stays a normal number.
static DenseElementsAttr multiplyExactly(DenseFPElementsAttr values,
                                         const APFloat &factor) {
  SmallVector<APFloat> products;
  for (APFloat value : values.getValues<APFloat>()) {
    bool wasZero = value.isZero();
    if (value.multiply(factor, APFloat::rmNearestTiesToEven) != APFloat::opOK ||
        !(value.isNormal() || (wasZero && value.isZero())))
      return {};
    products.push_back(value);
  }
  return DenseElementsAttr::get(values.getType(), products);
}

namespace {

/// rescale(acc, xs, ws, bias) * 2^n -> rescale(acc, xs, ws * 2^n, bias * 2^n).
/// Other factors would round differently.
struct MergeScale : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulFOp op,
                                PatternRewriter &rewriter) const override {
    auto rescale = op.getLhs().getDefiningOp<RescaleOp>();
    DenseFPElementsAttr factor, ws, bias;
    if (!rescale || !rescale->hasOneUse() ||
        !matchPattern(op.getRhs(), m_Constant(&factor)) || !factor.isSplat() ||
        !matchPattern(rescale.getWScale(), m_Constant(&ws)))
      return failure();
    auto power = factor.getSplatValue<APFloat>();
    if (power.isNegative() || power.getExactLog2() == INT_MIN)
      return failure();
    DenseElementsAttr newScale = multiplyExactly(ws, power), newBias;
    if (!newScale)
      return failure();
    if (rescale.getBias()) {
      if (!matchPattern(rescale.getBias(), m_Constant(&bias)) ||
          !(newBias = multiplyExactly(bias, power)))
        return failure();
    }
    Location loc = rewriter.getFusedLoc({rescale.getLoc(), op.getLoc()});
    Value scaleValue = arith::ConstantOp::create(rewriter, loc, newScale);
    Value biasValue;
    if (newBias)
      biasValue = arith::ConstantOp::create(rewriter, loc, newBias);
    auto merged =
        RescaleOp::create(rewriter, loc, rescale.getType(), rescale.getAcc(),
                          rescale.getXScale(), scaleValue, biasValue);
    merged->setDiscardableAttrs(rescale->getDiscardableAttrDictionary());
    rewriter.replaceOp(op, merged);
    return success();
  }
};

} // namespace

void RescaleOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<MergeScale>(context);
}

LogicalResult RescaleOp::verify() {
  // C1
  ArrayRef<int64_t> acc = getAcc().getType().getShape();
  if (acc.size() != 2 && acc.size() != 3)
    return emitOpError() << "expects acc of M x N or M x N x G, got "
                         << printShape(acc);
  // C2
  int64_t m = acc[0], n = acc[1];
  if (failed(verifyActivationScale(*this, getXScale().getType(), m)))
    return failure();
  // C3
  ArrayRef<int64_t> ws = getWScale().getType().getShape();
  bool wsMatches = acc.size() == 3
                       ? shapesMatch(ws, acc.drop_front())
                       : ws.size() == 1 && (ws[0] == 1 || dimsMatch(ws[0], n));
  if (!wsMatches)
    return emitOpError() << "expects w_scale of "
                         << (acc.size() == 3
                                 ? "N x G = " + printShape(acc.drop_front())
                                 : "1 or N = " + printShape(n))
                         << " elements, got " << printShape(ws);
  // C4
  if (failed(verifyBias(*this, getBias(), n)))
    return failure();
  // C5
  if (!shapesMatch(getType().getShape(), acc.take_front(2)))
    return emitOpError() << "expects a result of "
                         << printShape(acc.take_front(2)) << ", got "
                         << printShape(getType().getShape());
  return success();
}

LogicalResult
RescaleOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes = {reifyDims(builder, getResult(), getAcc())};
  return success();
}

//===----------------------------------------------------------------------===//
// dequantize
//===----------------------------------------------------------------------===//

LogicalResult DequantizeOp::verify() {
  ArrayRef<int64_t> codes = getCodes().getType().getShape();
  ArrayRef<int64_t> scale = getScale().getType().getShape();
  // C1
  int64_t axis = getAxis(), rank = codes.size(), scaleRank = scale.size();
  if (axis < 0 || scaleRank > rank || axis > rank - scaleRank)
    return emitOpError() << "expects axis and rank of scale within the rank "
                         << rank << " of codes, got " << axis << " and "
                         << scaleRank;
  // C2
  bool matches = scaleRank <= 1 &&
                 llvm::all_of(scale, [](int64_t dim) { return dim == 1; });
  if (!matches) {
    ArrayRef<int64_t> dims = codes.slice(axis, scaleRank);
    matches = true;
    for (int64_t i = 0; i < scaleRank; ++i)
      matches &=
          dimsMatch(scale[i], dims[i]) ||
          (axis + i == rank - 1 && scale[i] > 0 && dims[i] % scale[i] == 0);
  }
  if (!matches)
    return emitOpError() << "expects scale of one element or of the dimensions "
                         << printShape(codes.drop_front(axis))
                         << " of codes from axis " << axis << " on, got "
                         << printShape(scale);
  // C3
  if (!shapesMatch(getType().getShape(), codes))
    return emitOpError() << "expects a result of " << printShape(codes)
                         << ", got " << printShape(getType().getShape());
  return success();
}

LogicalResult
DequantizeOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  shapes = {reifyDims(builder, getResult(), getCodes())};
  return success();
}

} // namespace bit
