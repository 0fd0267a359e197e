// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the operations written by hand need beyond TableGen.

#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace bit::onnx;

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult YieldOp::verify() {
  Operation *parent = (*this)->getParentOp();
  // A Loop's body yields the condition to go on before its results.
  const unsigned leading = isa<LoopOp>(parent) ? 1 : 0;
  const unsigned expected = parent->getNumResults() + leading;
  if (getNumOperands() != expected)
    return emitOpError("expects ")
           << expected << " values in a body of " << parent->getName()
           << ", got " << getNumOperands();
  for (auto [index, pair] : llvm::enumerate(
           llvm::zip_equal(getOperands().drop_front(leading).getTypes(),
                           parent->getResultTypes()))) {
    auto [yielded, result] = pair;
    if (getElementTypeOrSelf(yielded) != getElementTypeOrSelf(result))
      return emitOpError("expects elements of result ")
             << index << ", " << getElementTypeOrSelf(result) << ", got "
             << getElementTypeOrSelf(yielded);
  }
  return success();
}
