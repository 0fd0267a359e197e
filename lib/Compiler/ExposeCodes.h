// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A recognized model that shows what its quantizers make.

#ifndef BIT_COMPILER_EXPOSECODES_H
#define BIT_COMPILER_EXPOSECODES_H

#include "mlir/IR/BuiltinOps.h"

namespace bit {

/// Appends the codes of each quantizer in the body of `main_graph` itself to
/// the results, named after the node they come from. (Those inside If and Loop
/// have no place among the results.) Returns how many there are.
mlir::FailureOr<unsigned> exposeCodes(mlir::ModuleOp module);

} // namespace bit

#endif // BIT_COMPILER_EXPOSECODES_H
