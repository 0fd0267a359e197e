// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Short forms for the linalg.generic ops that the patterns make.

#ifndef BIT_LIB_CONVERSION_BITTOLINALG_GENERIC_H
#define BIT_LIB_CONVERSION_BITTOLINALG_GENERIC_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace bit {

void populateAbsmaxQuantizePatterns(mlir::RewritePatternSet &patterns);
void populateAttentionPatterns(mlir::RewritePatternSet &patterns,
                               bool lowerAll);
void populateDequantizePatterns(mlir::RewritePatternSet &patterns);
void populateMatmulPatterns(mlir::RewritePatternSet &patterns);

/// Stands for a loop where a dimension is of size 1.
constexpr unsigned unitLoop = ~0u;

/// An operand of a linalg.generic: a value, and which of the loops its
/// dimensions are.
struct Operand {
  mlir::Value value;
  llvm::SmallVector<unsigned> loops;
};

/// 0, 1, ... count - 1.
llvm::SmallVector<unsigned> loopRange(unsigned count);

/// A linalg.generic over `loops` loops, of which those in `reductions` are
/// reductions. `body` gets an element of each operand and returns those of the
/// outputs.
llvm::SmallVector<mlir::Value>
buildGeneric(mlir::ImplicitLocOpBuilder &b, unsigned loops,
             llvm::ArrayRef<Operand> inputs, llvm::ArrayRef<Operand> outputs,
             llvm::function_ref<llvm::SmallVector<mlir::Value>(
                 mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>
                 body,
             llvm::ArrayRef<unsigned> reductions = {});

/// `tensor` with all elements set to `value`.
mlir::Value buildFill(mlir::ImplicitLocOpBuilder &b, mlir::TypedAttr value,
                      mlir::Value tensor);

/// A tensor of these sizes without values.
mlir::Value buildEmpty(mlir::ImplicitLocOpBuilder &b,
                       llvm::ArrayRef<mlir::OpFoldResult> sizes,
                       mlir::Type elementType);

/// `x` with its last dimension K as `groups` x K / `groups`.
mlir::Value splitLastDim(mlir::ImplicitLocOpBuilder &b, mlir::Value x,
                         int64_t groups);

/// An f32 constant.
mlir::Value buildF32(mlir::ImplicitLocOpBuilder &b, float value);

} // namespace bit

#endif // BIT_LIB_CONVERSION_BITTOLINALG_GENERIC_H
