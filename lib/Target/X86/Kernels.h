// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line for each kernel family of this folder.

#ifndef BIT_LIB_TARGET_X86_KERNELS_H
#define BIT_LIB_TARGET_X86_KERNELS_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"
#include <memory>

namespace bit::x86 {

/// Of weights of 1 or 2 bits.
std::unique_ptr<PlaneKernel> createAvx2Planes(int64_t bits);
std::unique_ptr<PlaneKernel> createAvxVnniPlanes(int64_t bits);
std::unique_ptr<PlaneKernel> createVnniPlanes(int64_t bits);
std::unique_ptr<Kernel> createVbmiT5();
void addCodeKernels(KernelRegistry &kernels);
void addPanelKernels(KernelRegistry &kernels);

} // namespace bit::x86

#endif // BIT_LIB_TARGET_X86_KERNELS_H
