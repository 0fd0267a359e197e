// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The boundary no exception of libonnx crosses.

#ifndef BIT_LIB_IMPORT_GUARD_H
#define BIT_LIB_IMPORT_GUARD_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace bit::detail {

class Model;

/// Runs `step`. Whatever it throws becomes errors at the nodes that the text
/// names, at the file where it names none; `what` begins their text.
mlir::LogicalResult guard(const Model &model, llvm::StringRef what,
                          llvm::function_ref<void()> step);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_GUARD_H
