// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Target/AArch64.h"
#include "Kernels.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "mlir/IR/DialectRegistry.h"

// Registered from the slowest to the fastest: the selection takes the last one
// that a function's features allow.
void bit::registerAArch64Kernels(mlir::DialectRegistry &registry) {
  registry.addExtension(+[](mlir::MLIRContext *, BitDialect *dialect) {
    dialect->getKernels().add(aarch64::createNeonPlanes(1));
    dialect->getKernels().add(aarch64::createNeonPlanes(2));
    dialect->getKernels().add(aarch64::createDotPlanes(1));
    dialect->getKernels().add(aarch64::createDotPlanes(2));
    dialect->getKernels().add(aarch64::createMatrixPlanes(1));
    dialect->getKernels().add(aarch64::createMatrixPlanes(2));
    aarch64::addPanelKernels(dialect->getKernels());
    aarch64::addCodeKernels(dialect->getKernels());
  });
}
