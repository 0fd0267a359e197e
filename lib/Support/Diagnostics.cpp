// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Support/Diagnostics.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace bit {

static llvm::StringRef getSeverityName(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return "note: ";
  case DiagnosticSeverity::Warning:
    return "warning: ";
  case DiagnosticSeverity::Error:
    return "error: ";
  case DiagnosticSeverity::Remark:
    return "remark: ";
  }
  return "";
}

/// Returns "file: " or "file:line:column: " of the first file in `loc`; ONNX
/// files have no lines.
static std::string getFilePrefix(Location loc) {
  std::string prefix;
  loc->walk([&](Location part) {
    auto file = dyn_cast<FileLineColLoc>(part);
    if (!file)
      return WalkResult::advance();
    prefix = file.getFilename().str();
    if (file.getLine() != 0)
      prefix += (":" + llvm::Twine(file.getLine()) + ":" +
                 llvm::Twine(file.getColumn()))
                    .str();
    prefix += ": ";
    return WalkResult::interrupt();
  });
  return prefix;
}

std::string formatDiagnostic(Diagnostic &diagnostic) {
  std::string line = getFilePrefix(diagnostic.getLocation());
  line += getSeverityName(diagnostic.getSeverity());
  std::string node = describeNode(diagnostic.getLocation());
  if (!node.empty())
    line += node + ": ";
  std::string text = diagnostic.str();
  // Op errors begin with the op's name, which the node says better.
  llvm::StringRef body = text;
  if (!node.empty() && body.consume_front("'") && body.contains("' op "))
    body = body.substr(body.find("' op ") + 5);
  else
    body = text;
  for (char c : body)
    line += c == '\n' ? ' ' : c;
  return line;
}

DiagnosticPrinter::DiagnosticPrinter(MLIRContext *context,
                                     llvm::raw_ostream &os, unsigned limit)
    : os(os), limit(limit), handler(context, [this](Diagnostic &diagnostic) {
        print(diagnostic);
        return success();
      }) {}

DiagnosticPrinter::~DiagnosticPrinter() {
  if (lines.size() > limit)
    os << "... and " << lines.size() - limit << " more\n";
}

std::vector<std::string>
DiagnosticPrinter::getLines(DiagnosticSeverity severity) const {
  std::vector<std::string> result;
  for (auto [line, kind] : llvm::zip_equal(lines, severities))
    if (kind == severity)
      result.push_back(line);
  return result;
}

void DiagnosticPrinter::print(Diagnostic &diagnostic) {
  if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
    ++errors;
  auto add = [&](Diagnostic &part) {
    lines.push_back(formatDiagnostic(part));
    severities.push_back(diagnostic.getSeverity());
    if (lines.size() <= limit)
      os << lines.back() << "\n";
  };
  add(diagnostic);
  for (Diagnostic &note : diagnostic.getNotes())
    add(note);
}

} // namespace bit
