// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/Kernel.h"
#include "llvm/Support/ErrorHandling.h"

namespace bit {

Kernel::~Kernel() = default;

void KernelRegistry::add(std::unique_ptr<Kernel> kernel) {
  if (!byName.try_emplace(kernel->getName(), kernel.get()).second)
    llvm::reportFatalUsageError("two kernels are named '" + kernel->getName() +
                                "'");
  kernels.push_back(std::move(kernel));
}

const Kernel *KernelRegistry::lookup(llvm::StringRef name) const {
  return byName.lookup(name);
}

std::vector<const Kernel *> KernelRegistry::getAll() const {
  std::vector<const Kernel *> all;
  all.reserve(kernels.size());
  for (const auto &kernel : kernels)
    all.push_back(kernel.get());
  return all;
}

void KernelRegistry::addPanel(PanelKernel kernel) {
  if (lookupPanel(kernel.name))
    llvm::reportFatalUsageError("two kernels are named '" + kernel.name + "'");
  panels.push_back(std::make_unique<PanelKernel>(std::move(kernel)));
}

const PanelKernel *KernelRegistry::lookupPanel(llvm::StringRef name) const {
  for (const auto &kernel : panels)
    if (kernel->name == name)
      return kernel.get();
  return nullptr;
}

void KernelRegistry::addCodes(CodeKernel kernel) {
  if (lookupCodes(kernel.name))
    llvm::reportFatalUsageError("two kernels are named '" + kernel.name + "'");
  codes.push_back(std::make_unique<CodeKernel>(std::move(kernel)));
}

const CodeKernel *KernelRegistry::lookupCodes(llvm::StringRef name) const {
  for (const auto &kernel : codes)
    if (kernel->name == name)
      return kernel.get();
  return nullptr;
}

} // namespace bit
