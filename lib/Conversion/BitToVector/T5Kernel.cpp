// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToVector/T5Kernel.h"
#include "bit/Conversion/BitToVector/PackedMatmul.h"
#include "bit/Dialect/Bit/IR/BitOps.h"

using namespace mlir;

namespace bit {

static_assert(T5Layout::rowsPerUnit == PlaneLayout::rowsPerBlock);

T5Kernel::T5Kernel(StringRef name, std::unique_ptr<PlaneKernel> inner,
                   int64_t bytes)
    : name(name), inner(std::move(inner)), bytes(bytes) {}

int64_t T5Kernel::getPackedBytes(int64_t n, int64_t k) const {
  auto layout = T5Layout::get(n, k);
  return layout ? layout->getPackedBytes() : -1;
}

void T5Kernel::pack(ArrayRef<int8_t> codes, int64_t n, int64_t k,
                    MutableArrayRef<uint8_t> out) const {
  packT5(*T5Layout::get(n, k), codes.data(), out.data());
}

LogicalResult
T5Kernel::supports(const PackedMatmulSpec &spec,
                   llvm::function_ref<InFlightDiagnostic()> emitError) const {
  if (spec.k > maxK) {
    if (emitError)
      return emitError() << "expects k of at most " << maxK << " for kernel '"
                         << name << "', got " << spec.k;
    return failure();
  }
  if (!T5Layout::get(spec.n, spec.k)) {
    if (emitError)
      return emitError() << "expects packed weights of at most 2^63 bytes, got "
                            "n = "
                         << spec.n << ", k = " << spec.k;
    return failure();
  }
  return inner->supports(spec, emitError);
}

void T5Kernel::lower(OpBuilder &builder, PackedMatmulOp op) const {
  auto layout = T5Layout::get(op.getN(), op.getK());
  emitPackedMatmul(builder, *inner, op, [&](Value block) {
    return unpackT5Unit(builder, op.getLoc(), *layout, op.getPacked(), block,
                        bytes);
  });
}

} // namespace bit
