// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Import/Import.h"
#include "Guard.h"
#include "Model.h"
#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace bit {

OwningOpRef<ModuleOp> importOnnx(StringRef path, MLIRContext *context,
                                 const ImportOptions &options) {
  context->loadDialect<onnx::OnnxDialect, func::FuncDialect>();
  detail::Model model(path, context, options);
  OwningOpRef<ModuleOp> module;
  LogicalResult guarded = detail::guard(model, "import", [&]() {
    for (auto step :
         {detail::readModel, detail::nameNodes, detail::checkStructure,
          detail::checkTensors, detail::prepareInputs, detail::inlineFunctions,
          detail::checkOperators, detail::convertVersion, detail::inferTypes})
      if (failed(step(model)))
        return;
    module = detail::emitModule(model);
  });
  if (failed(guarded))
    return nullptr;
  return module;
}

} // namespace bit
