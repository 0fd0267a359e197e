// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Verify.h"
#include "Shapes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"
#include <limits>

using namespace mlir;

namespace bit {

LogicalResult verifyStaticMatrix(Operation *op, StringRef what,
                                 ShapedType codes) {
  if (codes.getRank() != 2 || !codes.hasStaticShape())
    return op->emitOpError() << "expects " << what << " of static N x K, got "
                             << printShape(codes.getShape());
  return success();
}

LogicalResult verifyWeightScale(Operation *op, ShapedType scale, int64_t n,
                                int64_t k) {
  ArrayRef<int64_t> shape = scale.getShape();
  if (shape.size() == 2) {
    int64_t groups = shape[1];
    if (shape[0] == n && groups > 0 && k % groups == 0)
      return success();
  } else if (shape.size() == 1 && (shape[0] == 1 || shape[0] == n)) {
    return success();
  }
  return op->emitOpError() << "expects w_scale of 1, N = " << n
                           << " or N x G elements, where G divides K = " << k
                           << ", got " << printShape(shape);
}

LogicalResult verifyBias(Operation *op, Value bias, int64_t n) {
  if (!bias)
    return success();
  ArrayRef<int64_t> shape = cast<ShapedType>(bias.getType()).getShape();
  if (shape.size() != 1 || !dimsMatch(shape[0], n))
    return op->emitOpError() << "expects bias of N = " << n << " elements, got "
                             << printShape(shape);
  return success();
}

LogicalResult verifyActivationScale(Operation *op, ShapedType xScale,
                                    int64_t m) {
  ArrayRef<int64_t> shape = xScale.getShape();
  if (shape.empty() || (shape.size() == 1 && dimsMatch(shape[0], m)))
    return success();
  return op->emitOpError() << "expects x_scale of rank 0 or of M = "
                           << printShape(m) << " elements, got "
                           << printShape(shape);
}

LogicalResult verifyRange(Operation *op, ArrayRef<int64_t> range) {
  if (range.size() == 2 && range[0] >= -128 && range[0] <= 0 && range[1] >= 0 &&
      range[1] <= 127)
    return success();
  auto diag = op->emitOpError()
              << "expects range of [low, high] that holds 0 within "
                 "[-128, 127], got [";
  llvm::interleaveComma(range, diag);
  return diag << "]";
}

LogicalResult verifyAccumulation(Operation *op, int64_t k, int64_t low,
                                 int64_t high) {
  int64_t largest = std::max(-low, high);
  if (largest == 0 || k <= std::numeric_limits<int32_t>::max() / largest)
    return success();
  return op->emitOpError() << "expects at most "
                           << std::numeric_limits<int32_t>::max() / largest
                           << " products of codes in [" << low << ", " << high
                           << "] a sum, so that it fits i32, got " << k;
}

/// The first element of an inline constant that is not good.
static std::optional<int8_t> findBadCode(Value codes,
                                         function_ref<bool(int8_t)> isGood) {
  DenseIntElementsAttr constant;
  if (!matchPattern(codes, m_Constant(&constant)))
    return std::nullopt;
  if (constant.isSplat()) {
    auto code = constant.getSplatValue<int8_t>();
    return isGood(code) ? std::nullopt : std::optional<int8_t>(code);
  }
  for (int8_t code : constant.getValues<int8_t>())
    if (!isGood(code))
      return code;
  return std::nullopt;
}

LogicalResult verifyWeightCodes(Operation *op, Value codes, WeightKind kind) {
  bool binary = kind == WeightKind::Binary;
  auto bad = findBadCode(codes, [&](int8_t code) {
    return code == -1 || code == 1 || (code == 0 && !binary);
  });
  if (bad)
    return op->emitOpError() << "expects " << stringifyEnum(kind)
                             << " weight codes, got " << int(*bad);
  return success();
}

LogicalResult verifyActivationCodes(Operation *op, Value codes, int64_t low,
                                    int64_t high) {
  auto bad = findBadCode(
      codes, [&](int8_t code) { return code >= low && code <= high; });
  if (bad)
    return op->emitOpError() << "expects codes in [" << low << ", " << high
                             << "], got " << int(*bad);
  return success();
}

} // namespace bit
