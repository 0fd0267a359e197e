// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/NativeCode.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Object/ObjectFile.h"
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

/// Makes masked loads and stores of 16-bit floats those of integers: the code
/// generator widens the floats to f32 for them, and narrows bfloat again by
/// calls of __truncsfbf2 that no library has.
static void maskHalvesAsIntegers(Module &module) {
  SmallVector<IntrinsicInst *> accesses;
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<IntrinsicInst>(&instruction))
        if (call->getIntrinsicID() == Intrinsic::masked_load ||
            call->getIntrinsicID() == Intrinsic::masked_store)
          accesses.push_back(call);
  for (IntrinsicInst *access : accesses) {
    bool isLoad = access->getIntrinsicID() == Intrinsic::masked_load;
    Type *type =
        isLoad ? access->getType() : access->getArgOperand(0)->getType();
    if (!type->getScalarType()->is16bitFPTy())
      continue;
    IRBuilder<> builder(access);
    Type *integer = type->getWithNewType(builder.getInt16Ty());
    if (isLoad) {
      Value *loaded = builder.CreateMaskedLoad(
          integer, access->getArgOperand(0),
          access->getParamAlign(0).valueOrOne(), access->getArgOperand(1),
          builder.CreateBitCast(access->getArgOperand(2), integer));
      access->replaceAllUsesWith(builder.CreateBitCast(loaded, type));
    } else {
      builder.CreateMaskedStore(
          builder.CreateBitCast(access->getArgOperand(0), integer),
          access->getArgOperand(1), access->getParamAlign(1).valueOrOne(),
          access->getArgOperand(2));
    }
    access->eraseFromParent();
  }
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
  maskHalvesAsIntegers(module);
}

Error checkImports(StringRef path) {
  Expected<object::OwningBinary<object::ObjectFile>> file =
      object::ObjectFile::createObjectFile(path);
  if (!file)
    return file.takeError();
  for (const object::SymbolRef &symbol : file->getBinary()->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    Expected<StringRef> name = symbol.getName();
    if (!flags || !name)
      return joinErrors(flags.takeError(), name.takeError());
    bool isImport = *flags & object::SymbolRef::SF_Undefined;
    bool isKnown =
        is_contained({"memcpy", "memmove", "memset", "memcmp"}, *name);
    // Hidden symbols are the weights', which another object defines.
    bool isOurs = object::ELFSymbolRef(symbol).getOther() & ELF::STV_HIDDEN;
    if (isImport && !name->empty() && !isKnown && !isOurs)
      return createStringError(
          "expects compiled code to call nothing outside, got a call of '" +
          *name + "'");
  }
  return Error::success();
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
