// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Pipelines/Pipelines.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void bit::getLoweredOperators(llvm::StringSet<> &operators) {}

void bit::buildLinalgStage(OpPassManager &pm,
                           const LinalgStageOptions &options) {
  pm.addPass(createDecomposeLinear());
  // Equal quantizers of one value become one.
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  if (options.pack)
    pm.addPass(createPackWeights());
  pm.addPass(createLinalgElementwiseOpFusionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}
