// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Pipelines/Pipelines.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void bit::registerPipelines() {
  PassPipelineRegistration<RecognizeStageOptions>(
      "bit-recognize-stage", "onnx to bit + onnx: find BitLinear layers",
      buildRecognizeStage);
  PassPipelineRegistration<PackStageOptions>(
      "bit-pack-stage", "pack the weights of bit ops", buildPackStage);
  PassPipelineRegistration<LinalgStageOptions>(
      "bit-linalg-stage", "bit + onnx to bit + linalg: lower operators",
      buildLinalgStage);
  PassPipelineRegistration<MemoryStageOptions>(
      "bit-memory-stage", "tensors to functions over buffers",
      buildMemoryStage);
  PassPipelineRegistration<LevelStageOptions>(
      "bit-level-stage", "one copy of all functions a level, kernels selected",
      buildLevelStage);
  PassPipelineRegistration<>("bit-kernel-stage",
                             "kernels and linalg to loops over vectors",
                             buildKernelStage);
  PassPipelineRegistration<>("bit-llvm-stage",
                             "loops over vectors to the LLVM dialect",
                             buildLLVMStage);
}
