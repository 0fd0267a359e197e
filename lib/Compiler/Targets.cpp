// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What --target takes.

#include "bit/Compiler/NativeCode.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace bit {

/// Returns the triple of Linux on `architecture`; empty where there is none.
static StringRef getLinuxTriple(Triple::ArchType architecture) {
  switch (architecture) {
  case Triple::x86_64:
    return "x86_64-unknown-linux-gnu";
  case Triple::aarch64:
    return "aarch64-unknown-linux-gnu";
  default:
    return "";
  }
}

static bool isSupportedLinux(const Triple &triple) {
  if (!triple.isOSLinux() || !triple.isOSBinFormatELF() ||
      getLinuxTriple(triple.getArch()).empty())
    return false;
  switch (triple.getEnvironment()) {
  case Triple::UnknownEnvironment:
    return triple.getEnvironmentName().empty();
  case Triple::GNU:
  case Triple::Musl:
  case Triple::Android:
    return true;
  default:
    return false;
  }
}

static bool isSupportedDarwin(const Triple &triple) {
  return triple.getArch() == Triple::aarch64 &&
         triple.getSubArch() != Triple::AArch64SubArch_arm64e &&
         (triple.isMacOSX() || triple.getOS() == Triple::IOS) &&
         triple.isOSBinFormatMachO() &&
         (triple.getEnvironmentName().empty() ||
          triple.isSimulatorEnvironment());
}

Expected<std::string> resolveTarget(StringRef name) {
  StringRef linux;
  if (name == "native")
    linux = getLinuxTriple(Triple(sys::getDefaultTargetTriple()).getArch());
  else if (name == "x86-64")
    linux = getLinuxTriple(Triple::x86_64);
  else if (name == "aarch64")
    linux = getLinuxTriple(Triple::aarch64);
  if (!linux.empty())
    return linux.str();

  Triple triple(Triple::normalize(name));
  if (isSupportedLinux(triple))
    return triple.str();
  if (isSupportedDarwin(triple)) {
    // An object without a version of the system makes linkers guess. These are
    // the first ones on arm64, and with simulators on it.
    if (triple.getOSMajorVersion() == 0)
      triple.setOSName(triple.isMacOSX() ? "macosx11.0.0" : "ios14.0.0");
    return triple.str();
  }
  return createStringError(
      "expects one of native, x86-64, aarch64, or a triple such as "
      "x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu, "
      "aarch64-linux-android, arm64-apple-macosx, arm64-apple-ios");
}

} // namespace bit
