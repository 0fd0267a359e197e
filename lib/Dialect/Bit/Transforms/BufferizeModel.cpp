// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace bit {
#define GEN_PASS_DEF_BUFFERIZEMODEL
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;
using namespace mlir::bufferization;

namespace {

/// A copy between plain layouts becomes memcpy; any other one a loop, where
/// upstream would call a function of MLIR's own runtime library.
LogicalResult createCopy(OpBuilder &builder, Location loc, Value from,
                         Value to) {
  auto isPlain = [](Value value) {
    auto type = dyn_cast<MemRefType>(value.getType());
    return type && type.getLayout().isIdentity();
  };
  if (isPlain(from) && isPlain(to))
    memref::CopyOp::create(builder, loc, from, to);
  else
    linalg::CopyOp::create(builder, loc, from, to);
  return success();
}

OneShotBufferizationOptions getOptions() {
  OneShotBufferizationOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.setFunctionBoundaryTypeConversion(LayoutMapOption::IdentityLayoutMap);
  options.bufferAlignment = 64;
  options.memCpyFn = createCopy;
  return options;
}

struct BufferizeModel : bit::impl::BufferizeModelBase<BufferizeModel> {
  void runOnOperation() override {
    OpBuilder builder(&getContext());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isDeclaration()) {
        ++numDeclined;
        continue;
      }
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        function.setArgAttr(i, BufferizationDialect::kWritableAttrName,
                            builder.getBoolAttr(false));
      ++numFunctions;
    }
    BufferizationState state;
    if (failed(runOneShotModuleBufferize(getOperation(), getOptions(), state)))
      signalPassFailure();
  }
};

} // namespace
