// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From LLVM IR to files a linker or a user reads. No MLIR here.

#ifndef BIT_COMPILER_NATIVECODE_H
#define BIT_COMPILER_NATIVECODE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <memory>
#include <string>

namespace llvm {
class Module;
class TargetMachine;
class raw_pwrite_stream;
} // namespace llvm

namespace bit {

/// Returns the triple that --target=`name` means: "native" or an architecture,
/// both with Linux, or a triple that libraries can be made for. The error lists
/// what there is.
llvm::Expected<std::string> resolveTarget(llvm::StringRef name);

/// Returns a machine for `triple` that assumes nothing beyond the
/// architecture's baseline: what a level adds stands on its functions.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(llvm::StringRef triple);

/// Sets triple and data layout and runs LLVM's -O3 pipeline. No library call
/// other than memcpy, memmove and memset can come out of it.
void optimizeModule(llvm::Module &module, llvm::TargetMachine &machine);

enum class NativeFileType { Assembly, Object };

/// Runs LLVM's code generator.
llvm::Error emitNativeCode(llvm::Module &module, llvm::TargetMachine &machine,
                           NativeFileType type, llvm::raw_pwrite_stream &os);

/// Defines the declared constant `symbol` of `module` as `data`, 64-byte
/// aligned and known to this module only. For targets without writeDataObject.
void defineData(llvm::Module &module, llvm::StringRef symbol,
                llvm::StringRef data);

/// Fails where the ELF or Mach-O object at `path` needs anything but mem* from
/// outside: that would only be noticed where the library is loaded.
llvm::Error checkImports(llvm::StringRef path);

/// Writes a relocatable ELF object of one read-only section, 64-byte aligned,
/// with one global hidden symbol at its start. `writeData` must write exactly
/// `bytes` bytes; they stream through, so that weights of any size cost no
/// memory. (A constant in LLVM IR costs 3 times its size and 18 s a GiB.)
llvm::Error writeDataObject(
    llvm::raw_pwrite_stream &os, llvm::StringRef triple, llvm::StringRef symbol,
    uint64_t bytes,
    const std::function<llvm::Error(llvm::raw_pwrite_stream &)> &writeData);

/// Links the ELF `objects` into a shared library that exports `exported` only,
/// or, where `relocatable`, into one object. lld runs in this process.
llvm::Error linkObjects(llvm::ArrayRef<std::string> objects,
                        llvm::StringRef output, llvm::StringRef triple,
                        llvm::ArrayRef<std::string> exported, bool relocatable);

/// Writes an archive of `objects` as linkers of the target expect it.
llvm::Error archiveObjects(llvm::ArrayRef<std::string> objects,
                           llvm::StringRef output, llvm::StringRef triple);

} // namespace bit

#endif // BIT_COMPILER_NATIVECODE_H
