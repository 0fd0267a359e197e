// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RepeatedRuns.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

static constexpr auto flags = OperationEquivalence::IgnoreLocations |
                              OperationEquivalence::IgnoreDiscardableAttrs;

static bool isEqual(Operation *a, Operation *b) {
  if (a->getOperandTypes() != b->getOperandTypes())
    return false;
  // Regions use values of their own only, and those must correspond.
  llvm::DenseMap<Value, Value> inside;
  return OperationEquivalence::isEquivalentTo(
      a, b,
      [&](Value x, Value y) {
        auto known = inside.find(x);
        return success(known == inside.end() || known->second == y);
      },
      [&](Value x, Value y) { inside[x] = y; }, flags);
}

llvm::SmallVector<unsigned>
bit::numberEqual(ArrayRef<Operation *> ops,
                 llvm::function_ref<bool(Operation *)> isUnique) {
  SmallVector<unsigned> numbers;
  unsigned next = 0;
  using Known = SmallVector<std::pair<Operation *, unsigned>, 1>;
  llvm::DenseMap<size_t, Known> buckets;
  for (Operation *op : ops) {
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    if (!captured.empty() || isUnique(op)) {
      numbers.push_back(next++);
      continue;
    }
    llvm::hash_code hash = OperationEquivalence::computeHash(
        op, OperationEquivalence::ignoreHashValue,
        OperationEquivalence::ignoreHashValue, flags);
    Known &bucket = buckets[hash];
    auto *known = llvm::find_if(
        bucket, [&](const auto &entry) { return isEqual(entry.first, op); });
    if (known == bucket.end()) {
      bucket.push_back({op, next++});
      known = &bucket.back();
    }
    numbers.push_back(known->second);
  }
  return numbers;
}

bit::RepeatedRun bit::findLongestRun(ArrayRef<unsigned> numbers) {
  RepeatedRun best;
  size_t size = numbers.size();
  for (size_t period = 1; period <= size / 2; ++period) {
    size_t equal = 0; // neighbours at this distance, up to i
    for (size_t i = 0; i + period < size; ++i) {
      equal = numbers[i] == numbers[i + period] ? equal + 1 : 0;
      RepeatedRun run{i + 1 - equal, period, equal / period + 1};
      if (equal >= period && run.getSaved() > best.getSaved())
        best = run;
    }
  }
  return best;
}
