// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/InitAll.h"
#include "bit/Conversion/BitToLLVM/BitToLLVM.h"
#include "bit/Conversion/BitToLinalg/BitToLinalg.h"
#include "bit/Conversion/BitToVector/BitToVector.h"
#include "bit/Conversion/ExpandMath/ExpandMath.h"
#include "bit/Conversion/LinalgToVector/LinalgToVector.h"
#include "bit/Conversion/OnnxToBit/Passes.h"
#include "bit/Conversion/OnnxToLinalg/OnnxToLinalg.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/Transforms/BufferizableOpInterfaceImpl.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Dialect/Onnx/Eval/Passes.h"
#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "bit/Pipelines/Pipelines.h"
#include "bit/Target/AArch64.h"
#include "bit/Target/Generic.h"
#include "bit/Target/X86.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

namespace bit {

void registerAllDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<onnx::OnnxDialect>();
  registry.insert<BitDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
  registerGenericKernels(registry);
  registerX86Kernels(registry);
  registerAArch64Kernels(registry);
}

void registerAllPasses() {
  mlir::registerAllPasses();
  registerBitTransformsPasses();
  registerBitToLLVMPasses();
  registerPipelines();
  registerBitToLinalgPasses();
  registerBitToVectorPasses();
  registerExpandMathPasses();
  registerOnnxToLinalgPasses();
  registerOnnxToBitPasses();
  onnx::registerOnnxEvalPasses();
  registerLinalgToVectorPasses();
}

} // namespace bit
