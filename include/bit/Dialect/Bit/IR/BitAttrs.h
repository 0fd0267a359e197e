// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_DIALECT_BIT_IR_BITATTRS_H
#define BIT_DIALECT_BIT_IR_BITATTRS_H

#include "bit/Dialect/Bit/IR/BitEnums.h"
#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/APFloat.h"
#include <utility>

namespace bit {

/// `value` rounded to a type that quantizers compute in.
float roundTo(ComputeType type, float value);

} // namespace bit

#define GET_ATTRDEF_CLASSES
#include "bit/Dialect/Bit/IR/BitAttrs.h.inc"

#endif // BIT_DIALECT_BIT_IR_BITATTRS_H
