// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Pipelines/Pipelines.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

void bit::buildLevelStage(OpPassManager &pm, const LevelStageOptions &options) {
  CloneLevelsOptions levels;
  levels.levels.assign(options.levels.begin(), options.levels.end());
  pm.addPass(createCloneLevels(levels));
  pm.addNestedPass<func::FuncOp>(createSelectKernel());
}
