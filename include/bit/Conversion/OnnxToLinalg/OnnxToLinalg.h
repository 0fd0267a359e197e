// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_ONNXTOLINALG_ONNXTOLINALG_H
#define BIT_CONVERSION_ONNXTOLINALG_ONNXTOLINALG_H

#include "mlir/Pass/Pass.h"
#include "llvm/ADT/StringSet.h"

namespace mlir {
class RewritePatternSet;
class TypeConverter;
} // namespace mlir

namespace bit {

#define GEN_PASS_DECL
#include "bit/Conversion/OnnxToLinalg/Passes.h.inc"

/// Adds the patterns of every operator family.
void populateOnnxToLinalgPatterns(const mlir::TypeConverter &converter,
                                  mlir::RewritePatternSet &patterns);

/// Inserts the operators that have a pattern, as "ai.onnx.Add" or
/// "com.microsoft.Gelu": the import keeps these whole instead of expanding
/// them by their schema's function body.
void getLowerableOnnxOps(llvm::StringSet<> &ops);

#define GEN_PASS_REGISTRATION
#include "bit/Conversion/OnnxToLinalg/Passes.h.inc"

} // namespace bit

#endif // BIT_CONVERSION_ONNXTOLINALG_ONNXTOLINALG_H
