// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What all kernels of layout T5 share. Weights of 64 rows become bytes of
// layout P2 on the thread's stack, once for all tokens; a kernel of P2 reads
// them.

#ifndef BIT_CONVERSION_BITTOVECTOR_T5KERNEL_H
#define BIT_CONVERSION_BITTOVECTOR_T5KERNEL_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"
#include "bit/Layout/T5.h"
#include <memory>
#include <string>

namespace bit {

/// A kernel that reads layout T5.
class T5Kernel : public Kernel {
public:
  /// The most k whose bytes of P2 are kept on a thread's stack: 240 KB.
  static constexpr int64_t maxK = 15360;

  /// `inner`, a kernel of P2, multiplies by what was unpacked, `bytes` at a
  /// time: 32 or 64.
  T5Kernel(llvm::StringRef name, std::unique_ptr<PlaneKernel> inner,
           int64_t bytes);

  llvm::StringRef getName() const final { return name; }
  llvm::StringRef getLayout() const final { return "t5"; }
  llvm::ArrayRef<llvm::StringRef> getFeatures() const override {
    return inner->getFeatures();
  }
  llvm::ArrayRef<llvm::StringRef> getOtherFeatures() const override {
    return inner->getOtherFeatures();
  }
  int64_t getPackedBytes(int64_t n, int64_t k) const final;
  void pack(llvm::ArrayRef<int8_t> codes, int64_t n, int64_t k,
            llvm::MutableArrayRef<uint8_t> out) const final;
  int64_t getScaleRows() const final { return inner->getScaleRows(); }
  int64_t getMaxK(int64_t low, int64_t high) const final {
    return std::min(maxK, inner->getMaxK(low, high));
  }
  mlir::LogicalResult supports(const PackedMatmulSpec &spec,
                               llvm::function_ref<mlir::InFlightDiagnostic()>
                                   emitError = nullptr) const final;
  void lower(mlir::OpBuilder &builder, PackedMatmulOp op) const override;

protected:
  const PlaneKernel &getInner() const { return *inner; }

private:
  std::string name;
  std::unique_ptr<PlaneKernel> inner;
  int64_t bytes;
};

/// Emits the layout's address of `units`' first byte in step 0 of a panel whose
/// first step is `step`: where a loop over units of 64 rows reads.
struct T5Place {
  mlir::Value byte;     ///< of the unit's row 0, byte 0 of its step
  mlir::Value distance; ///< to the row's next byte: rows of the block
};
T5Place buildT5Place(mlir::OpBuilder &builder, mlir::Location loc,
                     const T5Layout &layout, mlir::Value unit,
                     mlir::Value step);

/// Emits code that turns unit `unit` of `packed` into a block of layout P2,
/// `bytes` bytes of 64 rows at a time; returns the block, on the stack.
mlir::Value unpackT5Unit(mlir::OpBuilder &builder, mlir::Location loc,
                         const T5Layout &layout, mlir::Value packed,
                         mlir::Value unit, int64_t bytes);

} // namespace bit

#endif // BIT_CONVERSION_BITTOVECTOR_T5KERNEL_H
