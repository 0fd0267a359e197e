// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Onnx/Eval/Passes.h"
#include "bit/Pipelines/Pipelines.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void bit::buildRecognizeStage(OpPassManager &pm,
                              const RecognizeStageOptions &options) {
  if (options.recognize) {
    pm.addPass(createRecognizeWeights());
    pm.addPass(createRecognizeActivations());
    pm.addPass(createRecognizeEpilogues());
  }
  // After the weights: the chains of those that became codes are dead by then.
  pm.addPass(onnx::createFoldConstants());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}
