// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints diagnostics as a user of the compiler reads them, one line each.

#ifndef BIT_SUPPORT_DIAGNOSTICS_H
#define BIT_SUPPORT_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace bit {

/// Returns `diagnostic` as one line: `model.onnx: error: node 'conv_3' (ai.onnx
/// Conv, opset 13): expects ...`. What its location does not know is left out.
std::string formatDiagnostic(mlir::Diagnostic &diagnostic);

/// Prints the errors and warnings of a context while it lives: the first
/// `limit` lines at once, at its end how many more there were.
class DiagnosticPrinter {
public:
  static constexpr unsigned kLimit = 20;

  explicit DiagnosticPrinter(mlir::MLIRContext *context,
                             llvm::raw_ostream &os = llvm::errs(),
                             unsigned limit = kLimit);
  ~DiagnosticPrinter();

  /// Every line so far, the ones that were not printed too.
  llvm::ArrayRef<std::string> getLines() const { return lines; }
  /// Those of one severity; notes belong to what they are attached to.
  std::vector<std::string> getLines(mlir::DiagnosticSeverity severity) const;
  unsigned getErrorCount() const { return errors; }

private:
  void print(mlir::Diagnostic &diagnostic);

  llvm::raw_ostream &os;
  unsigned limit;
  unsigned errors = 0;
  std::vector<std::string> lines;
  std::vector<mlir::DiagnosticSeverity> severities; ///< of the lines
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace bit

#endif // BIT_SUPPORT_DIAGNOSTICS_H
