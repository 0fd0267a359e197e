// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Bit/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"

namespace bit {
#define GEN_PASS_DEF_CLONELEVELS
#include "bit/Dialect/Bit/Transforms/Passes.h.inc"
} // namespace bit

using namespace mlir;

namespace {

/// A level as the pass's option writes it: "name:+feature+feature".
struct Level {
  StringRef name, features;
};

/// Copies `functions` for one level: "f" becomes "f.level", and the copies call
/// each other.
void cloneForLevel(ArrayRef<func::FuncOp> functions, const Level &level) {
  OpBuilder builder(functions.front());
  llvm::StringMap<std::string> names;
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
    for (const std::string &text : levels) {
      auto [name, features] = StringRef(text).split(':');
      cloneForLevel(functions, {name, features});
      numCloned += functions.size();
    }
    for (func::FuncOp function : functions)
      function.erase();
  }
};

} // namespace
