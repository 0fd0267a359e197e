// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler as a library: a model in, files out.

#ifndef BIT_COMPILER_COMPILER_H
#define BIT_COMPILER_COMPILER_H

#include "bit/Compiler/Report.h"
#include "bit/Dialect/Bit/IR/BitEnums.h"
#include "bit/Dialect/Bit/Transforms/Packing.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bit {

/// What a compilation ends with, in the order of the stages.
enum class EmitKind {
  Onnx,     ///< the imported model
  Bit,      ///< recognised layers beside onnx
  Linalg,   ///< packed weights beside linalg
  LLVM,     ///< LLVM dialect
  LLVMIR,   ///< optimized LLVM IR
  Assembly, ///< of all levels
  Object,
  Static,
  Shared,
};

/// What becomes of products that were not trained as BitLinear layers.
struct QuantizeOptions {
  bool all = false; ///< off: they stay float
  WeightScheme scheme = WeightScheme::Absmean;
  WeightGranularity granularity = WeightGranularity::Tensor;
  int64_t group = 128;     ///< weights along K, for granularity group
  bool activations = true; ///< to 8 bits, one scale a token
  std::string skip;        ///< regular expression of nodes or weights
};

struct CompilerOptions {
  std::string input;  ///< .onnx, .mlir or .mlirbc
  std::string output; ///< "-" for stdout, where the kind is text
  EmitKind emit = EmitKind::Shared;
  bool bytecode = false;           ///< write MLIR as bytecode instead of text
  std::string triple;              ///< of the target
  std::vector<std::string> levels; ///< names; empty: all of the target's
  std::vector<std::pair<std::string, std::optional<int64_t>>> dims;
  std::string name;      ///< prefix of C symbols; empty: from the output
  bool recognize = true; ///< off: nothing becomes ternary, the oracle
  QuantizeOptions quantize;
  bool pack = true; ///< off: bit ops through the reference lowering
  Packing packing = Packing::TwoBit; ///< how ternary weights are stored
  bool groupSiblings = true;         ///< off: one kernel a product
  unsigned verify = 0;  ///< sets of random inputs to verify with; 0: none
  unsigned threads = 0; ///< of the compiler; 0: all cores
  /// Called for the pass manager of each stage, for instrumentation.
  std::function<mlir::LogicalResult(mlir::PassManager &)> configure;
  /// Called when a stage begins.
  std::function<void(llvm::StringRef)> progress;
};

/// Returns why the output of such a compilation cannot be verified here: it is
/// no shared library, or not one for this machine. Empty: it can be.
std::string whyNotVerified(const CompilerOptions &options);

/// Compiles one model. All errors are diagnostics of `context`, each at the
/// ONNX node it is about. On failure no output file is made and an existing one
/// stays as it was; that goes for a library that fails its verification, too.
/// `report` is filled as far as the compilation got.
mlir::LogicalResult compile(const CompilerOptions &options,
                            mlir::MLIRContext *context, Report &report);

/// Returns the version of the C ABI that compiled libraries have.
unsigned getAbiVersion();

/// Returns `path`'s file name as a C identifier.
std::string getModelName(llvm::StringRef path);

} // namespace bit

#endif // BIT_COMPILER_COMPILER_H
