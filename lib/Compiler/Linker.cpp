// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lld and the archive writer, called as libraries: bit-opt starts no process
// and needs no toolchain where it runs.

#include "bit/Compiler/NativeCode.h"
#include "lld/Common/Driver.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace bit {

/// lld keeps its state in one global context.
static std::mutex linkerMutex;

/// Writes lld's version script: what is exported, and that nothing else is.
static Expected<std::string> writeExports(StringRef output,
                                          ArrayRef<std::string> exported) {
  std::string path = (output + ".exports").str();
  std::error_code error;
  raw_fd_ostream os(path, error);
  if (error)
    return createFileError(path, error);
  os << "{ global:";
  for (const std::string &name : exported)
    os << ' ' << name << ';';
  os << " local: *; };\n";
  return path;
}

/// Runs ld.lld, which writes `output`.
static Error runLinker(ArrayRef<std::string> arguments, StringRef output) {
  std::string outputPath = output.str();
  std::vector<const char *> argv = {"ld.lld", "-o", outputPath.c_str()};
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string messages;
  raw_string_ostream os(messages);
  lld::Result result;
  {
    std::lock_guard<std::mutex> lock(linkerMutex);
    result = lld::lldMain(argv, os, os, {{lld::Gnu, &lld::elf::link}});
  }
  if (result.retCode != 0)
    return createStringError("linking '" + output +
                             "' failed: " + StringRef(os.str()).trim());
  return Error::success();
}

/// Writes a shared library that stands for Android's libc: it has what compiled
/// code may call.
static Error writeLibcStub(StringRef output, StringRef triple) {
  Expected<std::unique_ptr<TargetMachine>> machine =
      createTargetMachine(triple);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  Module module("libc", context);
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  auto *type = FunctionType::get(Type::getVoidTy(context), /*isVarArg=*/false);
  for (StringRef name : {"memcpy", "memmove", "memset", "memcmp"}) {
    auto *function =
        Function::Create(type, GlobalValue::ExternalLinkage, name, module);
    ReturnInst::Create(context, BasicBlock::Create(context, "", function));
  }
  std::string object = (output + ".o").str();
  std::error_code code;
  {
    raw_fd_ostream os(object, code);
    if (code)
      return createFileError(object, code);
    if (Error error =
            emitNativeCode(module, **machine, NativeFileType::Object, os))
      return error;
  }
  Error error = runLinker({"-shared", "-soname=libc.so", object}, output);
  (void)sys::fs::remove(object);
  return error;
}

Error linkObjects(ArrayRef<std::string> objects, StringRef output,
                  StringRef tripleName, ArrayRef<std::string> exported,
                  bool relocatable) {
  Triple triple(tripleName);
  std::vector<std::string> arguments = {
      "-m", triple.isAArch64() ? "aarch64linux" : "elf_x86_64"};
  llvm::append_range(arguments, objects);
  if (relocatable) {
    arguments.push_back("-r");
    return runLinker(arguments, output);
  }
  Expected<std::string> exports = writeExports(output, exported);
  if (!exports)
    return exports.takeError();
  FileRemover exportsRemover(*exports);
  arguments.insert(arguments.end(),
                   {"-shared", "--gc-sections", "-z", "relro", "-z", "now",
                    "--hash-style=gnu", "--build-id=sha1",
                    "--version-script=" + *exports});
  // Kernels for AArch64 have pages of 4, 16 or 64 KiB, and load what is
  // aligned for the largest.
  if (triple.isAArch64())
    arguments.insert(arguments.end(), {"-z", "max-page-size=65536"});
  std::string libc = (output + ".libc.so").str();
  FileRemover libcRemover;
  if (triple.isAndroid()) {
    // Its loader looks for what a library calls in what the library says it
    // needs, and not in what the program has.
    if (Error error = writeLibcStub(libc, tripleName))
      return error;
    libcRemover.setFile(libc);
    arguments.insert(arguments.end(), {"--as-needed", libc});
  }
  return runLinker(arguments, output);
}

Error archiveObjects(ArrayRef<std::string> objects, StringRef output,
                     StringRef triple) {
  std::vector<NewArchiveMember> members;
  for (const std::string &object : objects) {
    Expected<NewArchiveMember> member =
        NewArchiveMember::getFile(object, /*Deterministic=*/true);
    if (!member)
      return member.takeError();
    // Only GNU's archives leave out the folder, which is temporary.
    member->MemberName = sys::path::filename(member->MemberName);
    members.push_back(std::move(*member));
  }
  return writeArchive(output, members, SymtabWritingMode::NormalSymtab,
                      object::Archive::getDefaultKindForTriple(Triple(triple)),
                      /*Deterministic=*/true, /*Thin=*/false);
}

} // namespace bit
