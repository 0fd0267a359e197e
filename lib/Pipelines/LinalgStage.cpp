// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Canonicalize.h"
#include "bit/Conversion/BitToLinalg/BitToLinalg.h"
#include "bit/Conversion/OnnxToLinalg/OnnxToLinalg.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Pipelines/Pipelines.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void bit::getLoweredOperators(llvm::StringSet<> &operators) {
  getLowerableOnnxOps(operators);
  // Vanishes before: products by weights in a layout of their own become layers
  // or MatMul.
  operators.insert("com.microsoft.MatMulNBits");
}

void bit::buildPackStage(OpPassManager &pm, const PackStageOptions &options) {
  pm.addPass(createDecomposeLinear());
  // Equal quantizers of one value become one.
  pm.addPass(createStructuredCanonicalizer());
  pm.addPass(createCSEPass());
  if (options.pack) {
    PackWeightsOptions pack;
    pack.packing = options.packing;
    pack.looksUp = options.looksUp;
    pm.addPass(createPackWeights(pack));
  }
  // Those that were not packed.
  pm.addPass(createQuantizeWeights());
}

void bit::buildLinalgStage(OpPassManager &pm,
                           const LinalgStageOptions &options) {
  pm.addNestedPass<func::FuncOp>(createConvertOnnxToLinalg());
  // What was not packed; with packing, kernels quantize.
  ConvertBitToLinalgOptions reference;
  reference.lowerQuantizers = !options.pack;
  reference.lowerAttention = false;
  pm.addPass(createConvertBitToLinalg(reference));
  pm.addPass(createStructuredCanonicalizer());
  pm.addPass(createCSEPass());
  if (options.pack)
    pm.addNestedPass<func::FuncOp>(createPackProducts());
  pm.addPass(createFuseElementwise());
  pm.addPass(createStructuredCanonicalizer());
  pm.addPass(createCSEPass());
  if (options.pack) {
    pm.addNestedPass<func::FuncOp>(createFuseEpilogues());
    pm.addPass(createCanonicalizerPass());
    pm.addPass(createCSEPass());
  }
}
