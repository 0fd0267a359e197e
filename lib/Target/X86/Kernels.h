// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line for each kernel family of this folder.

#ifndef BIT_LIB_TARGET_X86_KERNELS_H
#define BIT_LIB_TARGET_X86_KERNELS_H

#include "bit/Conversion/BitToVector/P2Kernel.h"
#include <memory>

namespace bit::x86 {

std::unique_ptr<Kernel> createAvx2P1();
std::unique_ptr<P2Kernel> createAvx2P2();
std::unique_ptr<P2Kernel> createAvxVnniP2();
std::unique_ptr<Kernel> createVnniP1();
std::unique_ptr<P2Kernel> createVnniP2();
std::unique_ptr<Kernel> createVbmiT5();
void addCodeKernels(KernelRegistry &kernels);
void addPanelKernels(KernelRegistry &kernels);

} // namespace bit::x86

#endif // BIT_LIB_TARGET_X86_KERNELS_H
