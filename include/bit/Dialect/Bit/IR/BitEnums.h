// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The enums of the bit dialect. They need no MLIR dialect.

#ifndef BIT_DIALECT_BIT_IR_BITENUMS_H
#define BIT_DIALECT_BIT_IR_BITENUMS_H

#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

#include "bit/Dialect/Bit/IR/BitEnums.h.inc"

#endif // BIT_DIALECT_BIT_IR_BITENUMS_H
