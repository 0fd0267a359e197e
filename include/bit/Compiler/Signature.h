// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a model takes and returns, as its library describes it.

#ifndef BIT_COMPILER_SIGNATURE_H
#define BIT_COMPILER_SIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace bit {

struct TensorSignature {
  std::string name;
  int32_t dtype = 0;                       ///< BIT_FLOAT32 ... of bit/abi.h
  llvm::SmallVector<int64_t> dims;         ///< -1 where symbolic
  llvm::SmallVector<std::string> dimNames; ///< one a dim, empty where unnamed
};

struct ModelSignature {
  llvm::SmallVector<TensorSignature> inputs, outputs;
};

/// Reads the names and types of `mainGraph`, whose arguments and results are
/// still tensors. Emits an error and fails where an element type has no place
/// in the C interface.
mlir::FailureOr<ModelSignature> readSignature(mlir::func::FuncOp mainGraph);

/// Returns the C type that holds one element of `dtype`, such as "float".
llvm::StringRef getCType(int32_t dtype);

/// Returns numpy's name of `dtype`, such as "float32".
llvm::StringRef getTypeName(int32_t dtype);

} // namespace bit

#endif // BIT_COMPILER_SIGNATURE_H
