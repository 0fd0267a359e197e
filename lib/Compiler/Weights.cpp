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
                       weight.getValue(), weight.getPanelLayout()});
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

/// The bytes of a resource.
static llvm::Expected<ArrayRef<char>> getData(ElementsAttr value,
                                              uint64_t bytes) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  AsmResourceBlob *blob =
      resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob || blob->getData().size() != bytes)
    return llvm::createStringError(
        "weights: expects the constants' data, got a model without it (was "
        "it printed as text?)");
  return blob->getData();
}

/// One panel at a time is in memory.
static llvm::Error writePanels(llvm::raw_ostream &os, ElementsAttr value,
                               const PanelLayout &layout) {
  int64_t elementBytes = value.getElementType().getIntOrFloatBitWidth() / 8;
  SmallVector<char> splat;
  ArrayRef<char> matrix;
  if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    matrix = dense.getRawData();
    if (dense.isSplat()) {
      for (int64_t i = 0, end = dense.getNumElements(); i < end; ++i)
        llvm::append_range(splat, dense.getRawData());
      matrix = splat;
    }
  } else {
    llvm::Expected<ArrayRef<char>> data =
        getData(value, value.getNumElements() * elementBytes);
    if (!data)
      return data.takeError();
    matrix = *data;
  }
  std::vector<char> panel(layout.getPanelSize() * elementBytes);
  for (int64_t i = 0; i < layout.getNumPanels(); ++i) {
    packPanel(layout, matrix.data(), elementBytes, i, panel.data());
    os.write(panel.data(), panel.size());
  }
  return llvm::Error::success();
}

llvm::Error Weights::write(llvm::raw_ostream &os) const {
  uint64_t start = os.tell();
  auto padTo = [&](uint64_t offset) {
    os.write_zeros(offset - (os.tell() - start));
  };
  for (const Entry &entry : entries) {
    padTo(entry.offset);
    if (entry.panels) {
      if (llvm::Error error = writePanels(os, entry.value, *entry.panels))
        return error;
      continue;
    }
    if (auto dense = dyn_cast<DenseElementsAttr>(entry.value)) {
      writeDense(os, dense);
      continue;
    }
    llvm::Expected<ArrayRef<char>> data = getData(entry.value, entry.bytes);
    if (!data)
      return data.takeError();
    os.write(data->data(), data->size());
  }
  padTo(bytes);
  return llvm::Error::success();
}

} // namespace bit
