// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Packing.h"
#include "bit/Layout/Planes.h"
#include "bit/Layout/T5.h"
#include "llvm/Support/FormatVariadic.h"

namespace bit {

static std::string declineDense(const LayerToPack &layer) {
  const PackedMatmulSpec &spec = layer.spec;
  if (spec.weights != WeightKind::Ternary)
    return "its weights are not ternary";
  if (spec.groups != 1)
    return "it has several weight scales along k";
  auto dense = T5Layout::get(spec.n, spec.k);
  auto twoBit = PlaneLayout::get(2, spec.n, spec.k);
  if (!dense || !twoBit || dense->getPackedBytes() >= twoBit->getPackedBytes())
    return llvm::formatv("its {0} rows of {1} weights would not take less",
                         spec.n, spec.k);
  return "";
}

// docs/kernels.md has the figures.
static std::string declineSlow(const LayerToPack &layer) {
  /// More than any third-level cache that a core has for itself.
  constexpr int64_t leastBytes = int64_t(64) << 20;
  /// Fewer rows do not pay for their tables, more k did not measure faster.
  constexpr int64_t leastRows = 4096, mostK = 2560;
  if (std::string reason = declineDense(layer); !reason.empty())
    return reason;
  if (layer.spec.floatActivations)
    return "its activations are floats";
  if (!layer.looksUp)
    return "not all levels have avx512vbmi";
  if (layer.tokens != 1)
    return "it is not known to have one token";
  if (layer.spec.n < leastRows || layer.spec.k > mostK)
    return llvm::formatv("it has {0} rows of {1} weights", layer.spec.n,
                         layer.spec.k);
  if (layer.modelWeights / T5Layout::tritsPerByte < leastBytes)
    return "the model's weights may stay in a cache";
  return "";
}

llvm::ArrayRef<PackingRule> getPackingRules(Packing packing) {
  static constexpr llvm::StringLiteral kernel = "generic.t5";
  static constexpr PackingRule dense[] = {{kernel, declineDense}};
  static constexpr PackingRule fastest[] = {{kernel, declineSlow}};
  switch (packing) {
  case Packing::TwoBit:
    return {};
  case Packing::Dense:
    return dense;
  case Packing::Auto:
    return fastest;
  }
  llvm_unreachable("unknown packing");
}

} // namespace bit
