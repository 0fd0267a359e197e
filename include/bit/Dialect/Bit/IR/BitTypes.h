// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_BIT_IR_BITTYPES_H
#define BIT_DIALECT_BIT_IR_BITTYPES_H

#include "mlir/IR/BuiltinTypes.h"

#define GET_TYPEDEF_CLASSES
#include "bit/Dialect/Bit/IR/BitTypes.h.inc"

#endif // BIT_DIALECT_BIT_IR_BITTYPES_H
