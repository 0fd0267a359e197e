// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two libraries of one model, run on the same random inputs and compared bit
// for bit. No MLIR here: what counts is what callers would get.

#ifndef BIT_VERIFY_VERIFY_H
#define BIT_VERIFY_VERIFY_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace bit {

struct VerifyOptions {
  unsigned sets = 8; ///< of inputs
  uint64_t seed = 0; ///< equal seeds give equal inputs
};

/// How one output of all runs compares with the reference.
struct OutputComparison {
  std::string name;
  uint64_t elements = 0, differing = 0;
  double worstAbsolute = 0; ///< infinite where only one of two is finite
  double worstRelative = 0; ///< infinite where the reference is 0
  std::string worst;        ///< the element that is farthest off; empty: none

  /// Adds what `other` saw of the same output in more runs.
  void add(const OutputComparison &other);
};

struct Verification {
  unsigned sets = 0;                ///< that ran
  std::vector<std::string> levels;  ///< that ran
  std::vector<std::string> lacking; ///< levels that this machine has not
  std::vector<OutputComparison> outputs;
  /// Quantizers' codes, compared only where outputs differ.
  std::vector<OutputComparison> codes;
  std::vector<std::string> skipped;  ///< input sets that neither library takes
  std::vector<std::string> failures; ///< differences that are not in values

  bool agrees() const;
};

/// Runs the shared library at `library`, each level that this machine has, and
/// the one at `reference` on random inputs. Symbolic dims vary, dims of one
/// name alike. Where both libraries refuse inputs (an index out of range, dims
/// that do not broadcast), tamer ones are tried before the set is skipped.
/// Fails where a library cannot be opened or not one set runs.
llvm::Expected<Verification> verifyLibrary(llvm::StringRef library,
                                           llvm::StringRef reference,
                                           const VerifyOptions &options);

} // namespace bit

#endif // BIT_VERIFY_VERIFY_H
