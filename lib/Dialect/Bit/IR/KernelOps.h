// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the ops share that kernels compute, on tensors or on memrefs.

#ifndef BIT_LIB_DIALECT_BIT_IR_KERNELOPS_H
#define BIT_LIB_DIALECT_BIT_IR_KERNELOPS_H

#include "bit/Dialect/Bit/IR/BitOps.h"

namespace bit {

/// All operands are tensors and the results are the inits' types, or all
/// operands are memrefs and there are no results.
mlir::LogicalResult verifyDestinations(mlir::DestinationStyleOpInterface op);

/// Inits that are memrefs are written, other memrefs read.
void getKernelEffects(
    mlir::DestinationStyleOpInterface op,
    llvm::SmallVectorImpl<mlir::MemoryEffects::EffectInstance> &effects);

mlir::Speculation::Speculatability
getKernelSpeculatability(mlir::DestinationStyleOpInterface op);

/// The results' dimensions are the inits'.
mlir::LogicalResult reifyInits(mlir::OpBuilder &builder,
                               mlir::DestinationStyleOpInterface op,
                               mlir::ReifiedRankedShapedTypeDims &shapes);

/// Adds the types of tensors among `inits` as result types.
void addResults(mlir::OperationState &state, mlir::ValueRange inits);

/// `inputs` and `epilogue` fit each other and the kernel's init, whose dim
/// `channelDim` is that of the channels.
mlir::LogicalResult verifyEpilogue(mlir::Operation *op, mlir::ValueRange inputs,
                                   mlir::Region &epilogue,
                                   mlir::ShapedType init, int64_t channelDim);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_IR_KERNELOPS_H
