// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Canonicalize.h"
#include "bit/Conversion/BitToVector/BitToVector.h"
#include "bit/Conversion/ExpandMath/ExpandMath.h"
#include "bit/Conversion/LinalgToVector/LinalgToVector.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Pipelines/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void bit::buildKernelStage(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createConvertBitToVector());
  pm.addNestedPass<func::FuncOp>(createLinalgToVector());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  pm.addNestedPass<func::FuncOp>(createExpandMath());
  pm.addPass(createFuseParallel());
  pm.addPass(createOutlineParallel());
  pm.addNestedPass<func::FuncOp>(createForallToForLoopPass());
  pm.addPass(createStructuredCanonicalizer());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createFuseRowLoops());
  pm.addNestedPass<func::FuncOp>(createExpandMasks());
}
