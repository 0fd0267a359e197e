// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/Weights.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace bit {

Weights::Weights(ModuleOp module) : module(module) {
  for (auto weight : module.getOps<WeightOp>()) {
    int64_t offset = weight.getOffset().value_or(0);
    entries.push_back({offset, static_cast<uint64_t>(weight.getByteSize()),
                       weight.getValue()});
    bytes = std::max<uint64_t>(
        bytes, llvm::alignTo(offset + weight.getByteSize(), 64));
  }
  llvm::stable_sort(entries, [](const Entry &a, const Entry &b) {
    return a.offset < b.offset;
  });
}

void Weights::detach() {
  for (auto weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
    weight.erase();
}

static void writeDense(llvm::raw_ostream &os, DenseElementsAttr value) {
  if (value.getElementType().isInteger(1)) {
    for (bool element : value.getValues<bool>())
      os << char(element);
    return;
  }
  ArrayRef<char> raw = value.getRawData();
  int64_t copies = value.isSplat() ? value.getNumElements() : 1;
  for (int64_t i = 0; i < copies; ++i)
    os.write(raw.data(), raw.size());
}

llvm::Error Weights::write(llvm::raw_ostream &os) const {
  uint64_t start = os.tell();
  auto padTo = [&](uint64_t offset) {
    os.write_zeros(offset - (os.tell() - start));
  };
  for (const Entry &entry : entries) {
    padTo(entry.offset);
    if (auto dense = dyn_cast<DenseElementsAttr>(entry.value)) {
      writeDense(os, dense);
      continue;
    }
    auto resource = dyn_cast<DenseResourceElementsAttr>(entry.value);
    AsmResourceBlob *blob =
        resource ? resource.getRawHandle().getBlob() : nullptr;
    if (!blob || blob->getData().size() != entry.bytes)
      return llvm::createStringError(
          "weights: expects the constants' data, got a model without it (was "
          "it printed as text?)");
    os.write(blob->getData().data(), blob->getData().size());
  }
  padTo(bytes);
  return llvm::Error::success();
}

} // namespace bit
