// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToVector/PlaneKernel.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "llvm/ADT/SmallPtrSet.h"
#include <mutex>

using namespace mlir;

namespace bit {

static constexpr int64_t maxTileTokens = 16;

/// All that there are, of all contexts: the compiler has no RTTI.
static std::mutex mutex;
static llvm::SmallPtrSet<const Kernel *, 16> planeKernels;

PlaneKernel::PlaneKernel(StringRef prefix, int64_t bits)
    : name(prefix.str() + std::to_string(bits)), bits(bits) {
  std::lock_guard<std::mutex> guard(mutex);
  planeKernels.insert(this);
}

PlaneKernel::~PlaneKernel() {
  std::lock_guard<std::mutex> guard(mutex);
  planeKernels.erase(this);
}

const PlaneKernel *PlaneKernel::find(const Kernel *kernel) {
  std::lock_guard<std::mutex> guard(mutex);
  return planeKernels.contains(kernel)
             ? static_cast<const PlaneKernel *>(kernel)
             : nullptr;
}

int64_t PlaneKernel::getPackedBytes(int64_t n, int64_t k) const {
  auto layout = PlaneLayout::get(bits, n, k);
  return layout ? layout->getPackedBytes() : -1;
}

void PlaneKernel::pack(ArrayRef<int8_t> codes, int64_t n, int64_t k,
                       MutableArrayRef<uint8_t> out) const {
  PlaneLayout::get(bits, n, k)->pack(codes.data(), 0, n, out.data());
}

int64_t PlaneKernel::getScaleRows() const { return PlaneLayout::rowsPerBlock; }

LogicalResult PlaneKernel::supports(
    const PackedMatmulSpec &spec,
    llvm::function_ref<InFlightDiagnostic()> emitError) const {
  auto decline = [&](const llvm::Twine &reason) -> LogicalResult {
    if (emitError)
      return emitError() << reason;
    return failure();
  };
  // One bit has no code for 0.
  if (bits == 1 && spec.weights != WeightKind::Binary)
    return decline("expects binary weights for kernel '" + getName() +
                   "', got " + stringifyEnum(spec.weights));
  // A step has one scale a row.
  if (spec.groups != 1 && spec.getSummedK() % getStepK() != 0)
    return decline("expects weight scales of a multiple of " +
                   llvm::Twine(getStepK()) + " k for kernel '" + getName() +
                   "', got one for each " + llvm::Twine(spec.getSummedK()));
  if (spec.floatActivations && !supportsFloat())
    return decline("expects i8 activations for kernel '" + getName() +
                   "', got f32");
  if (!PlaneLayout::get(bits, spec.n, spec.k))
    return decline("expects packed weights of at most 2^63 bytes, got n = " +
                   llvm::Twine(spec.n) + ", k = " + llvm::Twine(spec.k));
  // More tokens would make code that no register file holds.
  ArrayRef<int64_t> tile = spec.tile;
  if (!tile.empty() &&
      (tile.size() != 3 || tile[0] % PlaneLayout::rowsPerGroup != 0 ||
       tile[0] > PlaneLayout::rowsPerBlock || tile[1] > maxTileTokens ||
       tile[2] != getStepK()))
    return decline("expects a tile of 16, 32, 48 or 64 rows, 1 to " +
                   llvm::Twine(maxTileTokens) + " tokens and " +
                   llvm::Twine(getStepK()) + " k for kernel '" + getName() +
                   "'");
  return success();
}

std::optional<SumTables> PlaneKernel::chooseTables(PackedMatmulOp op) const {
  std::optional<SumTables> tables = getTables();
  if (!tables || op.hasFloatActivations() || op.hasGroupScales() ||
      !op.getKernel().getTile().empty() ||
      static_cast<int64_t>(op.getN()) < tables->leastRows ||
      static_cast<int64_t>(op.getK()) < tables->leastK)
    return std::nullopt;
  return tables;
}

int64_t PlaneKernel::getTokens(PackedMatmulOp op) const {
  ArrayRef<int64_t> tile = op.getKernel().getTile();
  return tile.empty() ? getTileTokens(op.hasFloatActivations()) : tile[1];
}

int64_t PlaneKernel::getGroups(PackedMatmulOp op, int64_t tokens) const {
  ArrayRef<int64_t> tile = op.getKernel().getTile();
  return tile.empty() ? getTileGroups(op.hasFloatActivations(), tokens)
                      : tile[0] / PlaneLayout::rowsPerGroup;
}

} // namespace bit
