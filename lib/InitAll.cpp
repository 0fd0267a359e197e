// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/InitAll.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

namespace bit {

void registerAllDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<onnx::OnnxDialect>();
  registry.insert<BitDialect>();
}

void registerAllPasses() { mlir::registerAllPasses(); }

} // namespace bit
