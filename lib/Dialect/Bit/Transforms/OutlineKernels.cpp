// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

namespace bit {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// Shape arithmetic on a few integers is no kernel.
constexpr int64_t smallestKernel = 32;

bool isKernel(Operation *op) {
  if (isa<bit::AbsmaxQuantizeOp, bit::AttentionOp, bit::CodeMatmulOp,
          bit::PackedMatmulOp, bit::PackPanelsOp, bit::PanelConvOp,
          bit::PanelMatmulOp, bit::GroupOp, bit::SiblingsOp>(op))
    return true;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !linalgOp.hasPureBufferSemantics())
    return false;
  int64_t iterations = 1;
  for (int64_t size : linalgOp.getStaticLoopRanges()) {
    if (ShapedType::isDynamic(size))
      return true;
    iterations = std::min(iterations * std::min(size, smallestKernel + 1),
                          smallestKernel + 1);
  }
  return iterations > smallestKernel;
}

/// Attributes that differ between equal layers; they stay on the call.
SmallVector<NamedAttribute> takeLayerAttributes(Operation *op) {
  SmallVector<NamedAttribute> taken;
  for (NamedAttribute attribute : llvm::to_vector(op->getDiscardableAttrs()))
    if (attribute.getName().strref().starts_with("bit.")) {
      taken.push_back(attribute);
      op->removeDiscardableAttr(attribute.getName());
    }
  return taken;
}

/// What a profiler shows: the kernel's, or the ONNX operator whose loops these
/// are, such as `maxpool`.
std::string getKernelName(Operation *op) {
  std::optional<bit::NodeInfo> node = bit::getNodeInfo(op->getLoc());
  if (node && isa<linalg::LinalgOp>(op))
    return node->opType.lower();
  if (isa<bit::GroupOp>(op))
    return "quantize_rows";
  if (isa<bit::SiblingsOp>(op))
    return "packed_matmuls";
  return op->getName().stripDialect().str();
}

class Outliner {
public:
  Outliner(func::FuncOp caller)
      : caller(caller), symbols(caller->getParentOfType<ModuleOp>()) {}

  /// Moves `op` into a function of its own, or calls the one that an equal
  /// operation was moved to. Returns whether a function was made.
  bool outline(Operation *op) {
    SmallVector<NamedAttribute> layer = takeLayerAttributes(op);
    SetVector<Value> captured(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    SmallVector<Operation *> constants;
    captured.remove_if([&](Value value) {
      auto constant = value.getDefiningOp<arith::ConstantOp>();
      if (constant)
        constants.push_back(constant);
      return constant != nullptr;
    });

    llvm::hash_code hash = OperationEquivalence::computeHash(
        op, OperationEquivalence::ignoreHashValue,
        OperationEquivalence::ignoreHashValue, flags);
    SmallVector<func::FuncOp> &bucket = functions[hash];
    auto *known = llvm::find_if(bucket, [&](func::FuncOp function) {
      return computes(function, op, captured.getArrayRef());
    });
    bool isNew = known == bucket.end();
    if (isNew) {
      // Equal ones of different nodes are one function, the first one's.
      bucket.push_back(build(op, captured.getArrayRef(), constants));
      known = &bucket.back();
      symbols.insert(*known);
    }

    OpBuilder builder(op);
    SmallVector<Value> arguments = {caller.getArgument(0)};
    llvm::append_range(arguments, captured);
    auto call = func::CallOp::create(builder, op->getLoc(), *known, arguments);
    for (NamedAttribute attribute : layer)
      call->setDiscardableAttr(attribute.getName(), attribute.getValue());
    op->erase();
    return isNew;
  }

private:
  func::FuncOp build(Operation *op, ArrayRef<Value> captured,
                     ArrayRef<Operation *> constants) {
    OpBuilder builder(caller.getContext());
    SmallVector<Type> types = {caller.getArgument(0).getType()};
    for (Value value : captured)
      types.push_back(value.getType());
    auto function = func::FuncOp::create(op->getLoc(), getKernelName(op),
                                         builder.getFunctionType(types, {}));
    function.setPrivate();
    Block *entry = function.addEntryBlock();
    builder.setInsertionPointToEnd(entry);
    IRMapping mapping;
    for (Operation *constant : constants)
      builder.clone(*constant, mapping);
    for (auto [value, argument] :
         llvm::zip(captured, entry->getArguments().drop_front()))
      mapping.map(value, argument);
    builder.clone(*op, mapping);
    func::ReturnOp::create(builder, op->getLoc());
    return function;
  }

  /// Whether `function` was made of an operation that is `op` but for what it
  /// is applied to, in the order of `captured`.
  bool computes(func::FuncOp function, Operation *op,
                ArrayRef<Value> captured) {
    ValueRange arguments = function.getArguments().drop_front();
    if (arguments.getTypes() != ValueRange(captured).getTypes())
      return false;
    DenseMap<Value, Value> same; // of `op`'s values, inside it and outside
    for (auto [value, argument] : llvm::zip(captured, arguments))
      same[value] = argument;
    Operation *made = function.front().getTerminator()->getPrevNode();
    return OperationEquivalence::isEquivalentTo(
        op, made,
        [&](Value x, Value y) {
          if (Value known = same.lookup(x))
            return success(known == y);
          auto a = x.getDefiningOp<arith::ConstantOp>();
          auto b = y.getDefiningOp<arith::ConstantOp>();
          return success(a && b && a.getValue() == b.getValue());
        },
        [&](Value x, Value y) { same[x] = y; }, flags);
  }

  static constexpr auto flags = OperationEquivalence::IgnoreLocations;
  func::FuncOp caller;
  SymbolTable symbols;
  DenseMap<size_t, SmallVector<func::FuncOp>> functions;
};

struct OutlineKernels : bit::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    for (auto function :
         llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (function.isPrivate() || function.isDeclaration())
        continue;
      Outliner outliner(function);
      SmallVector<Operation *> kernels; // in branches and loops, too
      function.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (!isKernel(op))
          return WalkResult::advance();
        kernels.push_back(op);
        return WalkResult::skip();
      });
      for (Operation *op : kernels)
        ++(outliner.outline(op) ? numOutlined : numShared);
    }
    getOperation().walk([](bit::GroupOp group) {
      Block &body = group.getBody().front();
      group->getBlock()->getOperations().splice(group->getIterator(),
                                                body.getOperations());
      group->erase();
    });
  }
};

} // namespace
