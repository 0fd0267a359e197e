// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_TARGET_AARCH64_DOTPLANES_H
#define BIT_LIB_TARGET_AARCH64_DOTPLANES_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"

namespace bit::aarch64 {

/// The most sums of a token and a quad that tiles by sdot or smmla have.
constexpr int64_t maxSums = 3;

/// Builds a tile by sdot.
llvm::SmallVector<mlir::Value> buildDotTile(mlir::OpBuilder &builder,
                                            mlir::Location loc,
                                            const PlaneTile &tile,
                                            int64_t bits);

} // namespace bit::aarch64

#endif // BIT_LIB_TARGET_AARCH64_DOTPLANES_H
