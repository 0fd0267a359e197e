// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelOps.h"
#include "Shapes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"

using namespace mlir;

namespace bit {

void AttentionOp::build(OpBuilder &builder, OperationState &state, Value q,
                        Value k, Value v, Value range, Value mask, Value init,
                        FloatAttr scale, FloatAttr softcap, bool keepNan,
                        bool zeroNan) {
  SmallVector<Type, 1> types;
  if (isa<RankedTensorType>(init.getType()))
    types.push_back(init.getType());
  build(builder, state, types, q, k, v, range, mask, init, scale, softcap,
        keepNan ? builder.getUnitAttr() : UnitAttr(),
        zeroNan ? builder.getUnitAttr() : UnitAttr());
}

bool AttentionOp::hasKernel() {
  // More would not fit the scratch memory of a thread.
  constexpr int64_t greatest = 512;
  auto fills = [](int64_t size) {
    return size > 0 && size <= greatest && size % 16 == 0;
  };
  return getQ().getType().getElementType().isF32() && fills(getKeySize()) &&
         fills(getValueSize());
}

LogicalResult AttentionOp::verify() {
  // C1
  ArrayRef<int64_t> q = getQ().getType().getShape();
  ArrayRef<int64_t> k = getK().getType().getShape();
  ArrayRef<int64_t> v = getV().getType().getShape();
  if (q.size() != 4 || k.size() != 4 || v.size() != 4 ||
      !dimsMatch(q[0], k[0]) || !dimsMatch(q[0], v[0]) ||
      !dimsMatch(q[3], k[3]) || !shapesMatch(k.take_front(3), v.take_front(3)))
    return emitOpError()
           << "expects q of B x H x L x D, k of B x G x T x D and "
              "v of B x G x T x E, got "
           << printShape(q) << ", " << printShape(k) << " and "
           << printShape(v);
  Type type = getQ().getType().getElementType();
  for (Value operand : {getK(), getV(), getMask(), getInit()})
    if (operand && getElementTypeOrSelf(operand) != type)
      return emitOpError() << "expects operands of one float type, got " << type
                           << " and " << getElementTypeOrSelf(operand);
  // C2
  if (q[1] == 0 || k[1] == 0 ||
      (!ShapedType::isDynamic(q[1]) && !ShapedType::isDynamic(k[1]) &&
       q[1] % k[1] != 0))
    return emitOpError() << "expects query heads divisible by key heads, got "
                         << q[1] << " and " << k[1];
  // C3
  int64_t range[] = {q[0], q[2], 2};
  if (getRange() && !shapesMatch(getRange().getType().getShape(), range))
    return emitOpError() << "expects range of " << printShape(range) << ", got "
                         << printShape(getRange().getType().getShape());
  // C4
  int64_t scores[] = {q[0], q[1], q[2], k[2]};
  if (getMask()) {
    ArrayRef<int64_t> mask = getMask().getType().getShape();
    bool matches = mask.size() == 4 && dimsMatch(mask[3], scores[3]);
    for (int64_t i = 0; matches && i < 3; ++i)
      matches = mask[i] == 1 || dimsMatch(mask[i], scores[i]);
    if (!matches)
      return emitOpError() << "expects mask of " << printShape(scores)
                           << ", repeated where 1, got " << printShape(mask);
  }
  // C5
  int64_t y[] = {q[0], q[1], q[2], v[3]};
  if (!shapesMatch(getInit().getType().getShape(), y))
    return emitOpError() << "expects an init of " << printShape(y) << ", got "
                         << printShape(getInit().getType().getShape());
  // C6
  if (!getScale().isFinite())
    return emitOpError() << "expects a finite scale, got "
                         << getScale().convertToDouble();
  if (std::optional<APFloat> softcap = getSoftcap())
    if (!softcap->isFinite() || softcap->isZero() || softcap->isNegative())
      return emitOpError() << "expects a positive, finite softcap, got "
                           << softcap->convertToDouble();
  // C7
  if (failed(verifyDestinations(*this)))
    return failure();
  // C8
  if (getKeepNan() && getZeroNan())
    return emitOpError("expects one of keep_nan and zero_nan, got both");
  return success();
}

void AttentionOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  getKernelEffects(*this, effects);
}

Speculation::Speculatability AttentionOp::getSpeculatability() {
  return getKernelSpeculatability(*this);
}

LogicalResult
AttentionOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(builder, *this, shapes);
}

} // namespace bit
