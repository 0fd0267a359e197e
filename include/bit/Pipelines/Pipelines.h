// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stages of a compilation. Each has a struct of options and a function that
// adds its passes; each is registered, so that
// `bit-opt model.mlir --bit-memory-stage` runs it alone.

#ifndef BIT_PIPELINES_PIPELINES_H
#define BIT_PIPELINES_PIPELINES_H

#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Dialect/Bit/Transforms/Packing.h"
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
  Option<bool> quantize{
      *this, "quantize",
      llvm::cl::desc("make ternary layers of the other products"),
      llvm::cl::init(false)};
  Option<WeightScheme> scheme{
      *this, "scheme", llvm::cl::desc("how their weights become codes"),
      llvm::cl::init(WeightScheme::Absmean), getWeightSchemeValues()};
  Option<WeightGranularity> granularity{
      *this, "granularity", llvm::cl::desc("which weights share a scale"),
      llvm::cl::init(WeightGranularity::Tensor), getWeightGranularityValues()};
  Option<int64_t> group{
      *this, "group",
      llvm::cl::desc("weights along K that share a scale, for group"),
      llvm::cl::init(128)};
  Option<std::string> skip{
      *this, "skip",
      llvm::cl::desc("regular expression of nodes or weights to leave alone")};
  Option<bool> activations{
      *this, "activations",
      llvm::cl::desc("quantize the activations of these layers, to 8 bits"),
      llvm::cl::init(true)};
  Option<bool> evaluate{
      *this, "evaluate",
      llvm::cl::desc("show their codes, which are else made when they are "
                     "packed"),
      llvm::cl::init(false)};
};
void buildRecognizeStage(mlir::OpPassManager &pm,
                         const RecognizeStageOptions &options);

/// Packs the weights of bit ops, beside onnx as it was. Float weights become
/// codes here, one at a time.
struct PackStageOptions : mlir::PassPipelineOptions<PackStageOptions> {
  Option<bool> pack{*this, "pack",
                    llvm::cl::desc("pack weights for kernels; off: everything "
                                   "goes through the reference lowering"),
                    llvm::cl::init(true)};
  Option<Packing> packing{*this, "packing",
                          llvm::cl::desc("how ternary weights are stored"),
                          llvm::cl::init(Packing::TwoBit), getPackingValues()};
  Option<bool> looksUp{*this, "looks-up",
                       llvm::cl::desc("all levels have AVX512-VBMI"),
                       llvm::cl::init(false)};
};
void buildPackStage(mlir::OpPassManager &pm, const PackStageOptions &options);

/// bit + onnx -> bit + linalg: lowers ordinary operators and what is not
/// packed.
struct LinalgStageOptions : mlir::PassPipelineOptions<LinalgStageOptions> {
  Option<bool> pack{*this, "pack",
                    llvm::cl::desc("whether the weights are packed; then "
                                   "kernels quantize activations"),
                    llvm::cl::init(true)};
};
void buildLinalgStage(mlir::OpPassManager &pm,
                      const LinalgStageOptions &options);

/// Tensors -> functions over buffers: weights, arena, kernels.
struct MemoryStageOptions : mlir::PassPipelineOptions<MemoryStageOptions> {
  Option<bool> groupSiblings{
      *this, "group-siblings",
      llvm::cl::desc("make one kernel of products that read the same codes"),
      llvm::cl::init(true)};
};
void buildMemoryStage(mlir::OpPassManager &pm,
                      const MemoryStageOptions &options);

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
