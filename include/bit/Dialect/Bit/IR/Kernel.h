// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a target knows about multiplying by packed weights: one object, asked by
// the packer, the verifiers, the selection, the lowering, tests and benchmarks.

#ifndef BIT_DIALECT_BIT_IR_KERNEL_H
#define BIT_DIALECT_BIT_IR_KERNEL_H

#include "bit/Dialect/Bit/IR/BitEnums.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Value.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <memory>
#include <vector>

namespace mlir {
class OpBuilder;
} // namespace mlir

namespace bit {

class PackedMatmulOp;

/// What a product by packed weights asks of its kernel.
struct PackedMatmulSpec {
  int64_t n = 0;      ///< output features
  int64_t k = 0;      ///< input features
  int64_t groups = 1; ///< scales along k
  WeightKind weights = WeightKind::Ternary;
  bool floatActivations = false;  ///< x is f32 and not codes
  int64_t low = -128, high = 127; ///< what codes of x lie in
  llvm::ArrayRef<int64_t> tile;   ///< sizes given in `#bit.kernel`, or none

  /// How many products one accumulator sums.
  int64_t getSummedK() const { return k / groups; }
};

/// One way to multiply by packed weights. Objects are immutable and are shared
/// by all threads.
class Kernel {
public:
  virtual ~Kernel();

  /// The name in `#bit.kernel`, such as "x86.vnni_p2".
  virtual llvm::StringRef getName() const = 0;

  /// The layout of the packed weights, such as "p2": kernels of one layout read
  /// the same bytes.
  virtual llvm::StringRef getLayout() const = 0;

  /// The LLVM target features that the emitted code needs, such as
  /// "avx512vnni".
  virtual llvm::ArrayRef<llvm::StringRef> getFeatures() const = 0;

  /// Another set of features that serves as well; none for most kernels.
  virtual llvm::ArrayRef<llvm::StringRef> getOtherFeatures() const {
    return {};
  }

  /// The bytes that packed n x k codes take.
  virtual int64_t getPackedBytes(int64_t n, int64_t k) const = 0;

  /// Packs row-major n x k codes into all getPackedBytes(n, k) bytes of `out`.
  virtual void pack(llvm::ArrayRef<int8_t> codes, int64_t n, int64_t k,
                    llvm::MutableArrayRef<uint8_t> out) const = 0;

  /// How many rows have their group scales together: B of the R x G x B scales
  /// of `bit.packed_matmul`.
  virtual int64_t getScaleRows() const = 0;

  /// The longest k whose accumulation is exact for activation codes in
  /// [low, high]: of one group where there are several scales along k.
  virtual int64_t getMaxK(int64_t low, int64_t high) const = 0;

  /// Fails where the kernel cannot compute `spec`, and then says why through
  /// `emitError` if it is given. Neither k nor n is limited here but by
  /// getMaxK.
  virtual mlir::LogicalResult
  supports(const PackedMatmulSpec &spec,
           llvm::function_ref<mlir::InFlightDiagnostic()> emitError =
               nullptr) const = 0;

