// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_BIT_IR_BITOPS_H
#define BIT_DIALECT_BIT_IR_BITOPS_H

#include "bit/Dialect/Bit/IR/BitAttrs.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitTypes.h"
#include "bit/Layout/Panels.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "bit/Dialect/Bit/IR/BitOps.h.inc"

namespace bit {

class Kernel;
struct CodeKernel;
struct RegisterFile;

/// Those of a kernel's target features that the function around `op` does not
/// have. Code without a function is nobody's yet.
llvm::SmallVector<llvm::StringRef>
getMissingFeatures(mlir::Operation *op,
                   llvm::ArrayRef<llvm::StringRef> features);

/// The same of all features of a kernel: none where the function has its other
/// set.
llvm::SmallVector<llvm::StringRef> getMissingFeatures(mlir::Operation *op,
                                                      const Kernel &kernel);
llvm::SmallVector<llvm::StringRef> getMissingFeatures(mlir::Operation *op,
                                                      const CodeKernel &kernel);

/// The registers that the function around `op` has by its features: where no
/// target says, few.
RegisterFile getRegisterFile(mlir::Operation *op);

} // namespace bit

#endif // BIT_DIALECT_BIT_IR_BITOPS_H
