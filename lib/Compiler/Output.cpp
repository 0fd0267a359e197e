// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/Output.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace bit {

Error writeFile(StringRef path, WriteFunction write) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (code)
    return createStringError("cannot write '" + path + "': " + code.message());
  Error error = write(os);
  os.close();
  if (os.has_error()) {
    code = os.error();
    os.clear_error();
    return joinErrors(
        std::move(error),
        createStringError("cannot write '" + path + "': " + code.message()));
  }
  return error;
}

Error OutputFile::write(WriteFunction write) {
  if (path.empty() || path == "-") {
    // Whole or not at all on stdout, too: a reader sees no half of a failure.
    SmallString<0> text;
    raw_svector_ostream os(text);
    if (Error error = write(os))
      return error;
    outs() << text;
    outs().flush();
    return Error::success();
  }
  TemporaryDirectory directory;
  if (Error error = directory.create(path))
    return error;
  std::string temporary = directory.getPath("output");
  if (Error error = writeFile(temporary, write))
    return error;
  return replaceFiles({{temporary, path}});
}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path.empty())
    (void)sys::fs::remove_directories(path);
}

Error TemporaryDirectory::create(StringRef output) {
  StringRef parent = sys::path::parent_path(output);
  SmallString<128> prefix(parent.empty() ? "." : parent);
  sys::path::append(prefix, ".bit-opt");
  SmallString<128> made;
  // createUniqueDirectory would go to the system's folder for such files, from
  // which a rename may not be possible.
  for (int attempt = 0; attempt < 128; ++attempt) {
    sys::fs::createUniquePath(prefix + "-%%%%%%%%", made,
                              /*MakeAbsolute=*/false);
    std::error_code code = sys::fs::create_directory(
        made, /*IgnoreExisting=*/false, sys::fs::owner_all);
    if (code == std::errc::file_exists)
      continue;
    if (code)
      return createStringError("cannot write '" + output +
                               "': " + code.message());
    path = made.str().str();
    return Error::success();
  }
  return createStringError("cannot write '" + output +
                           "': no free name for a temporary directory");
}

std::string TemporaryDirectory::getPath(StringRef file) const {
  SmallString<128> joined(path);
  sys::path::append(joined, file);
  return joined.str().str();
}

Error replaceFiles(ArrayRef<std::pair<std::string, std::string>> files) {
  for (const auto &[from, to] : files)
    if (sys::fs::is_directory(to))
      return createStringError("cannot write '" + to + "': is a directory");
  for (const auto &[from, to] : files)
    if (std::error_code code = sys::fs::rename(from, to))
      return createStringError("cannot write '" + to + "': " + code.message());
  return Error::success();
}

} // namespace bit
