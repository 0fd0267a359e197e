// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Unchanged.h"
#include "onnx/version_converter/convert.h"
#include <algorithm>
#include <map>
#include <ostream>
#include <string>

namespace {

using namespace onnx::version_conversion;

/// libonnx's converter, whose tables only its subclasses can read.
class Converter : public DefaultVersionConverter {
public:
  std::map<std::string, int> findUnchanged(int opset) const {
    std::map<std::string, int> oldest;
    for (const auto &[name, domains] : all_schemas) {
      auto versions = domains.find(onnx::ONNX_DOMAIN);
      if (versions == domains.end() || versions->second.begin()->first > opset)
        continue;
      int since = 1;
      for (const auto &[version, schema] : versions->second)
        if (version <= opset && !keeps(name, static_cast<int>(version)))
          since = std::max(since, static_cast<int>(version));
      oldest[name] = since;
    }
    return oldest;
  }

private:
  /// Whether the step to `version`, which changes the operator's schema, keeps
  /// its nodes. The version that brings the operator has no step to it.
  bool keeps(const std::string &name, int version) const {
    auto steps = adapters.find(name);
    if (steps == adapters.end())
      return false;
    auto from = steps->second.find(onnx::OpSetID(version - 1).toString());
    if (from == steps->second.end())
      return false;
    auto step = from->second.find(onnx::OpSetID(version).toString());
    return step != from->second.end() &&
           dynamic_cast<const CompatibleAdapter *>(step->second.get());
  }
};

} // namespace

void writeUnchanged(std::ostream &os, int opset) {
  for (const auto &[name, since] : Converter().findUnchanged(opset))
    os << "{\"" << name << "\", " << since << "},\n";
}
