// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_TARGET_AARCH64_H
#define BIT_TARGET_AARCH64_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace bit {

/// Adds the kernels for AArch64 to the bit dialect of contexts made from
/// `registry`.
void registerAArch64Kernels(mlir::DialectRegistry &registry);

} // namespace bit

#endif // BIT_TARGET_AARCH64_H
