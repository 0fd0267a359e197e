// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every lowering shares: type checks, replacement, and one function a
// family that adds its patterns.

#ifndef BIT_LIB_CONVERSION_ONNXTOLINALG_ONNXPATTERN_H
#define BIT_LIB_CONVERSION_ONNXTOLINALG_ONNXPATTERN_H

#include "Loops.h"
#include "ScalarBuilder.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace bit::onnx {

using Rewriter = mlir::ConversionPatternRewriter;

/// Reports an element type that no lowering computes with.
mlir::LogicalResult checkElementTypes(mlir::Operation *op);

/// Replaces `op`, whose results get the types that it declares; an error where
/// they cannot.
mlir::LogicalResult replaceOp(Rewriter &rewriter,
                              const mlir::TypeConverter &converter,
                              mlir::Operation *op, mlir::ValueRange results);

/// The element type an ONNX value has before its sign is dropped.
inline mlir::Type elementType(mlir::Value value) {
  return mlir::getElementTypeOrSelf(value);
}
inline int64_t rankOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType()).getRank();
}

/// `axis` counted from the front, or none with an error where it is out of
/// [-rank, rank).
std::optional<int64_t> normalizeAxis(mlir::Operation *op, int64_t axis,
                                     int64_t rank);
/// The constant integers that `tensor` holds, if it does.
std::optional<llvm::SmallVector<int64_t>> getConstantInts(mlir::Value tensor);

/// Sizes that a tensor holds; an error at `op`, or a check at run time, where
/// one is negative.
mlir::FailureOr<Dims> readSizes(mlir::OpBuilder &builder, mlir::Operation *op,
                                mlir::Value shape);

/// numpy.matmul of tensors of rank 1 or more, in the compute type.
mlir::FailureOr<mlir::Value> lowerMatMul(mlir::OpBuilder &builder,
                                         mlir::Operation *op, mlir::Value a,
                                         mlir::Value b, mlir::Type onnxType);

/// A product of two DequantizeLinear by sums of codes, which are exact, or null
/// if `op` is none whose codes are multiplied faster than floats.
mlir::FailureOr<mlir::Value> lowerDequantizedMatMul(Rewriter &rewriter,
                                                    MatMulOp op);

/// A lowering from ONNX operands to one replacement for each result.
template <typename OpTy>
class OnnxPattern : public mlir::OpConversionPattern<OpTy> {
public:
  using Adaptor = typename OpTy::Adaptor;
  using Lowering =
      mlir::LogicalResult (*)(OpTy op, Adaptor operands, Rewriter &rewriter,
                              llvm::SmallVectorImpl<mlir::Value> &results);

  OnnxPattern(const mlir::TypeConverter &converter, mlir::MLIRContext *context,
              Lowering lowering)
      : mlir::OpConversionPattern<OpTy>(converter, context),
        lowering(lowering) {}

  mlir::LogicalResult matchAndRewrite(OpTy op, Adaptor operands,
                                      Rewriter &rewriter) const override {
    llvm::SmallVector<mlir::Value> results;
    if (mlir::failed(checkElementTypes(op)) ||
        mlir::failed(lowering(op, operands, rewriter, results)))
      return mlir::failure();
    return replaceOp(rewriter, *this->getTypeConverter(), op, results);
  }

private:
  Lowering lowering;
};

/// Where a family adds its patterns.
struct PatternList {
  const mlir::TypeConverter &converter;
  mlir::RewritePatternSet &patterns;

  template <typename OpTy>
  void add(typename OnnxPattern<OpTy>::Lowering lowering) {
    patterns.add<OnnxPattern<OpTy>>(converter, patterns.getContext(), lowering);
  }
};

void addActivationPatterns(PatternList &list);
void addArgReducePatterns(PatternList &list);
void addArithmeticPatterns(PatternList &list);
void addAttentionPatterns(PatternList &list);
void addCastPatterns(PatternList &list);
void addChannelNormalizationPatterns(PatternList &list);
void addComparisonPatterns(PatternList &list);
void addConcatPatterns(PatternList &list);
void addConstantPatterns(PatternList &list);
void addControlFlowPatterns(PatternList &list);
void addConvTransposePatterns(PatternList &list);
void addConvolutionPatterns(PatternList &list);
void addCumulativePatterns(PatternList &list);
void addEinsumPatterns(PatternList &list);
void addGatherNDPatterns(PatternList &list);
void addGatherPatterns(PatternList &list);
void addLoopPatterns(PatternList &list);
void addMathPatterns(PatternList &list);
void addMatMulPatterns(PatternList &list);
void addNormalizationPatterns(PatternList &list);
void addPadPatterns(PatternList &list);
void addPoolingPatterns(PatternList &list);
void addPositionPatterns(PatternList &list);
void addQuantizationPatterns(PatternList &list);
void addRangePatterns(PatternList &list);
void addRearrangePatterns(PatternList &list);
void addReducePatterns(PatternList &list);
void addReshapePatterns(PatternList &list);
void addScatterPatterns(PatternList &list);
void addSelectionPatterns(PatternList &list);
void addShapePatterns(PatternList &list);
void addSlicePatterns(PatternList &list);
void addSoftmaxPatterns(PatternList &list);
void addTopKPatterns(PatternList &list);
void addTransposePatterns(PatternList &list);

} // namespace bit::onnx

#endif // BIT_LIB_CONVERSION_ONNXTOLINALG_ONNXPATTERN_H
