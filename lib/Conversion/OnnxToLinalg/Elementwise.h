// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators that compute each element of the result from one element of each
// operand. A family is a list of lines: the operation and its formula.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_ELEMENTWISE_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_ELEMENTWISE_H

#include "OnnxPattern.h"

namespace bit::onnx {

/// Takes elements in their compute types, builds in that of the first operand
/// with the result's element type (or of the first one).
using ScalarFormula = llvm::function_ref<mlir::Value(
    ScalarBuilder &, llvm::ArrayRef<mlir::Value>)>;

/// Broadcasts the operands and applies the formula; to small integer tensors
/// whose elements are known, one by one.
mlir::FailureOr<mlir::Value> lowerElementwise(mlir::Operation *op,
                                              mlir::ValueRange operands,
                                              Rewriter &rewriter,
                                              ScalarFormula formula);

template <typename OpTy>
class ElementwisePattern : public mlir::OpConversionPattern<OpTy> {
public:
  using Formula = mlir::Value (*)(ScalarBuilder &scalar,
                                  llvm::ArrayRef<mlir::Value> elements,
                                  OpTy op);

  ElementwisePattern(const mlir::TypeConverter &converter,
                     mlir::MLIRContext *context, Formula formula)
      : mlir::OpConversionPattern<OpTy>(converter, context), formula(formula) {}

  mlir::LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor operands,
                                      Rewriter &rewriter) const override {
    if (mlir::failed(checkElementTypes(op)))
      return mlir::failure();
    auto result = lowerElementwise(
        op, operands.getOperands(), rewriter,
        [&](ScalarBuilder &scalar, llvm::ArrayRef<mlir::Value> elements) {
          return formula(scalar, elements, op);
        });
    if (mlir::failed(result))
      return mlir::failure();
    return replaceOp(rewriter, *this->getTypeConverter(), op, *result);
  }

private:
  Formula formula;
};

template <typename OpTy>
void addElementwise(PatternList &list,
                    typename ElementwisePattern<OpTy>::Formula formula) {
  list.patterns.add<ElementwisePattern<OpTy>>(
      list.converter, list.patterns.getContext(), formula);
}

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_ELEMENTWISE_H
