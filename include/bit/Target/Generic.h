// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_TARGET_GENERIC_H
#define BIT_TARGET_GENERIC_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace bit {

/// Adds the kernels of plain vector ops to the bit dialect of contexts made
/// from `registry`.
void registerGenericKernels(mlir::DialectRegistry &registry);

} // namespace bit

#endif // BIT_TARGET_GENERIC_H
