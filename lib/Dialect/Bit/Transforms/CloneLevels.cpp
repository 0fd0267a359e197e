// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

namespace bit {
#define GEN_PASS_DEF_CLONELEVELS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// A level as the pass's option writes it: "name:+feature+feature", or
/// "name:+feature+feature:base".
struct Level {
  StringRef name, features, base;
};

/// The functions whose code depends on which kernels for codes there are: those
/// with such products, what calls them, and what others call.
llvm::StringSet<> findDependent(ArrayRef<func::FuncOp> functions) {
  llvm::StringSet<> dependent;
  for (func::FuncOp function : functions) {
    auto found = function.walk([](Operation *op) {
      return isa<bit::CodeMatmulOp, bit::PackedMatmulOp>(op)
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    if (found.wasInterrupted() || function.isPublic())
      dependent.insert(function.getSymName());
  }
  bool changed = true;
  while (changed) {
    changed = false;
    for (func::FuncOp function : functions) {
      auto calls = function.walk([&](CallOpInterface call) {
        auto callee = dyn_cast<SymbolRefAttr>(call.getCallableForCallee());
        return callee && dependent.contains(callee.getRootReference())
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      });
      if (calls.wasInterrupted())
        changed |= dependent.insert(function.getSymName()).second;
    }
  }
  return dependent;
}

/// Copies `functions` for one level: "f" becomes "f.level", and the copies call
/// each other. Those that do not depend on kernels are the base's, if it has
/// one. Returns how many were copied.
size_t cloneForLevel(ArrayRef<func::FuncOp> all, const Level &level,
                     const llvm::StringSet<> &dependent) {
  SmallVector<func::FuncOp> functions(all);
  if (!level.base.empty())
    llvm::erase_if(functions, [&](func::FuncOp function) {
      return !dependent.contains(function.getSymName());
    });
  OpBuilder builder(all.front());
  llvm::StringMap<std::string> names;
  for (func::FuncOp function : all)
    names[function.getSymName()] =
        (function.getSymName() + "." + level.base).str();
  for (func::FuncOp function : functions)
    names[function.getSymName()] =
        (function.getSymName() + "." + level.name).str();
  AttrTypeReplacer replacer;
  replacer.addReplacement(
      [&](FlatSymbolRefAttr symbol) -> std::optional<Attribute> {
        auto known = names.find(symbol.getValue());
        if (known == names.end())
          return std::nullopt;
        return FlatSymbolRefAttr::get(symbol.getContext(), known->second);
      });
  // The option's list is split at commas, so "+" alone separates features
  // there.
  SmallVector<StringRef> features;
  level.features.split(features, '+', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  std::string joined = "+" + llvm::join(features, ",+");
  auto attribute = builder.getStrArrayAttr({"target-features", joined});
  for (func::FuncOp function : functions) {
    auto copy = cast<func::FuncOp>(builder.clone(*function));
    copy.setSymName(names[function.getSymName()]);
    copy->setAttr("passthrough", builder.getArrayAttr({attribute}));
    replacer.recursivelyReplaceElementsIn(copy);
  }
  return functions.size();
}

struct CloneLevels : bit::impl::CloneLevelsBase<CloneLevels> {
  using CloneLevelsBase::CloneLevelsBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration())
        functions.push_back(function);
    if (functions.empty() || levels.empty())
      return;
    llvm::StringSet<> dependent = findDependent(functions);
    for (const std::string &text : levels) {
      auto [name, rest] = StringRef(text).split(':');
      auto [features, base] = rest.split(':');
      numCloned += cloneForLevel(functions, {name, features, base}, dependent);
    }
    for (func::FuncOp function : functions)
      function.erase();
  }
};

} // namespace