  /// Emits, at the builder's insertion point, loops and vector ops that compute
  /// `op`, which is on memrefs, with its epilogue. The caller erases `op`.
  virtual void lower(mlir::OpBuilder &builder, PackedMatmulOp op) const = 0;
};

/// What a level's registers hold of a product by panels, `bit.panel_matmul` or
/// `bit.panel_conv`. The loops are the same for all targets.
struct PanelKernel {
  /// The name in `#bit.kernel`, such as "x86.avx512_panel".
  llvm::StringRef name;
  /// The LLVM target features that the kernel is made for.
  std::vector<llvm::StringRef> features;
  int64_t lanes;        ///< f32 in a register; divides 16
  int64_t rows;         ///< rows of x that a tile has
  int64_t vectors;      ///< registers along n that a tile of so many rows has
  int64_t pixels;       ///< of a convolution, that a tile has; at most 8
  int64_t pixelVectors; ///< registers of channels that such a tile has
  /// Pixels at most where such a tile has all channels of a panel.
  int64_t wholePixels = 8;
  /// k at once: so many elements of a row of x are one load.
  int64_t steps = 1;
  /// Whether taps whose distance is not known are unrolled.
  bool unrollsDynamicTaps = true;
  /// Keeps an element of x that was loaded from being loaded to all lanes,
  /// where products take one lane for all; null where they do not.
  mlir::Value (*hold)(mlir::OpBuilder &, mlir::Location,
                      mlir::Value element) = nullptr;
};

/// How a level multiplies codes by panels of codes, `bit.code_matmul`. A
/// register of sums has `columns` columns, each `partials` sums side by side
/// that are added at the end. The loops are the same for all targets.
struct CodeKernel {
  /// The name in `#bit.kernel`, such as "x86.vnni_codes".
  llvm::StringRef name;
  /// The LLVM target features that the emitted code needs.
  std::vector<llvm::StringRef> features;
  /// Another set of features that serves as well, or none.
  std::vector<llvm::StringRef> otherFeatures;
  int64_t columns;  ///< of a register of sums; divides 16
  int64_t partials; ///< sums of a column, a power of two
  int64_t rows;     ///< rows of x that a tile has
  int64_t vectors;  ///< registers of columns that a tile of so many rows has
  int64_t chains;   ///< sums at least that a tile has, by splitting k
  /// What `dot` takes of four unsigned codes, the bytes of an i32.
  mlir::Value (*broadcast)(mlir::OpBuilder &, mlir::Location, mlir::Value word);
  /// `sum` plus the products of `columns` quads of signed codes by `x`.
  mlir::Value (*dot)(mlir::OpBuilder &, mlir::Location, mlir::Value sum,
                     mlir::Value quads, mlir::Value x);
  /// Quads of a row of x that are one load.
  int64_t steps = 1;
  /// What `dot` adds to each code of the quads, as where it takes only unsigned
  /// ones. The loops subtract so many times the sum of a row of x.
  int64_t bias = 0;
};

/// What the vector registers of a level hold, for code that keeps as much in
/// them as they can.
struct RegisterFile {
  /// The LLVM target features of the level.
  std::vector<llvm::StringRef> features;
  int64_t lanes; ///< f32 in a register
  int64_t count; ///< registers
  /// Whether a maximum that gives NaN is one instruction, which a comparison
  /// and a select then are not.
  bool hasMaximum = false;
  /// Whether loads and stores of the first lanes are instructions, at least
  /// those of 32 bits.
  bool hasMasks = true;

  /// Vectors of so many f32 that all registers hold.
  int64_t getCapacity(int64_t size) const { return lanes * count / size; }
};

/// The kernels of a context. It is filled while the dialect is loaded:
///   registry.addExtension(+[](MLIRContext *, BitDialect *dialect) {
///     dialect->getKernels().add(std::make_unique<MyKernel>());
///   });
class KernelRegistry {
public:
  /// Takes `kernel`. Two kernels of one name are a fatal error of the program
  /// that registers them.
  void add(std::unique_ptr<Kernel> kernel);

  /// The kernel of this name, or null.
  const Kernel *lookup(llvm::StringRef name) const;

  /// All kernels in the order of their registration.
  std::vector<const Kernel *> getAll() const;

  /// The same of kernels for panels.
  void addPanel(PanelKernel kernel);
  const PanelKernel *lookupPanel(llvm::StringRef name) const;
  llvm::ArrayRef<std::unique_ptr<PanelKernel>> getPanels() const {
    return panels;
  }

  /// The same of kernels for codes.
  void addCodes(CodeKernel kernel);
  const CodeKernel *lookupCodes(llvm::StringRef name) const;
  llvm::ArrayRef<std::unique_ptr<CodeKernel>> getCodes() const { return codes; }

  /// Adds what levels with some features have for registers; of several that
  /// hold the last one counts.
  void addRegisters(RegisterFile file) { files.push_back(std::move(file)); }
  llvm::ArrayRef<RegisterFile> getRegisters() const { return files; }

private:
  std::vector<std::unique_ptr<Kernel>> kernels;
  llvm::StringMap<const Kernel *> byName;
  std::vector<std::unique_ptr<PanelKernel>> panels;
  std::vector<std::unique_ptr<CodeKernel>> codes;
  std::vector<RegisterFile> files;
};

} // namespace bit

#endif // BIT_DIALECT_BIT_IR_KERNEL_H
