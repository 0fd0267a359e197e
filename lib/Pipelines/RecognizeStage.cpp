// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Canonicalize.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Dialect/Onnx/Eval/Passes.h"
#include "bit/Pipelines/Pipelines.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void bit::buildRecognizeStage(OpPassManager &pm,
                              const RecognizeStageOptions &options) {
  if (options.recognize) {
    pm.addPass(createRefineRows());
    pm.addPass(createRecognizeWeights());
  }
  pm.addPass(createLowerProducts());
  if (options.recognize) {
    if (options.quantize) {
      QuantizeLinearOptions quantize;
      quantize.scheme = options.scheme;
      quantize.granularity = options.granularity;
      quantize.group = options.group;
      quantize.skip = options.skip;
      pm.addPass(createQuantizeLinear(quantize));
    }
    pm.addPass(createRecognizeActivations());
    pm.addPass(createRecognizeEpilogues());
    // Where the graph quantizes, its own quantizer stays.
    if (options.quantize && options.activations)
      pm.addPass(createQuantizeActivations());
  }
  // After the weights: the chains of those that became codes are dead by then,
  // and the others' are evaluated when they are packed.
  onnx::FoldConstantsOptions fold;
  fold.leave = {QuantizeWeightOp::getOperationName().str()};
  pm.addPass(onnx::createFoldConstants(fold));
  if (options.evaluate)
    pm.addPass(createQuantizeWeights());
  // Its scalars are constants by now.
  pm.addPass(createRecognizeAttention());
  pm.addPass(createStructuredCanonicalizer());
  pm.addPass(createCSEPass());
}
