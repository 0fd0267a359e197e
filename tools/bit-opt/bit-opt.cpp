// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler and the pass driver.

#include "bit/Import/Import.h"
#include "bit/InitAll.h"
#include "bit/Support/Diagnostics.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

/// Imports the model `path`, prints it; --dim=NAME=N is the one option.
static int importModel(StringRef path, ArrayRef<StringRef> arguments,
                       const DialectRegistry &registry) {
  bit::ImportOptions options;
  options.keepAll = true;
  for (StringRef argument : arguments) {
    if (!argument.consume_front("--dim="))
      continue;
    auto [name, value] = argument.split('=');
    int64_t size = 0;
    if (value.getAsInteger(10, size))
      options.dims.push_back({name.str(), std::nullopt});
    else
      options.dims.push_back({name.str(), size});
  }
  MLIRContext context(registry);
  bit::DiagnosticPrinter printer(&context);
  OwningOpRef<ModuleOp> module = bit::importOnnx(path, &context, options);
  if (!module)
    return 1;
  OpPrintingFlags flags;
  flags.elideLargeResourceString(0);
  module->print(llvm::outs(), flags);
  return 0;
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  bit::registerAllDialects(registry);
  auto arguments =
      llvm::to_vector_of<StringRef>(llvm::make_range(argv + 1, argv + argc));
  for (StringRef argument : arguments)
    if (argument.ends_with(".onnx"))
      return importModel(argument, arguments, registry);
  bit::registerAllPasses();
  return asMainReturnCode(
      MlirOptMain(argc, argv, "bit-mlir's pass driver", registry));
}
