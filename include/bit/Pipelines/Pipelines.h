// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stages of a compilation. Each has a struct of options and a function that
// adds its passes; each is registered, so that
// `bit-opt model.mlir --bit-memory-stage` runs it alone.

#ifndef BIT_PIPELINES_PIPELINES_H
#define BIT_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "llvm/ADT/StringSet.h"

namespace bit {

/// onnx -> bit + onnx: finds the BitLinear layers.
struct RecognizeStageOptions
    : mlir::PassPipelineOptions<RecognizeStageOptions> {
  Option<bool> recognize{
      *this, "recognize",
      llvm::cl::desc("turn trained BitLinear layers into bit.linear"),
      llvm::cl::init(true)};
};
void buildRecognizeStage(mlir::OpPassManager &pm,
                         const RecognizeStageOptions &options);

/// bit + onnx -> bit + linalg: packs weights, lowers ordinary operators.
struct LinalgStageOptions : mlir::PassPipelineOptions<LinalgStageOptions> {
  Option<bool> pack{*this, "pack",
                    llvm::cl::desc("pack weights for kernels; off: everything "
                                   "goes through the reference lowering"),
                    llvm::cl::init(true)};
};
void buildLinalgStage(mlir::OpPassManager &pm,
                      const LinalgStageOptions &options);

/// Tensors -> functions over buffers: weights, arena, kernels.
void buildMemoryStage(mlir::OpPassManager &pm);

/// One copy of all functions a level, each with the kernels it can run.
struct LevelStageOptions : mlir::PassPipelineOptions<LevelStageOptions> {
  ListOption<std::string> levels{
      *this, "levels", llvm::cl::desc("levels, each as name:+feature+feature")};
};
void buildLevelStage(mlir::OpPassManager &pm, const LevelStageOptions &options);

/// Kernels and linalg on buffers -> loops over vectors.
void buildKernelStage(mlir::OpPassManager &pm);

/// Loops over vectors -> LLVM dialect.
void buildLLVMStage(mlir::OpPassManager &pm);

/// Adds the operators, as "ai.onnx.Conv", that a stage lowers or evaluates
/// itself: the import leaves them whole.
void getLoweredOperators(llvm::StringSet<> &operators);

/// Makes the stages known to bit-opt as `--bit-*-stage`.
void registerPipelines();

} // namespace bit

#endif // BIT_PIPELINES_PIPELINES_H
