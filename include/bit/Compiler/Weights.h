// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weights section of a library.

#ifndef BIT_COMPILER_WEIGHTS_H
#define BIT_COMPILER_WEIGHTS_H

#include "bit/Layout/Panels.h"
#include "bit/checksum.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>
#include <vector>

namespace bit {

/// Passes on what is written and takes its checksum.
class ChecksumStream final : public llvm::raw_ostream {
public:
  explicit ChecksumStream(llvm::raw_ostream &os) : os(os) {}
  ~ChecksumStream() override { flush(); }

  /// The checksum of all that was written; the last call.
  void finish(uint64_t (&hash)[2]) {
    flush();
    bit_checksum_finish(&sum, hash);
  }

private:
  void write_impl(const char *data, size_t size) override {
    bit_checksum_add(&sum, data, size);
    os.write(data, size);
  }
  uint64_t current_pos() const override { return sum.bytes; }

  llvm::raw_ostream &os;
  bit_checksum sum = {};
};

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
