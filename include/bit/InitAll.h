// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All registration, once: dialects with their interfaces, passes and pipelines,
// targets.

#ifndef BIT_INITALL_H
#define BIT_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace bit {

/// Adds every dialect the compiler reads or makes, and the external models its
/// passes need.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers our passes and pipelines, and the upstream ones that a test or a
/// user may want beside them.
void registerAllPasses();

} // namespace bit

#endif // BIT_INITALL_H
