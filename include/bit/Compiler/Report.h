// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a compilation found and made: the summary on stderr and report.json.

#ifndef BIT_COMPILER_REPORT_H
#define BIT_COMPILER_REPORT_H

#include "bit/Verify/Verify.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/JSON.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bit {

/// What a layer uses at one level.
struct LayerUse {
  std::string level, kernel, layout;
  int64_t tileTokens = 0;  ///< tokens of a tile at most; 0 without tiles
  int64_t tableTokens = 0; ///< the fewest that tables of sums multiply, or 0
};

/// One matmul-like node that became ternary or binary.
struct LayerReport {
  std::string name;
  int64_t n = 0, k = 0;
  double bitsPerWeight = 0;
  std::string weightScheme, weightGranularity;
  int64_t activationBits = 0; ///< 0: activations stay float
  std::string activationGranularity;
  std::string activationsDeclined; ///< why they stay float, if they do
  double weightError = 0;          ///< |w - codes * scale| / |w|
  std::string kernel;              ///< empty while it is not packed
  std::string packingDeclined;     ///< why it is not packed as was asked for
  int64_t sourceBytes = 0, packedBytes = 0;
  std::vector<LayerUse> levels; ///< the best one first
};

/// How often the code of a level calls each kernel, those for floats and codes
/// of 8 bits among them.
struct LevelReport {
  std::string level;
  std::map<std::string, int64_t> kernels;
};

struct RejectedReport {
  std::string node, reason;
};

struct StageReport {
  std::string name;
  double seconds = 0;
};

struct Report {
  std::string model, target;
  std::vector<LayerReport> layers; ///< every layer found
  std::vector<RejectedReport> rejected;
  std::map<std::string, int64_t> operators; ///< "ai.onnx.MatMul" -> nodes
  int64_t sourceBytes = 0, libraryBytes = 0, weightsBytes = 0, arenaBytes = 0;
  bool arenaIsDynamic = false; ///< the arena's size depends on the inputs
  int64_t allocations = 0;     ///< temporaries whose size depends on data
  std::vector<StageReport> stages;
  std::vector<std::string> levels;
  std::vector<LevelReport> kernels;         ///< of each level
  std::optional<Verification> verification; ///< where it was asked for
  std::vector<std::string> errors;          ///< every reason why it failed
  std::vector<std::string> warnings;
  int64_t peakRSS = 0; ///< of the compiler, in bytes

  /// Layers whose weights are packed.
  size_t countPacked() const;
};

/// Counts the operators of an imported model.
void collectOperators(mlir::ModuleOp module, Report &report);

/// Lists the layers that recognition found and why other nodes stayed float.
void collectLayers(mlir::ModuleOp module, Report &report);

/// Completes the layers by what packing made of them.
void collectPacked(mlir::ModuleOp module, Report &report);

/// Warns once if weights that were made ternary are far from what they were,
/// with the worst layer and how many there are.
void warnAboutErrors(mlir::ModuleOp module, const Report &report);

/// Names the kernels of each level and what each layer uses at it; `kernel` is
/// the best level's.
void collectSelected(mlir::ModuleOp module, Report &report);

/// Returns report.json's object, whose keys are stable.
llvm::json::Object toJSON(const Report &report);

/// Prints what a person wants to know after a compilation, in a few lines.
void printSummary(llvm::raw_ostream &os, const Report &report,
                  llvm::StringRef output);

} // namespace bit

#endif // BIT_COMPILER_REPORT_H
