// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// bit-opt's command line, parsed into one plain struct.

#ifndef BIT_TOOLS_BITOPT_OPTIONS_H
#define BIT_TOOLS_BITOPT_OPTIONS_H

#include "bit/Compiler/Compiler.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace bit {

struct DriverOptions {
  CompilerOptions compiler;
  std::string report; ///< path of report.json; empty: none
  bool verbose = false;
  bool compile = false; ///< otherwise bit-opt drives passes over MLIR
};

/// Adds bit-opt's options to the command-line parser. Call once, after the
/// passes and mlir-opt's own options are registered.
void registerDriverOptions();

/// Parses the command line. Prints what is wrong to `errs` and returns false
/// where the usage is: that is exit code 2.
bool parseDriverOptions(int argc, char **argv, DriverOptions &options,
                        llvm::raw_ostream &errs);

} // namespace bit

#endif // BIT_TOOLS_BITOPT_OPTIONS_H
