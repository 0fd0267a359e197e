// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that the ops on panels share.

#ifndef BIT_LIB_DIALECT_BIT_IR_PANELKERNELS_H
#define BIT_LIB_DIALECT_BIT_IR_PANELKERNELS_H

#include "bit/Dialect/Bit/IR/BitOps.h"

namespace bit {

/// Whether panels can have so many columns.
bool isPanelWidth(int64_t width);

/// Whether `panels` can be the number of panels of `width` of n columns.
bool panelsMatch(int64_t panels, int64_t n, int64_t width);

/// Whether `quads` can be the number of quads of k.
bool quadsMatch(int64_t quads, int64_t k);

/// `bias`, if there is one, has `n` elements, a dim of `init`.
mlir::LogicalResult verifyPanelBias(mlir::Operation *op, mlir::Value bias,
                                    llvm::ArrayRef<int64_t> init, int64_t n);

/// The registered kernel of this name.
mlir::FailureOr<const PanelKernel *> verifyPanelKernel(mlir::Operation *op,
                                                       KernelAttr attr);

/// The function around `op` has the features of `kernel`.
mlir::LogicalResult verifyPanelFeatures(mlir::Operation *op,
                                        const PanelKernel &kernel);

} // namespace bit

#endif // BIT_LIB_DIALECT_BIT_IR_PANELKERNELS_H
