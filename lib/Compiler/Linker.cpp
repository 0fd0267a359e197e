// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lld and the archive writer, called as libraries: bit-opt starts no process
// and needs no toolchain where it runs.

#include "bit/Compiler/NativeCode.h"
#include "lld/Common/Driver.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
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

Error linkObjects(ArrayRef<std::string> objects, StringRef output,
                  StringRef triple, ArrayRef<std::string> exported,
                  bool relocatable) {
  std::string outputPath = output.str();
  std::vector<std::string> arguments = {
      "ld.lld", "-o", outputPath, "-m",
      Triple(triple).isAArch64() ? "aarch64linux" : "elf_x86_64"};
  std::string exports;
  if (relocatable) {
    arguments.push_back("-r");
  } else {
    Expected<std::string> path = writeExports(output, exported);
    if (!path)
      return path.takeError();
    exports = *path;
    arguments.insert(arguments.end(),
                     {"-shared", "--gc-sections", "-z", "relro", "-z", "now",
                      "--hash-style=gnu", "--build-id=sha1",
                      "--version-script=" + exports});
    // Kernels for AArch64 have pages of 4, 16 or 64 KiB, and load what is
    // aligned for the largest.
    if (Triple(triple).isAArch64())
      arguments.insert(arguments.end(), {"-z", "max-page-size=65536"});
  }
  arguments.insert(arguments.end(), objects.begin(), objects.end());

  std::vector<const char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string messages;
  raw_string_ostream os(messages);
  lld::Result result;
  {
    std::lock_guard<std::mutex> lock(linkerMutex);
    result = lld::lldMain(argv, os, os, {{lld::Gnu, &lld::elf::link}});
  }
  if (!exports.empty())
    (void)sys::fs::remove(exports);
  if (result.retCode != 0)
    return createStringError("linking '" + output +
                             "' failed: " + StringRef(os.str()).trim());
  return Error::success();
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
