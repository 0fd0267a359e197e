// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace bit {

#define GEN_PASS_DEF_SELECTKERNEL
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"

/// The last registered kernel that may take the place of `current` in `op`.
static const Kernel *findBest(PackedMatmulOp op, const Kernel *current,
                              const KernelRegistry &kernels) {
  PackedMatmulSpec spec = op.getSpec();
  const Kernel *best = current;
  for (const Kernel *kernel : kernels.getAll()) {
    bool fits = kernel->getLayout() == current->getLayout() &&
                succeeded(kernel->supports(spec)) &&
                (spec.floatActivations ||
                 spec.getSummedK() <= kernel->getMaxK(spec.low, spec.high)) &&
                getMissingFeatures(op, *kernel).empty();
    if (fits)
      best = kernel;
  }
  return best;
}

/// The last registered kernel for panels that the function's features allow.
static const PanelKernel *getBest(Operation *op,
                                  const KernelRegistry &kernels) {
  const PanelKernel *best = nullptr;
  for (const auto &kernel : kernels.getPanels())
    if (getMissingFeatures(op, kernel->features).empty())
      best = kernel.get();
  return best;
}

static const CodeKernel *getBest(CodeMatmulOp op,
                                 const KernelRegistry &kernels) {
  const CodeKernel *best = nullptr;
  for (const auto &kernel : kernels.getCodes())
    if (getMissingFeatures(op, *kernel).empty())
      best = kernel.get();
  return best;
}

namespace {

struct SelectKernel : impl::SelectKernelBase<SelectKernel> {
  void runOnOperation() override {
    auto *dialect = getContext().getLoadedDialect<BitDialect>();
    const KernelRegistry &kernels = dialect->getKernels();
    getOperation().walk([&](PackedMatmulOp op) {
      const Kernel *current = kernels.lookup(op.getKernel().getName());
      const Kernel *best = findBest(op, current, kernels);
      ++(best == current ? numDeclined : numSelected);
      if (best != current)
        op.setKernelAttr(KernelAttr::get(&getContext(), best->getName(),
                                         op.getKernel().getTile()));
    });
    getOperation().walk([&](PanelMatmulOp op) { select(op, kernels); });
    getOperation().walk([&](PanelConvOp op) { select(op, kernels); });
    getOperation().walk([&](CodeMatmulOp op) { select(op, kernels); });
  }

private:
  template <typename OpT> void select(OpT op, const KernelRegistry &kernels) {
    auto *better = getBest(op, kernels);
    if (better && better->name == op.getKernel().getName())
      better = nullptr;
    ++(better ? numSelected : numDeclined);
    if (better)
      op.setKernelAttr(KernelAttr::get(&getContext(), better->name, {}));
  }
};

} // namespace

} // namespace bit
