// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What TableGen makes of the ops' definitions.

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;

/// An enum attribute as its word. ODS prints the attribute with a second space
/// before it.
template <typename AttrT>
static ParseResult parseWord(OpAsmParser &parser, AttrT &attr) {
  using Enum = decltype(attr.getValue());
  FailureOr<Enum> value = FieldParser<Enum, Enum>::parse(parser);
  if (failed(value))
    return failure();
  attr = AttrT::get(parser.getContext(), *value);
  return success();
}

template <typename AttrT>
static void printWord(OpAsmPrinter &printer, Operation *, AttrT attr) {
  printer << stringifyEnum(attr.getValue());
}

#define GET_OP_CLASSES
#include "bit/Dialect/Bit/IR/BitOps.cpp.inc"
