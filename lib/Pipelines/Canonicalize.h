// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_PIPELINES_CANONICALIZE_H
#define BIT_LIB_PIPELINES_CANONICALIZE_H

#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/Passes.h"

namespace bit {

/// The canonicalizer where every region has one block: there is no control flow
/// to simplify, and a search through all operations for some is left out.
inline std::unique_ptr<mlir::Pass> createStructuredCanonicalizer() {
  mlir::GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(
      mlir::GreedySimplifyRegionLevel::Disabled);
  return mlir::createCanonicalizerPass(config);
}

} // namespace bit

#endif // BIT_LIB_PIPELINES_CANONICALIZE_H
