// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All of the dialect: what TableGen is run on.

#ifndef BIT_DIALECT_BIT_IR_BITOPS_TD
#define BIT_DIALECT_BIT_IR_BITOPS_TD

include "bit/Dialect/Bit/IR/BitAttentionOps.td"
include "bit/Dialect/Bit/IR/BitEpilogueOps.td"
include "bit/Dialect/Bit/IR/BitLinearOps.td"
include "bit/Dialect/Bit/IR/BitModelOps.td"
include "bit/Dialect/Bit/IR/BitPackedOps.td"
include "bit/Dialect/Bit/IR/BitPanelOps.td"
include "bit/Dialect/Bit/IR/BitStepOps.td"

#endif // BIT_DIALECT_BIT_IR_BITOPS_TD
