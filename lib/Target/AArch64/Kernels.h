// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line for each kernel family of this folder.

#ifndef BIT_LIB_TARGET_AARCH64_KERNELS_H
#define BIT_LIB_TARGET_AARCH64_KERNELS_H

#include "bit/Conversion/BitToVector/PlaneKernel.h"
#include <memory>

namespace bit::aarch64 {

/// Of weights of 1 or 2 bits.
std::unique_ptr<PlaneKernel> createNeonPlanes(int64_t bits);
std::unique_ptr<PlaneKernel> createDotPlanes(int64_t bits);
std::unique_ptr<PlaneKernel> createMatrixPlanes(int64_t bits);
void addCodeKernels(KernelRegistry &kernels);
void addPanelKernels(KernelRegistry &kernels);

} // namespace bit::aarch64

#endif // BIT_LIB_TARGET_AARCH64_KERNELS_H
