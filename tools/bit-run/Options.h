// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_RUN_OPTIONS_H
#define BIT_RUN_OPTIONS_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bitrun {

/// The command line.
struct Options {
  std::string library;
  std::map<std::string, std::string> inputFiles;  ///< --input NAME=FILE
  std::string inputsFile;                         ///< --inputs
  std::map<std::string, std::string> expectFiles; ///< --expect NAME=FILE
  std::string expectFile;                         ///< --expect FILE.npz
  std::string outputDir;
  std::map<std::string, int64_t> dims; ///< --dim
  double rtol = 1e-4, atol = 1e-5;
  bool random = false, bench = false, json = false, verbose = false;
  bool hugePages = false, verify = false, help = false, version = false;
  uint64_t seed = 0;
  double seconds = 1; ///< how long --bench measures
  int32_t threads = 0;
  std::string level, weights;

  bool expectsOutputs() const {
    return !expectFile.empty() || !expectFiles.empty();
  }
  /// False: only the signature is asked for.
  bool runs() const {
    return random || bench || !inputFiles.empty() || !inputsFile.empty() ||
           !outputDir.empty() || expectsOutputs();
  }
};

/// Throws Failure with WrongUsage.
Options parseOptions(const std::vector<std::string> &arguments);

extern const char *const helpText;

} // namespace bitrun

#endif // BIT_RUN_OPTIONS_H
