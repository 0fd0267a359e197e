// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Jit.h"
#include "bit/Conversion/BitToVector/BitToVector.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Target/Generic.h"
#include "bit/Target/X86.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include <mutex>

using namespace mlir;

namespace bit::test {

static constexpr llvm::StringLiteral pipeline = R"(
  canonicalize, cse, convert-vector-to-scf{full-unroll=true},
  convert-linalg-to-loops, convert-scf-to-cf, expand-strided-metadata,
  lower-affine, convert-vector-to-llvm, arith-expand{include-bf16=true},
  finalize-memref-to-llvm,
  convert-math-to-llvm, convert-ub-to-llvm, convert-arith-to-llvm,
  convert-index-to-llvm, convert-func-to-llvm, convert-cf-to-llvm,
  reconcile-unrealized-casts)";

Buffer::Buffer(void *data, ArrayRef<int64_t> shape)
    : allocated(data), aligned(data), offset(0), sizesAndStrides() {
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    sizesAndStrides[i] = shape[i];
    sizesAndStrides[shape.size() + i] = stride;
    stride *= shape[i];
  }
}

Jit::Jit() = default;
Jit::~Jit() = default;

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(module, modules);
}

std::unique_ptr<Jit> Jit::compile(MLIRContext &context, StringRef source,
                                  StringRef first) {
  auto module = parseSourceString<ModuleOp>(source, &context);
  if (!module)
    return nullptr;
  // What our passes make is verified; doing so after each of MLIR's own would
  // take as long as running them.
  PassManager passes(&context), lowering(&context);
  lowering.enableVerifier(false);
  if (failed(parsePassPipeline(first, passes)) ||
      failed(parsePassPipeline(pipeline.trim(), lowering)) ||
      failed(passes.run(*module)) || failed(lowering.run(*module)))
    return nullptr;

  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto llvmModule = translateModuleToLLVMIR(*module, *llvmContext);
  if (!llvmModule)
    return nullptr;
  // No features of the host: functions name what they may use.
  llvm::orc::JITTargetMachineBuilder target{
      llvm::Triple(llvm::sys::getProcessTriple())};
  target.setCodeGenOptLevel(llvm::CodeGenOptLevel::Aggressive);
  auto machine = llvm::cantFail(target.createTargetMachine());
  llvmModule->setDataLayout(machine->createDataLayout());
  llvmModule->setTargetTriple(machine->getTargetTriple());
  optimize(*llvmModule, *machine);
  if (getenv("BIT_JIT_DUMP"))
    llvmModule->print(llvm::errs(), nullptr);

  std::unique_ptr<Jit> result(new Jit());
  result->jit = llvm::cantFail(
      llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(target).create());
  llvm::cantFail(result->jit->addIRModule(
      {std::move(llvmModule), std::move(llvmContext)}));
  return result;
}

void *Jit::lookup(StringRef function) {
  return llvm::cantFail(jit->lookup(("_mlir_ciface_" + function).str()))
      .toPtr<void *>();
}

void Jit::call(void *function, ArrayRef<Buffer> arguments) {
  const Buffer *all[8] = {};
  for (auto [slot, argument] : llvm::zip(all, arguments))
    slot = &argument;
  // More arguments than the function has are harmless in the C convention.
  using Function =
      void (*)(const void *, const void *, const void *, const void *,
               const void *, const void *, const void *, const void *);
  reinterpret_cast<Function>(function)(all[0], all[1], all[2], all[3], all[4],
                                       all[5], all[6], all[7]);
}

void Jit::run(StringRef function, ArrayRef<Buffer> arguments) {
  call(lookup(function), arguments);
}

std::unique_ptr<MLIRContext> makeContext() {
  static std::once_flag once;
  std::call_once(once, [] {
    registerAllPasses();
    registerBitToVectorPasses();
    registerBitTransformsPasses();
  });
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<BitDialect>();
  registerGenericKernels(registry);
  registerX86Kernels(registry);
  registerAllToLLVMIRTranslations(registry);
  return std::make_unique<MLIRContext>(registry,
                                       MLIRContext::Threading::DISABLED);
}

bool cpuHas(ArrayRef<StringRef> features) {
  static const llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  return llvm::all_of(features,
                      [](StringRef feature) { return host.lookup(feature); });
}

} // namespace bit::test
