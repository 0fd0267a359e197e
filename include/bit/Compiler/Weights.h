// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weights section of a library.

#ifndef BIT_COMPILER_WEIGHTS_H
#define BIT_COMPILER_WEIGHTS_H

#include "bit/Layout/Panels.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace bit {

/// The constants of a module's bit.weight ops, in the order of their offsets.
class Weights {
public:
  explicit Weights(mlir::ModuleOp module);

  /// Bytes of the section, the last constant padded to 64.
  uint64_t getBytes() const { return bytes; }

  /// Writes the section: elements little-endian, row-major, one byte a bool.
  /// Constants stream from where they are, matrices that products read in
  /// panels.
  llvm::Error write(llvm::raw_ostream &os) const;

  /// Erases the ops: the translation to LLVM IR does not know them.
  void detach();

private:
  struct Entry {
    int64_t offset;
    uint64_t bytes;
    mlir::ElementsAttr value;
    std::optional<PanelLayout> panels;
  };
  mlir::ModuleOp module;
  std::vector<Entry> entries;
  uint64_t bytes = 0;
};

} // namespace bit

#endif // BIT_COMPILER_WEIGHTS_H
