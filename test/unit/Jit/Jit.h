// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs functions on buffers in the process: what kernels are tested and
// measured with. It links the dylibs only, so it is not MLIR's ExecutionEngine.

#ifndef BIT_TEST_UNIT_JIT_JIT_H
#define BIT_TEST_UNIT_JIT_JIT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace bit::test {

/// A buffer as the C interface of a memref of rank up to 4 passes it.
struct Buffer {
  void *allocated;
  void *aligned;
  int64_t offset;
  int64_t sizesAndStrides[8];

  Buffer(void *data, llvm::ArrayRef<int64_t> shape);
};

/// A module with functions that have `llvm.emit_c_interface`. It was lowered
/// by bit's passes and MLIR's, optimized and compiled.
class Jit {
public:
  /// Runs `passes`, then what lowers the rest to LLVM. Prints what is wrong
  /// with `source` and returns null.
  static std::unique_ptr<Jit>
  compile(mlir::MLIRContext &context, llvm::StringRef source,
          llvm::StringRef passes =
              "func.func(convert-bit-to-vector),bit-outline-parallel,"
              "func.func(scf-forall-to-for)");
  ~Jit();

  void run(llvm::StringRef function, llvm::ArrayRef<Buffer> arguments);

  /// The address of a function, which `call` takes.
  void *lookup(llvm::StringRef function);
  static void call(void *function, llvm::ArrayRef<Buffer> arguments);

private:
  Jit();
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

/// A context with the bit dialect, all kernels and all of MLIR.
std::unique_ptr<mlir::MLIRContext> makeContext();

/// Whether this CPU has all of these LLVM target features.
bool cpuHas(llvm::ArrayRef<llvm::StringRef> features);

} // namespace bit::test

#endif // BIT_TEST_UNIT_JIT_JIT_H
