// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "bit/Dialect/Bit/IR/BitDialect.cpp.inc"
#include "bit/Dialect/Bit/IR/BitEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "bit/Dialect/Bit/IR/BitTypes.cpp.inc"

using namespace mlir;

namespace bit {

void BitDialect::initialize() {
  kernels = std::make_unique<KernelRegistry>();
  registerAttributes();
  addTypes<
#define GET_TYPEDEF_LIST
#include "bit/Dialect/Bit/IR/BitTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "bit/Dialect/Bit/IR/BitOps.cpp.inc"
      >();
}

BitDialect::~BitDialect() = default;

Operation *BitDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

} // namespace bit
