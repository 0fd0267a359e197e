// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All passes on the bit dialect: what TableGen is run on.

#ifndef BIT_DIALECT_BIT_TRANSFORMS_PASSES_TD
#define BIT_DIALECT_BIT_TRANSFORMS_PASSES_TD

include "bit/Dialect/Bit/Transforms/KernelPasses.td"
include "bit/Dialect/Bit/Transforms/LinearPasses.td"
include "bit/Dialect/Bit/Transforms/ModelPasses.td"

#endif // BIT_DIALECT_BIT_TRANSFORMS_PASSES_TD
