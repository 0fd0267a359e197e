// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Canonicalize.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Pipelines/Pipelines.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void bit::buildMemoryStage(OpPassManager &pm,
                           const MemoryStageOptions &options) {
  pm.addNestedPass<func::FuncOp>(createSettleNans());
  pm.addPass(createSeparateDestinations());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(createExtractWeights());
  pm.addPass(createBufferizeModel());
  pm.addPass(createCarryBuffers());
  // Sizes of temporaries become functions of the inputs' dimensions.
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  pm.addPass(createStructuredCanonicalizer());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createBindRuntime());
  pm.addNestedPass<func::FuncOp>(createFuseRows());
  pm.addPass(createStructuredCanonicalizer());
  pm.addPass(createCSEPass());
  if (options.groupSiblings)
    pm.addNestedPass<func::FuncOp>(createGroupSiblings());
  pm.addNestedPass<func::FuncOp>(createPlanArena());
  pm.addPass(createStructuredCanonicalizer());
  pm.addPass(createCSEPass());
  pm.addPass(createOutlineKernels());
  pm.addPass(createOutlineRepeats());
}
