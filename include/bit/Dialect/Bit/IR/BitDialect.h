// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_BIT_IR_BITDIALECT_H
#define BIT_DIALECT_BIT_IR_BITDIALECT_H

#include "bit/Dialect/Bit/IR/Kernel.h"
#include "mlir/IR/Dialect.h"
#include <memory>

#include "bit/Dialect/Bit/IR/BitDialect.h.inc"

#endif // BIT_DIALECT_BIT_IR_BITDIALECT_H
