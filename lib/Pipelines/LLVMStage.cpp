// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToLLVM/BitToLLVM.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Pipelines/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void bit::buildLLVMStage(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass(
      VectorTransferToSCFOptions().enableFullUnroll()));
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createReinterpretShapes());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  // No level has arithmetic of bfloat16, and LLVM would call a library for it.
  arith::ArithEmulateUnsupportedFloatsOptions emulate;
  emulate.sourceTypeStrs = {"bf16"};
  emulate.targetTypeStr = "f32";
  pm.addNestedPass<func::FuncOp>(
      arith::createArithEmulateUnsupportedFloats(emulate));
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expand));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Masks, broadcasts and the like take rewrites before the conversion.
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertBitToLLVM());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createHoldBfloats());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}
