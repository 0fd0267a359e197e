// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ExposeCodes.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace bit {

FailureOr<unsigned> exposeCodes(ModuleOp module) {
  // As the stage after recognition begins: layers become steps, equal ones one.
  PassManager pm(module.getContext());
  pm.addPass(createDecomposeLinear());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  auto mainGraph = module.lookupSymbol<func::FuncOp>("main_graph");
  if (!mainGraph || mainGraph.isExternal() || failed(pm.run(module)))
    return failure();

  Builder builder(module.getContext());
  Operation *end = mainGraph.getBody().back().getTerminator();
  SmallVector<Value> results(end->getOperands());
  SmallVector<Type> types(end->getOperandTypes());
  unsigned count = 0;
  for (auto op : mainGraph.getBody().getOps<AbsmaxQuantizeOp>()) {
    if (!op.getCodes())
      continue;
    std::optional<NodeInfo> node = getNodeInfo(op.getLoc());
    std::string name = node ? node->name.str() : "#" + std::to_string(count);
    if (failed(mainGraph.insertResult(
            types.size(), op.getCodes().getType(),
            builder.getDictionaryAttr(builder.getNamedAttr(
                "onnx.name", builder.getStringAttr(name))))))
      return failure();
    results.push_back(op.getCodes());
    types.push_back(op.getCodes().getType());
    ++count;
  }
  end->setOperands(results);
  return count;
}

} // namespace bit
