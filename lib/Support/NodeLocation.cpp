// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Support/NodeLocation.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace bit {

Location getNodeLocation(MLIRContext *context, const NodeInfo &info) {
  Builder builder(context);
  Location file = FileLineColLoc::get(context, info.file, 0, 0);
  Location name = NameLoc::get(builder.getStringAttr(info.name), file);
  auto origin = builder.getDictionaryAttr({
      builder.getNamedAttr("domain", builder.getStringAttr(info.domain)),
      builder.getNamedAttr("op", builder.getStringAttr(info.opType)),
      builder.getNamedAttr("opset", builder.getI64IntegerAttr(info.opset)),
  });
  // FusedLoc::get of one location without metadata would drop the fusion; with
  // metadata it stays.
  return FusedLoc::get(context, {name}, origin);
}

/// Reads one location of the form getNodeLocation builds.
static std::optional<NodeInfo> readNode(FusedLoc loc) {
  auto origin = dyn_cast_or_null<DictionaryAttr>(loc.getMetadata());
  if (!origin || loc.getLocations().empty())
    return std::nullopt;
  auto name = dyn_cast<NameLoc>(loc.getLocations().front());
  auto domain = origin.getAs<StringAttr>("domain");
  auto opType = origin.getAs<StringAttr>("op");
  auto opset = origin.getAs<IntegerAttr>("opset");
  if (!name || !domain || !opType || !opset)
    return std::nullopt;
  NodeInfo info{name.getName().getValue(), domain.getValue(), opType.getValue(),
                opset.getInt(), ""};
  if (auto file = dyn_cast<FileLineColLoc>(name.getChildLoc()))
    info.file = file.getFilename().getValue();
  return info;
}

std::optional<NodeInfo> getNodeInfo(Location loc) {
  std::optional<NodeInfo> found;
  loc->walk([&](Location part) {
    if (auto fused = dyn_cast<FusedLoc>(part))
      found = readNode(fused);
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

std::string describeNode(Location loc) {
  std::optional<NodeInfo> info = getNodeInfo(loc);
  if (!info)
    return "";
  return llvm::formatv("node '{0}' ({1} {2}, opset {3})", info->name,
                       info->domain, info->opType, info->opset);
}

} // namespace bit
