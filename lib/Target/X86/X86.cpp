// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Target/X86.h"
#include "Kernels.h"
#include "bit/Conversion/BitToVector/T5Kernel.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "mlir/IR/DialectRegistry.h"

// Registered from the slowest to the fastest: the selection takes the last one
// that a function's features allow.
void bit::registerX86Kernels(mlir::DialectRegistry &registry) {
  registry.addExtension(+[](mlir::MLIRContext *, BitDialect *dialect) {
    dialect->getKernels().add(x86::createAvx2Planes(1));
    dialect->getKernels().add(x86::createAvx2Planes(2));
    dialect->getKernels().add(x86::createAvxVnniPlanes(1));
    dialect->getKernels().add(x86::createAvxVnniPlanes(2));
    dialect->getKernels().add(x86::createVnniPlanes(1));
    dialect->getKernels().add(x86::createVnniPlanes(2));
    dialect->getKernels().add(std::make_unique<T5Kernel>(
        "x86.avx2_t5", x86::createAvx2Planes(2), /*bytes=*/32));
    dialect->getKernels().add(std::make_unique<T5Kernel>(
        "x86.avxvnni_t5", x86::createAvxVnniPlanes(2), /*bytes=*/32));
    dialect->getKernels().add(std::make_unique<T5Kernel>(
        "x86.vnni_t5", x86::createVnniPlanes(2), /*bytes=*/64));
    dialect->getKernels().add(x86::createVbmiT5());
    x86::addPanelKernels(dialect->getKernels());
    x86::addCodeKernels(dialect->getKernels());
  });
}
