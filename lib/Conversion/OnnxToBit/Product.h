// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a matmul-like node says, whichever operator it is.

#ifndef BIT_LIB_CONVERSION_ONNXTOBIT_PRODUCT_H
#define BIT_LIB_CONVERSION_ONNXTOBIT_PRODUCT_H

#include "WeightLevels.h"
#include "bit/Dialect/Onnx/Eval/HostTensor.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "mlir/IR/PatternMatch.h"

namespace bit {

/// alpha * x * weight^T + beta * addend, with `x` transposed before and the
/// product after: the layer's form is [..., K] times N x K.
struct Product {
  mlir::Value x, weight;
  bool isWeightTransposed = false; ///< weight is K x N
  /// Permutations of the dimensions of `x` and of the product; empty where
  /// nothing moves.
  llvm::SmallVector<int64_t> inputPerm, resultPerm;
  double alpha = 1;
  mlir::Value addend; ///< what is added after that, if anything
  double beta = 1;
  /// Where `x` are integers, what is subtracted from them, if anything. The
  /// product is exact then.
  bool isInteger = false;
  mlir::Value zeroPoint;
};

/// Nodes that multiply by a matrix, whatever else they do.
bool isMatMulLike(mlir::Operation *op);

/// Whether `value` is computed from constants by operators that are evaluated.
bool isConstant(mlir::Value value);

/// Returns what `op` computes, or why that is no product by a constant matrix.
llvm::Expected<Product> getProduct(mlir::Operation *op);

/// Whether the weight of a MatMul gives the product dimensions that the
/// activations do not have.
bool hasMoreDimensions(const Product &product, mlir::Operation *op);

/// The same as getProduct for an Einsum of two operands.
llvm::Expected<Product> getEinsumProduct(onnx::EinsumOp op);

/// Returns the weight of `product` as floats, N x K, or K x N if it
/// isWeightTransposed.
llvm::Expected<onnx::HostTensor> evaluateWeight(const Product &product,
                                                mlir::Operation *op);

/// The levels of that weight, or why it has none.
llvm::Expected<WeightLevels> evaluateLevels(const Product &product,
                                            mlir::Operation *op);

/// Returns the weight of MatMulNBits as floats, N x K.
llvm::Expected<onnx::HostTensor> dequantize(onnx::MSMatMulNBitsOp op);

/// Returns the weight of MatMulInteger, zero points subtracted, as floats.
llvm::Expected<onnx::HostTensor> subtractZeroPoint(onnx::MatMulIntegerOp op);

/// `x` with its dimensions permuted; `x` itself where `perm` is empty.
mlir::Value makeTranspose(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value x, llvm::ArrayRef<int64_t> perm);

/// `y` plus what `product` adds to it.
mlir::Value makeAddition(mlir::OpBuilder &builder, mlir::Operation *op,
                         const Product &product, mlir::Value y);

/// `x` as a tensor of `element`: float, half or 32-bit integer.
mlir::Value makeCast(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Type element, mlir::Value x);

/// Whether `op` multiplies in a type that a layer can take, or why not.
llvm::Error checkTypes(const Product &product, mlir::Operation *op);

/// The activations as a layer reads them: floats with `k` as their last
/// dimension, or why they are not known to have that.
llvm::Expected<mlir::Value> makeRows(mlir::OpBuilder &builder,
                                     const Product &product, int64_t k,
                                     mlir::Operation *op);

/// What is added, as a vector of `n` elements; null if nothing is, or nothing
/// that is known to be such a vector.
mlir::Value makeBias(mlir::OpBuilder &builder, const Product &product,
                     int64_t n);

/// The type of the layer's result, before the dimensions move to where `op` has
/// them.
mlir::RankedTensorType getLayerType(const Product &product,
                                    mlir::Operation *op);

/// Replaces `op` by what the layer `y` computes. `hasBias` says that the layer
/// has added makeBias.
void replaceByLayer(mlir::RewriterBase &rewriter, mlir::Operation *op,
                    const Product &product, mlir::Value y, bool hasBias);

} // namespace bit

#endif // BIT_LIB_CONVERSION_ONNXTOBIT_PRODUCT_H
