// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A constant tensor in host memory: what the evaluator computes with.

#ifndef BIT_DIALECT_ONNX_EVAL_HOSTTENSOR_H
#define BIT_DIALECT_ONNX_EVAL_HOSTTENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace bit::onnx {

/// How the elements of a HostTensor are stored: as a dense attribute stores
/// them, but what is smaller than a byte one a byte, with its sign.
enum class Format {
  F64,
  F32,
  F16,
  BF16,
  Bool,
  I2,
  U2,
  I4,
  U4,
  I8,
  U8,
  I16,
  U16,
  I32,
  U32,
  I64
};

/// Returns nothing for types that are not evaluated: 64-bit unsigned integers
/// and floats of 8 bits and less.
std::optional<Format> getFormat(mlir::Type elementType);
int64_t getByteSize(Format format);
/// The bits of an element as ONNX counts them.
unsigned getBitSize(Format format);
bool isFloat(Format format);

/// Rounds (floats) or wraps (integers) `values` to what `format` can hold.
void roundTo(Format format, llvm::MutableArrayRef<double> values);

/// Row-major elements that are either borrowed from an attribute, so that a
/// mapped weight is never copied, or owned by all copies of the tensor.
/// Elements are read and written as doubles, which hold every value of every
/// format but I64; I64 values beyond 2^53 are refused where they come in.
class HostTensor {
public:
  HostTensor() = default;

  /// Borrows the data of `attr`, which has to outlive the tensor.
  static llvm::Expected<HostTensor> borrow(mlir::ElementsAttr attr);

  /// Returns an uninitialized tensor of a static type with a Format.
  static llvm::Expected<HostTensor> allocate(mlir::ShapedType type);

  mlir::ShapedType getType() const { return type; }
  llvm::ArrayRef<int64_t> getShape() const { return type.getShape(); }
  int64_t size() const { return type.getNumElements(); }
  Format getFormat() const { return format; }

  /// Reads `out.size()` elements from the linear index `begin` on.
  void load(int64_t begin, llvm::MutableArrayRef<double> out) const;
  /// The same, rounded to floats.
  void loadFloats(int64_t begin, llvm::MutableArrayRef<float> out) const;
  /// Writes elements that are already rounded to the tensor's format.
  void store(int64_t begin, llvm::ArrayRef<double> values);
  void storeFloats(int64_t begin, llvm::ArrayRef<float> values);
  double at(int64_t index) const;

  bool isSplat() const { return splat; }
  /// All elements in place if they are floats, are not a splat and are aligned.
  std::optional<llvm::ArrayRef<float>> getFloats() const;
  /// One element if the tensor is a splat, else all of them. The alignment is
  /// that of a byte: a mapped file gives no other.
  llvm::ArrayRef<char> getBytes() const { return bytes; }
  llvm::MutableArrayRef<char> getMutableBytes();

  /// The same elements under another shape of as many elements.
  HostTensor reshaped(llvm::ArrayRef<int64_t> shape) const;

  /// Returns a dense attribute, or, for more than `maxDenseBytes`, a resource
  /// called `name`.
  mlir::ElementsAttr toAttr(llvm::StringRef name,
                            int64_t maxDenseBytes = 1024) const;

private:
  mlir::ShapedType type;
  Format format = Format::F32;
  llvm::ArrayRef<char> bytes;
  std::shared_ptr<char> owned;
  bool splat = false;
};

} // namespace bit::onnx

#endif // BIT_DIALECT_ONNX_EVAL_HOSTTENSOR_H
