// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/NativeCode.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include <mutex>

using namespace llvm;

namespace bit {

/// The baseline CPU of an architecture. Levels never raise it: LLVM would then
/// use the raised features in functions of lower levels too.
static StringRef baselineCPU(const Triple &triple) {
  return triple.isX86() ? "x86-64" : "generic";
}

Expected<std::unique_ptr<TargetMachine>>
createTargetMachine(StringRef tripleName) {
  static std::once_flag initialized;
  std::call_once(initialized, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
  });
  Triple triple(tripleName);
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return createStringError("target '" + tripleName + "': " + message);
  TargetOptions options;
  // A multiplication and an addition are fused where the IR says fma, and
  // nowhere else: every level then rounds alike.
  options.AllowFPOpFusion = FPOpFusion::Strict;
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      triple, baselineCPU(triple), "", options, Reloc::PIC_, CodeModel::Small,
      CodeGenOptLevel::Aggressive));
  if (!machine)
    return createStringError("target '" + tripleName +
                             "': no code generator for it");
  return machine;
}

void optimizeModule(Module &module, TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());

  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  // The library has no libc to call: LLVM may neither recognise nor make
  // library calls but mem*.
  TargetLibraryInfoImpl library(machine.getTargetTriple());
  library.disableAllFunctions();
  for (LibFunc known : {LibFunc_memcpy, LibFunc_memmove, LibFunc_memset})
    library.setAvailable(known);
  functions.registerPass([&] { return TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3)
      .run(module, modules);
}

Error emitNativeCode(Module &module, TargetMachine &machine,
                     NativeFileType type, raw_pwrite_stream &os) {
  legacy::PassManager passes;
  CodeGenFileType kind = type == NativeFileType::Assembly
                             ? CodeGenFileType::AssemblyFile
                             : CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(passes, os, /*DwoOut=*/nullptr, kind))
    return createStringError("the target cannot emit this kind of file");
  passes.run(module);
  return Error::success();
}

} // namespace bit
