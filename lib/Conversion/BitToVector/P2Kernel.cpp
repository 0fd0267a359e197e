// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToVector/P2Kernel.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Layout/P2.h"

using namespace mlir;

namespace bit {

static constexpr int64_t maxTileTokens = 16;

int64_t P2Kernel::getPackedBytes(int64_t n, int64_t k) const {
  auto layout = P2Layout::get(n, k);
  return layout ? layout->getPackedBytes() : -1;
}

void P2Kernel::pack(ArrayRef<int8_t> codes, int64_t n, int64_t k,
                    MutableArrayRef<uint8_t> out) const {
  packP2(*P2Layout::get(n, k), codes.data(), 0, n, out.data());
}

int64_t P2Kernel::getScaleRows() const { return P2Layout::rowsPerBlock; }

LogicalResult
P2Kernel::supports(const PackedMatmulSpec &spec,
                   llvm::function_ref<InFlightDiagnostic()> emitError) const {
  auto decline = [&](const llvm::Twine &reason) -> LogicalResult {
    if (emitError)
      return emitError() << reason;
    return failure();
  };
  // A step has one scale a row.
  if (spec.groups != 1 && spec.getSummedK() % P2Layout::kPerStep != 0)
    return decline("expects weight scales of a multiple of 16 k for kernel '" +
                   getName() + "', got one for each " +
                   llvm::Twine(spec.getSummedK()));
  if (spec.floatActivations && !supportsFloat())
    return decline("expects i8 activations for kernel '" + getName() +
                   "', got f32");
  if (!P2Layout::get(spec.n, spec.k))
    return decline("expects packed weights of at most 2^63 bytes, got n = " +
                   llvm::Twine(spec.n) + ", k = " + llvm::Twine(spec.k));
  // More tokens would make code that no register file holds.
  ArrayRef<int64_t> tile = spec.tile;
  if (!tile.empty() &&
      (tile.size() != 3 || tile[0] % P2Layout::rowsPerGroup != 0 ||
       tile[0] > P2Layout::rowsPerBlock || tile[1] > maxTileTokens ||
       tile[2] != P2Layout::kPerStep))
    return decline("expects a tile of 16, 32, 48 or 64 rows, 1 to " +
                   llvm::Twine(maxTileTokens) +
                   " tokens and 16 k for kernel '" + getName() + "'");
  return success();
}

int64_t P2Kernel::getTokens(PackedMatmulOp op) const {
  ArrayRef<int64_t> tile = op.getKernel().getTile();
  return tile.empty() ? getTileTokens(op.hasFloatActivations()) : tile[1];
}

int64_t P2Kernel::getGroups(PackedMatmulOp op, int64_t tokens) const {
  ArrayRef<int64_t> tile = op.getKernel().getTile();
  return tile.empty() ? getTileGroups(op.hasFloatActivations(), tokens)
                      : tile[0] / P2Layout::rowsPerGroup;
}

} // namespace bit
