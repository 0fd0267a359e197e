// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Shapes.h"
#include "Verify.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/WeightQuantizer.h"
#include "mlir/IR/Threading.h"

using namespace mlir;

namespace bit {

//===----------------------------------------------------------------------===//
// linear
//===----------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  // C1
  if (failed(verifyStaticMatrix(*this, "codes", getCodes().getType())))
    return failure();
  // C2
  ArrayRef<int64_t> x = getX().getType().getShape();
  if (x.empty() || !dimsMatch(x.back(), getK()))
    return emitOpError() << "expects x whose last dimension is K = " << getK()
                         << ", got " << printShape(x);
  // C3, C4
  if (failed(verifyWeightScale(*this, getScale().getType(), getN(), getK())) ||
      failed(verifyBias(*this, getBias(), getN())))
    return failure();
  // C5
  SmallVector<int64_t> y(x);
  y.back() = getN();
  if (!shapesMatch(getType().getShape(), y) ||
      getType().getShape().back() != getN() ||
      getType().getElementType() != getX().getType().getElementType())
    return emitOpError() << "expects a result of " << printShape(y)
                         << " elements of x's type, got " << getType();
  // C6
  if (failed(verifyWeightCodes(*this, getCodes(), getWeights())))
    return failure();
  QuantizerAttr quantizer = getQuantizerAttr();
  if (!quantizer)
    return success();
  // C7
  if (quantizer.getGranularity() == ActivationGranularity::Channel)
    return emitOpError() << "expects a quantizer of granularity token, sample "
                            "or tensor, got channel";
  // C8
  if (failed(verifyAccumulation(*this, getK() / getGroups(),
                                quantizer.getClampLow(),
                                quantizer.getClampHigh())))
    return failure();
  // C9
  if (quantizer.getGranularity() == ActivationGranularity::Sample &&
      x.size() < 2)
    return emitOpError() << "expects x of rank 2 or more for granularity "
                            "sample, got "
                         << printShape(x);
  return success();
}

LogicalResult LinearOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  shapes = {reifyDims(builder, getResult(), getX())};
  return success();
}

//===----------------------------------------------------------------------===//
// quantize_weight
//===----------------------------------------------------------------------===//

LogicalResult QuantizeWeightOp::verify() {
  // C1
  RankedTensorType w = getW().getType();
  if (failed(verifyStaticMatrix(*this, "w", w)))
    return failure();
  // C2
  if (getCodes().getType().getShape() != w.getShape())
    return emitOpError() << "expects codes of " << printShape(w.getShape())
                         << ", got "
                         << printShape(getCodes().getType().getShape());
  // C4
  int64_t n = w.getDimSize(0), k = w.getDimSize(1);
  std::optional<int64_t> group = getGroup();
  bool grouped = getGranularity() == WeightGranularity::Group;
  if (group.has_value() != grouped)
    return emitOpError() << "expects group with granularity group and only "
                            "there, got granularity "
                         << stringifyEnum(getGranularity());
  if (grouped && (*group <= 0 || k % *group != 0))
    return emitOpError() << "expects a group that divides K = " << k << ", got "
                         << *group;
  // C3
  SmallVector<int64_t> scales = {
      getGranularity() == WeightGranularity::Tensor ? 1 : n};
  if (grouped)
    scales.push_back(k / *group);
  if (getScales().getType().getShape() != ArrayRef<int64_t>(scales))
    return emitOpError() << "expects scales of " << printShape(scales)
                         << " elements, got "
                         << printShape(getScales().getType().getShape());
  // C5
  bool divides = getScheme() == WeightScheme::Absmean ||
                 getScheme() == WeightScheme::Absmedian;
  if (!getEps().isFinite() || getEps().isNegative() ||
      (divides && getEps().isZero()))
    return emitOpError() << "expects a finite"
                         << (divides ? ", positive eps, got "
                                     : " eps that is not negative, got ")
                         << getEps().convertToFloat();
  return success();
}

LogicalResult
QuantizeWeightOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  // Static: no dimension is taken from w.
  for (Value result : getResults())
    shapes.push_back(reifyDims(builder, result, getW()));
  return success();
}

void QuantizeWeightOp::evaluate(ArrayRef<float> weights,
                                MutableArrayRef<int8_t> codes,
                                MutableArrayRef<float> scales) {
  if (scales.empty())
    return;
  WeightScheme scheme = getScheme();
  float eps = getEps().convertToFloat();
  if (scales.size() == 1) {
    scales[0] = quantizeWeights(scheme, eps, weights, codes, getContext());
    return;
  }
  // The weights of a row and of a group are neighbours.
  size_t run = weights.size() / scales.size();
  parallelFor(getContext(), 0, scales.size(), [&](size_t i) {
    scales[i] = quantizeWeights(scheme, eps, weights.slice(i * run, run),
                                codes.slice(i * run, run));
  });
}

} // namespace bit
