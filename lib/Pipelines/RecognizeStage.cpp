// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Pipelines/Pipelines.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void bit::buildRecognizeStage(OpPassManager &pm,
                              const RecognizeStageOptions &options) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}
