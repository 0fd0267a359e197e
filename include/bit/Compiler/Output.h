// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files that appear whole or not at all.

#ifndef BIT_COMPILER_OUTPUT_H
#define BIT_COMPILER_OUTPUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <utility>

namespace llvm {
class raw_pwrite_stream;
} // namespace llvm

namespace bit {

using WriteFunction =
    llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)>;

/// Writes `path`; what is there is lost, whether it fails or not.
llvm::Error writeFile(llvm::StringRef path, WriteFunction write);

/// A file, or stdout for "-" and "", that changes only if writing succeeds.
class OutputFile {
public:
  explicit OutputFile(llvm::StringRef path) : path(path.str()) {}
  llvm::Error write(WriteFunction write);

private:
  std::string path;
};

/// A directory beside the output, so that renaming from it is atomic. It goes
/// with the object.
class TemporaryDirectory {
public:
  ~TemporaryDirectory();
  llvm::Error create(llvm::StringRef output);
  bool isCreated() const { return !path.empty(); }
  std::string getPath(llvm::StringRef file) const;

private:
  std::string path;
};

/// Renames each (from, to), after a check that all can be.
llvm::Error
replaceFiles(llvm::ArrayRef<std::pair<std::string, std::string>> files);

} // namespace bit

#endif // BIT_COMPILER_OUTPUT_H
