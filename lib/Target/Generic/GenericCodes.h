// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_LIB_TARGET_GENERIC_GENERICCODES_H
#define BIT_LIB_TARGET_GENERIC_GENERICCODES_H

#include "bit/Dialect/Bit/IR/Kernel.h"

namespace bit {

/// The kernel for products of codes that every target has.
void addGenericCodes(KernelRegistry &kernels);

} // namespace bit

#endif // BIT_LIB_TARGET_GENERIC_GENERICCODES_H
