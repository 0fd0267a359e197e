// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Epilogues of kernels on vectors.

#ifndef BIT_LIB_CONVERSION_BITTOVECTOR_EPILOGUE_H
#define BIT_LIB_CONVERSION_BITTOVECTOR_EPILOGUE_H

#include "mlir/IR/Builders.h"

namespace bit {

/// Whether an input of an epilogue has the shape of the init.
bool readsElements(mlir::ValueRange inputs);

/// Emits what `epilogue` makes of `result`, a vector, from a vector for each of
/// its inputs; `result` itself where there is none.
mlir::Value emitEpilogue(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Region &epilogue, mlir::Value result,
                         mlir::ValueRange inputs);

} // namespace bit

#endif // BIT_LIB_CONVERSION_BITTOVECTOR_EPILOGUE_H
