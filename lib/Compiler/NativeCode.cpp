// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/NativeCode.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PatternMatch.h"
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
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
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

/// Replaces a select, masked load or masked store of 16-bit floats by one of
/// integers.
static void moveAsIntegers(Instruction &instruction) {
  IRBuilder<> builder(&instruction);
  auto asInteger = [&](Value *value) {
    return builder.CreateBitCast(
        value, value->getType()->getWithNewType(builder.getInt16Ty()));
  };
  auto isHalf = [](Type *type) { return type->getScalarType()->is16bitFPTy(); };
  Type *type = instruction.getType();
  auto *call = dyn_cast<IntrinsicInst>(&instruction);
  Value *moved = nullptr;
  if (auto *select = dyn_cast<SelectInst>(&instruction); select && isHalf(type))
    moved = builder.CreateSelect(select->getCondition(),
                                 asInteger(select->getTrueValue()),
                                 asInteger(select->getFalseValue()));
  else if (call && call->getIntrinsicID() == Intrinsic::masked_load &&
           isHalf(type))
    moved = builder.CreateMaskedLoad(
        type->getWithNewType(builder.getInt16Ty()), call->getArgOperand(0),
        call->getParamAlign(0).valueOrOne(), call->getArgOperand(1),
        asInteger(call->getArgOperand(2)));
  else if (call && call->getIntrinsicID() == Intrinsic::masked_store &&
           isHalf(call->getArgOperand(0)->getType()))
    builder.CreateMaskedStore(
        asInteger(call->getArgOperand(0)), call->getArgOperand(1),
        call->getParamAlign(1).valueOrOne(), call->getArgOperand(2));
  else
    return;
  if (moved)
    instruction.replaceAllUsesWith(builder.CreateBitCast(moved, type));
  instruction.eraseFromParent();
}

/// Makes operations that only move 16-bit floats those of integers. LLVM folds
/// the casts from the integers that our code computes with into them; the code
/// generator then widens vectors to f32, and narrows bfloat again by calls of
/// __truncsfbf2 that no library has.
static void moveHalvesAsIntegers(Module &module) {
  for (Function &function : module)
    for (BasicBlock &block : function)
      for (Instruction &instruction : make_early_inc_range(block))
        moveAsIntegers(instruction);
}

/// Keeps apart what AArch64's code generator joins though signs of zeros
/// change: of a scalar -fma(a, b, c) it makes fnmadd, -(a * b) - c, which is +0
/// and not -0 where a * b = -c. Of vectors it does not.
static void separateNegations(Module &module) {
  if (!module.getTargetTriple().isAArch64())
    return;
  for (Function &function : module)
    for (BasicBlock &block : function)
      for (Instruction &instruction : make_early_inc_range(block)) {
        Value *operand;
        if (!PatternMatch::match(
                &instruction,
                PatternMatch::m_FNeg(PatternMatch::m_Value(operand))))
          continue;
        auto *fused = dyn_cast<IntrinsicInst>(operand);
        if (!fused || fused->getIntrinsicID() != Intrinsic::fma)
          continue;
        IRBuilder<> builder(&instruction);
        Value *kept = builder.CreateArithmeticFence(fused, fused->getType());
        instruction.replaceUsesOfWith(fused, kept);
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
  moveHalvesAsIntegers(module);
  separateNegations(module);
}

Error checkImports(StringRef path) {
  Expected<object::OwningBinary<object::ObjectFile>> file =
      object::ObjectFile::createObjectFile(path);
  if (!file)
    return file.takeError();
  bool isMachO = file->getBinary()->isMachO();
  for (const object::SymbolRef &symbol : file->getBinary()->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    Expected<StringRef> name = symbol.getName();
    if (!flags || !name)
      return joinErrors(flags.takeError(), name.takeError());
    bool isImport = *flags & object::SymbolRef::SF_Undefined;
    if (isMachO)
      name->consume_front("_");
    // For Darwin, LLVM makes a memset to zero a call of bzero.
    bool isKnown =
        is_contained({"memcpy", "memmove", "memset", "memcmp"}, *name) ||
        (isMachO && *name == "bzero");
    // Hidden symbols are the weights', which another object defines.
    bool isOurs =
        !isMachO && object::ELFSymbolRef(symbol).getOther() & ELF::STV_HIDDEN;
    if (isImport && !name->empty() && !isKnown && !isOurs)
      return createStringError(
          "expects compiled code to call nothing outside, got a call of '" +
          *name + "'");
  }
  return Error::success();
}

void defineData(Module &module, StringRef symbol, StringRef data) {
  GlobalVariable *declared = module.getNamedGlobal(symbol);
  Constant *bytes = ConstantDataArray::getString(module.getContext(), data,
                                                 /*AddNull=*/false);
  auto *defined = new GlobalVariable(module, bytes->getType(),
                                     /*isConstant=*/true,
                                     GlobalValue::InternalLinkage, bytes);
  defined->setAlignment(Align(64));
  defined->takeName(declared);
  declared->replaceAllUsesWith(defined);
  declared->eraseFromParent();
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
