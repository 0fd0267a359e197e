// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elementwise.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace bit::onnx;

/// The element type that the formula is about: Where's is not its condition's.
static Type getFormulaType(Operation *op) {
  Type result = elementType(op->getResult(0));
  for (Value operand : op->getOperands())
    if (elementType(operand) == result)
      return result;
  return elementType(op->getOperand(0));
}

static Value applyFormula(OpBuilder &builder, Location loc, Operation *op,
                          ValueRange stored, ScalarFormula formula) {
  SmallVector<Value> elements;
  for (auto [value, operand] : llvm::zip(stored, op->getOperands()))
    elements.push_back(toCompute(builder, loc, value, elementType(operand)));
  ScalarBuilder scalar(builder, loc, getFormulaType(op));
  return toStorage(builder, loc, formula(scalar, elements),
                   elementType(op->getResult(0)));
}

/// Shape arithmetic: the result's elements, if all operands' are known.
static Value lowerKnownElements(Operation *op, ValueRange operands,
                                const Broadcast &broadcast, OpBuilder &builder,
                                ScalarFormula formula) {
  Location loc = op->getLoc();
  Type element = elementType(op->getResult(0));
  RankedTensorType type =
      getTensorType(broadcast.sizes, getStorageType(element));
  if (!isa<IntegerType>(element) || !type.hasStaticShape() ||
      type.getNumElements() > maxKnownElements)
    return nullptr;
  SmallVector<SmallVector<Value>> known;
  for (Value operand : operands) {
    auto elements = getKnownElements(builder, loc, operand);
    if (!elements)
      return nullptr;
    known.push_back(std::move(*elements));
  }
  SmallVector<int64_t> strides = computeStrides(type.getShape());
  SmallVector<Value> results;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    SmallVector<int64_t> index = delinearize(i, strides);
    SmallVector<Value> elements;
    for (auto [operand, values] : llvm::zip(broadcast.operands, known)) {
      SmallVector<int64_t> position;
      for (AffineExpr expr : operand.map.getResults()) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        position.push_back(dim ? index[dim.getPosition()] : 0);
      }
      auto shape = cast<RankedTensorType>(operand.tensor.getType()).getShape();
      elements.push_back(values[linearize(position, computeStrides(shape))]);
    }
    results.push_back(applyFormula(builder, loc, op, elements, formula));
  }
  return makeElements(builder, loc, results, type);
}

FailureOr<Value> bit::onnx::lowerElementwise(Operation *op, ValueRange operands,
                                             Rewriter &rewriter,
                                             ScalarFormula formula) {
  // What is known of a size behind a cast is known here, too.
  SmallVector<Value> tensors;
  for (Value operand : operands)
    tensors.push_back(stripStaticCasts(operand));
  FailureOr<Broadcast> broadcast = bit::onnx::broadcast(rewriter, op, tensors);
  if (failed(broadcast))
    return failure();
  if (Value known =
          lowerKnownElements(op, tensors, *broadcast, rewriter, formula))
    return known;
  return createPointwise(
      rewriter, op->getLoc(), broadcast->operands, broadcast->sizes,
      getStorageType(elementType(op->getResult(0))),
      [&](OpBuilder &builder, Location loc, ValueRange stored) {
        return applyFormula(builder, loc, op, stored, formula);
      });
}
