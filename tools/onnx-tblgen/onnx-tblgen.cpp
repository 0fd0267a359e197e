// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the TableGen of all ai.onnx operators from the schemas in libonnx:
// the newest version of each that the pinned opset has, with the types of newer
// ones that the import keeps. Runs at build time, so that neither the schemas
// nor thousands of generated lines are tracked. Also writes which operators
// conversion to that opset leaves alone.

#include "Unchanged.h"
#include "bit/Import/NewerOperators.h"
#include "onnx/defs/schema.h"
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

using onnx::AttributeProto;
using onnx::OpSchema;

namespace {

/// ONNX's element types in the order they are listed in a constraint. Strings
/// and complex numbers have none: no target computes with them.
const std::vector<std::pair<std::string, std::string>> elementTypes = {
    {"tensor(bool)", "I1"},
    {"tensor(int2)", "I<2>"},
    {"tensor(int4)", "I<4>"},
    {"tensor(int8)", "I8"},
    {"tensor(int16)", "I16"},
    {"tensor(int32)", "I32"},
    {"tensor(int64)", "I64"},
    {"tensor(uint2)", "UI<2>"},
    {"tensor(uint4)", "UI<4>"},
    {"tensor(uint8)", "UI8"},
    {"tensor(uint16)", "UI16"},
    {"tensor(uint32)", "UI32"},
    {"tensor(uint64)", "UI64"},
    {"tensor(float4e2m1)", "F4E2M1FN"},
    {"tensor(float8e4m3fn)", "F8E4M3FN"},
    {"tensor(float8e4m3fnuz)", "F8E4M3FNUZ"},
    {"tensor(float8e5m2)", "F8E5M2"},
    {"tensor(float8e5m2fnuz)", "F8E5M2FNUZ"},
    {"tensor(float8e8m0)", "F8E8M0FNU"},
    {"tensor(bfloat16)", "BF16"},
    {"tensor(float16)", "F16"},
    {"tensor(float)", "F32"},
    {"tensor(double)", "F64"},
};

/// Written by hand in OnnxBase.td, or without meaning for tensors.
const std::set<std::string> excluded = {
    "Constant", "Optional", "OptionalGetElement", "OptionalHasElement"};

std::string elementList(const OpSchema::FormalParameter &parameter) {
  std::set<std::string> allowed;
  for (const std::string *type : parameter.GetTypes())
    allowed.insert(*type);
  std::string list;
  for (const auto &[onnxType, type] : elementTypes)
    if (allowed.count(onnxType))
      list += (list.empty() ? "" : ", ") + type;
  return list;
}

/// Some schemas name an output as an input, and accessors ignore the case of
/// the first letter: getA is both "A" and "a".
std::string uniqueName(std::string name, std::set<std::string> &taken) {
  for (std::string key;; name += "_") {
    key = name;
    key[0] = static_cast<char>(toupper(key[0]));
    if (taken.insert(key).second)
      return name;
  }
}

using Parameters = std::vector<OpSchema::FormalParameter>;

/// One letter a parameter, as OnnxOpInterface documents it.
std::string kinds(const Parameters &parameters) {
  std::string kinds;
  for (const auto &parameter : parameters)
    kinds += "r?*"[parameter.GetOption()];
  return kinds;
}

bool needsSegments(const std::string &kinds) {
  return kinds.size() - std::count(kinds.begin(), kinds.end(), 'r') > 1;
}

std::string parameterConstraint(const OpSchema::FormalParameter &parameter) {
  std::string type = "OnnxTensor<[" + elementList(parameter) + "]>";
  if (parameter.GetOption() == OpSchema::Optional)
    return "Optional<" + type + ">";
  if (parameter.GetOption() == OpSchema::Variadic)
    return "Variadic<" + type + ">";
  return type;
}

template <typename Values> std::string braced(const Values &values) {
  std::string text = "{";
  for (auto value : values)
    text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + "}";
}

/// Returns the ODS constraint of an attribute, with its default value.
std::string attributeConstraint(const OpSchema::Attribute &attribute) {
  const AttributeProto &value = attribute.default_value;
  std::string type, defaultValue;
  char number[32];
  switch (attribute.type) {
  case AttributeProto::INT:
    type = "I64Attr", defaultValue = std::to_string(value.i());
    break;
  case AttributeProto::INTS:
    type = "DenseI64ArrayAttr", defaultValue = braced(value.ints());
    break;
  case AttributeProto::FLOAT:
    std::snprintf(number, sizeof(number), "%.9g", value.f());
    type = "F32Attr", defaultValue = number;
    break;
  case AttributeProto::FLOATS:
    type = "DenseF32ArrayAttr", defaultValue = braced(value.floats());
    break;
  case AttributeProto::STRING:
    type = "StrAttr", defaultValue = "\\\"" + value.s() + "\\\"";
    break;
  case AttributeProto::STRINGS:
    return attribute.required ? "StrArrayAttr" : "OptionalAttr<StrArrayAttr>";
  default:
    type = "ElementsAttr";
    break;
  }
  if (attribute.required)
    return type;
  if (!value.has_name())
    return "OptionalAttr<" + type + ">";
  return "DefaultValuedAttr<" + type + ", \"" + defaultValue + "\">";
}

std::string escaped(const std::string &doc) {
  std::string text;
  for (char c : doc) {
    // "}]" ends a TableGen block.
    if (c == ']' && !text.empty() && text.back() == '}')
      text += ' ';
    text += c;
  }
  return text;
}

bool isExpressible(const OpSchema &schema) {
  if (schema.deprecated() || excluded.count(schema.Name()))
    return false;
  for (const Parameters *parameters : {&schema.inputs(), &schema.outputs()})
    for (const auto &parameter : *parameters)
      if (elementList(parameter).empty())
        return false;
  return true;
}

/// The schema that says which element types `schema` allows: a newer one where
/// the import keeps that.
const OpSchema &getTypes(const OpSchema &schema) {
  const int version = bit::getNewerVersion(schema.Name());
  const OpSchema *newer =
      version == 0 ? nullptr
                   : onnx::OpSchemaRegistry::Schema(schema.Name(), version, "");
  return newer ? *newer : schema;
}

void writeOp(std::ostream &os, const OpSchema &schema) {
  const OpSchema &types = getTypes(schema);
  std::set<std::string> taken;
  std::vector<std::string> arguments, results, regions;
  for (const auto &input : types.inputs())
    arguments.push_back(parameterConstraint(input) + ":$" +
                        uniqueName(input.GetName(), taken));
  std::string regionFormat;
  for (const auto &[name, attribute] : schema.attributes()) {
    std::string unique = uniqueName(name, taken);
    if (attribute.type != AttributeProto::GRAPH) {
      arguments.push_back(attributeConstraint(attribute) + ":$" + unique);
      continue;
    }
    regions.push_back("SizedRegion<1>:$" + unique);
    regionFormat += " $" + unique;
  }
  for (const auto &output : types.outputs())
    results.push_back(parameterConstraint(output) + ":$" +
                      uniqueName(output.GetName(), taken));

  std::string inputKinds = kinds(schema.inputs());
  std::string outputKinds = kinds(schema.outputs());
  std::string traits;
  if (!regions.empty())
    traits = "RecursiveMemoryEffects";
  else if (schema.GetNodeDeterminism() !=
           OpSchema::NodeDeterminism::NonDeterministic)
    traits = "Pure";
  auto addTrait = [&](const char *trait) {
    traits += (traits.empty() ? "" : ", ") + std::string(trait);
  };
  if (needsSegments(inputKinds))
    addTrait("AttrSizedOperandSegments");
  if (needsSegments(outputKinds))
    addTrait("AttrSizedResultSegments");

  os << "def " << schema.Name() << "Op : OnnxOp<\"" << schema.Name() << "\", \""
     << inputKinds << "\", \"" << outputKinds << "\", [" << traits << "]> {\n"
     << "  let summary = \"ai.onnx " << schema.Name() << ", version "
     << schema.SinceVersion() << "\";\n"
     << "  let description = [{" << escaped(schema.doc() ? schema.doc() : "")
     << "}];\n";
  auto writeList = [&](const char *name, const char *dag,
                       const std::vector<std::string> &items) {
    os << "  let " << name << " = (" << dag;
    for (size_t i = 0; i < items.size(); ++i)
      os << (i ? ",\n    " : "\n    ") << items[i];
    os << ");\n";
  };
  writeList("arguments", "ins", arguments);
  writeList("results", "outs", results);
  if (!regions.empty()) {
    writeList("regions", "region", regions);
    os << "  let assemblyFormat = \"operands attr-dict `:` "
          "functional-type(operands, results)"
       << regionFormat << "\";\n";
  }
  os << "}\n\n";
}

} // namespace

int main(int argc, char **argv) {
  const bool unchanged = argc == 3 && std::string(argv[2]) == "unchanged";
  if (argc != 2 && !unchanged) {
    std::cerr << "usage: onnx-tblgen OPSET [unchanged]\n";
    return 1;
  }
  const int opset = std::stoi(argv[1]);
  if (unchanged) {
    writeUnchanged(std::cout, opset);
    return std::cout.flush() ? 0 : 1;
  }
  std::map<std::string, OpSchema> newest;
  for (const OpSchema &schema :
       onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
    if (schema.domain() != onnx::ONNX_DOMAIN || schema.SinceVersion() > opset)
      continue;
    auto [it, inserted] = newest.try_emplace(schema.Name(), schema);
    if (!inserted && it->second.SinceVersion() < schema.SinceVersion())
      it->second = schema;
  }
  for (const auto &[name, schema] : newest)
    if (isExpressible(schema))
      writeOp(std::cout, schema);
  return std::cout.flush() ? 0 : 1;
}
