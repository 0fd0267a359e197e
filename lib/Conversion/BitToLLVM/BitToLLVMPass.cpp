// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToLLVM/BitToLLVM.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Transforms/DialectConversion.h"

namespace bit {
#define GEN_PASS_DEF_CONVERTBITTOLLVM
#include "bit/Conversion/BitToLLVM/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// `private` and `no_inline` get lost in the conversion of functions; these
/// attributes of the LLVM dialect do not.
void markInternal(func::FuncOp function) {
  MLIRContext *context = function.getContext();
  function->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(context, LLVM::Linkage::Internal));
  SmallVector<Attribute> passthrough;
  if (auto features = function->getAttrOfType<ArrayAttr>("passthrough"))
    llvm::append_range(passthrough, features);
  passthrough.push_back(StringAttr::get(context, "noinline"));
  function->setAttr("passthrough", ArrayAttr::get(context, passthrough));
}

struct ConvertBitToLLVM : bit::impl::ConvertBitToLLVMBase<ConvertBitToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    module.walk([&](func::FuncOp function) {
      markInternal(function);
      ++numFunctions;
    });
    module.walk([&](cf::AssertOp) { ++numAsserts; });

    LLVMTypeConverter converter(&getContext());
    RewritePatternSet patterns(&getContext());
    bit::populateBitToLLVMPatterns(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);

    LLVMConversionTarget target(getContext());
    target.addLegalOp<ModuleOp, bit::WeightOp>();
    if (failed(applyFullConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
