// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Regions of kernels' ops that make of a result what is stored.

#ifndef BIT_DIALECT_BIT_IR_EPILOGUE_H
#define BIT_DIALECT_BIT_IR_EPILOGUE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace bit {

/// How an input of an epilogue is read.
enum class EpilogueAccess { Scalar, Channel, Element };

/// Of an input that the verifier has seen.
EpilogueAccess getEpilogueAccess(mlir::Value input);

/// Whether a kernel can compute `op` on vectors, in lanes that nobody stores,
/// too.
bool isEpilogueStep(mlir::Operation &op);

} // namespace bit

#endif // BIT_DIALECT_BIT_IR_EPILOGUE_H
