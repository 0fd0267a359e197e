// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the bodies of onnxruntime's operators are put together.

#ifndef BIT_LIB_IMPORT_FUNCTIONBODY_H
#define BIT_LIB_IMPORT_FUNCTIONBODY_H

#include "onnx/defs/schema.h"
#include <string>
#include <vector>

namespace bit::detail {

/// A function body whose inputs are called as `inputs` says, in their order.
class FunctionBody {
public:
  using Names = std::vector<std::string>;

  FunctionBody(::onnx::FunctionProto &function,
               const ::onnx::FunctionBodyBuildContext &context, Names inputs,
               Names outputs = {"Y"});

  bool has(const std::string &input) const;
  /// The number of dimensions of an input, -1 where it is unknown or missing.
  int getRank(const std::string &input) const;
  /// The element type of an input, UNDEFINED where it is unknown or missing.
  int getElementType(const std::string &input) const;
  /// Its shape, null where it is unknown or missing.
  const ::onnx::TensorShapeProto *getShape(const std::string &input) const;

  int64_t getInt(const char *name, int64_t defaultValue) const;
  float getFloat(const char *name, float defaultValue) const;
  std::string getString(const char *name) const;

  /// Adds a node with one output; inputs that the call leaves out are omitted.
  ::onnx::NodeProto &add(const std::string &opType, const Names &operands,
                         const std::string &output);
  /// Adds nodes in ONNX's textual syntax.
  void parse(const std::string &nodes);
  void addInts(const std::string &output, const std::vector<int64_t> &values);
  void addFloat(const std::string &output, float value);

  /// Gives `node` those of the call's attributes that it has as well.
  void copyAttributes(::onnx::NodeProto &node,
                      std::initializer_list<const char *> names) const;

  static void setInt(::onnx::NodeProto &node, const char *name, int64_t value);
  static void setInts(::onnx::NodeProto &node, const char *name,
                      const std::vector<int64_t> &values);
  static void setFloat(::onnx::NodeProto &node, const char *name, float value);

private:
  const ::onnx::TypeProto *getType(const std::string &input) const;

  ::onnx::FunctionProto &function;
  const ::onnx::FunctionBodyBuildContext &context;
  Names inputs;
};

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_FUNCTIONBODY_H
