// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler and the pass driver.

#include "bit/InitAll.h"
#include "mlir/IR/Dialect.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  bit::registerAllDialects(registry);
  bit::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "bit-mlir's pass driver", registry));
}
