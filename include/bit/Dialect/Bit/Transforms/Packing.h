// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which layout the weights of a layer are packed in.

#ifndef BIT_DIALECT_BIT_TRANSFORMS_PACKING_H
#define BIT_DIALECT_BIT_TRANSFORMS_PACKING_H

#include "bit/Dialect/Bit/IR/Kernel.h"
#include "llvm/Support/CommandLine.h"
#include <optional>
#include <string>

namespace bit {

/// Says of a packed product why it has not the layout that was asked for first.
inline constexpr llvm::StringLiteral packingDeclinedName =
    "bit.packing_declined";

/// What is asked for: layouts in the order in which a layer tries them.
enum class Packing {
  TwoBit, ///< P2
  Dense,  ///< T5 for every layer that it takes
  Auto,   ///< T5 where it measures faster
};

inline auto getPackingValues() {
  return llvm::cl::values(
      clEnumValN(Packing::TwoBit, "2bit", "2 bits a weight"),
      clEnumValN(Packing::Dense, "dense", "1.6 bits a weight"),
      clEnumValN(Packing::Auto, "auto", "the faster one of these"));
}

/// What the choice of a layout depends on.
struct LayerToPack {
  PackedMatmulSpec spec;
  std::optional<int64_t> tokens; ///< where their number is known
  int64_t modelWeights = 0;      ///< n * k of all layers of the module
  bool looksUp = false;          ///< all levels look bytes up in tables of 128
};

/// A layout that layers may take.
struct PackingRule {
  llvm::StringRef kernel; ///< the generic one of the layout
  /// Why a layer that the kernel supports does not take the layout; empty: it
  /// does.
  std::string (*decline)(const LayerToPack &layer);
};

/// The rules of `packing` in the order in which a layer tries them, without the
/// last resort, P2.
llvm::ArrayRef<PackingRule> getPackingRules(Packing packing);

} // namespace bit

#endif // BIT_DIALECT_BIT_TRANSFORMS_PACKING_H
