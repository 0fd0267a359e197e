// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_TARGET_X86_H
#define BIT_TARGET_X86_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace bit {

/// Adds the kernels for x86-64 to the bit dialect of contexts made from
/// `registry`.
void registerX86Kernels(mlir::DialectRegistry &registry);

} // namespace bit

#endif // BIT_TARGET_X86_H
