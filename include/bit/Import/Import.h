// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads an ONNX file into the onnx dialect. Only lib/Import sees protobuf or
// libonnx.

#ifndef BIT_IMPORT_IMPORT_H
#define BIT_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bit {

struct ImportOptions {
  /// Values of symbolic dimensions by name; none keeps one dynamic. A name that
  /// no input has is an error.
  std::vector<std::pair<std::string, std::optional<int64_t>>> dims;

  /// "domain.OpType" of every operator that later stages lower, such as
  /// "ai.onnx.MatMul". Another one is expanded by its schema's function body;
  /// one that has none is an error at each of its nodes.
  llvm::StringSet<> keepWhole;

  /// Keeps every operator that the onnx dialect has, whatever keepWhole says.
  bool keepAll = false;
};

/// The default opset that every model is converted to.
constexpr int64_t kImportOpset = 26;

/// Returns a module with one function `main_graph`, or null after at least one
/// error diagnostic, each at its node's location (see Support/NodeLocation.h).
///
/// An input that has an initializer is a constant, unless it is a matrix of
/// floats and the model's IR version is 4 or more, where the initializer is a
/// default that callers may replace: then it is an argument with the attribute
/// `onnx.has_default`. Weights over 64 KiB are `dense_resource`
/// attributes over the mapped file, encoded as in the file (little-endian,
/// sub-byte elements packed from the low bits, one byte a bool) and possibly
/// unaligned: read them by memcpy.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path,
                                             mlir::MLIRContext *context,
                                             const ImportOptions &options);

} // namespace bit

#endif // BIT_IMPORT_IMPORT_H
