// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FunctionBody.h"
#include "onnx/defs/function.h"
#include "onnx/defs/tensor_proto_util.h"
#include "llvm/ADT/STLExtras.h"

using ::onnx::AttributeProto;
using ::onnx::NodeProto;

namespace bit::detail {

FunctionBody::FunctionBody(::onnx::FunctionProto &function,
                           const ::onnx::FunctionBodyBuildContext &context,
                           Names inputs, Names outputs)
    : function(function), context(context), inputs(std::move(inputs)) {
  for (const std::string &input : this->inputs)
    function.add_input(input);
  for (const std::string &output : outputs)
    function.add_output(output);
}

bool FunctionBody::has(const std::string &input) const {
  auto it = llvm::find(inputs, input);
  return it != inputs.end() && context.hasInput(it - inputs.begin());
}

const ::onnx::TypeProto *FunctionBody::getType(const std::string &input) const {
  return has(input)
             ? context.getInputType(llvm::find(inputs, input) - inputs.begin())
             : nullptr;
}

const ::onnx::TensorShapeProto *
FunctionBody::getShape(const std::string &input) const {
  const ::onnx::TypeProto *type = getType(input);
  return type && type->tensor_type().has_shape() ? &type->tensor_type().shape()
                                                 : nullptr;
}

int FunctionBody::getRank(const std::string &input) const {
  const ::onnx::TensorShapeProto *shape = getShape(input);
  return shape ? shape->dim_size() : -1;
}

int FunctionBody::getElementType(const std::string &input) const {
  const ::onnx::TypeProto *type = getType(input);
  return type ? type->tensor_type().elem_type()
              : ::onnx::TensorProto::UNDEFINED;
}

int64_t FunctionBody::getInt(const char *name, int64_t defaultValue) const {
  const AttributeProto *attribute = context.getAttribute(name);
  return attribute ? attribute->i() : defaultValue;
}

float FunctionBody::getFloat(const char *name, float defaultValue) const {
  const AttributeProto *attribute = context.getAttribute(name);
  return attribute ? attribute->f() : defaultValue;
}

std::string FunctionBody::getString(const char *name) const {
  const AttributeProto *attribute = context.getAttribute(name);
  return attribute ? attribute->s() : "";
}

NodeProto &FunctionBody::add(const std::string &opType, const Names &operands,
                             const std::string &output) {
  NodeProto &node = *function.add_node();
  // Of onnxruntime's own domain where the name has it in front.
  auto dot = opType.rfind('.');
  if (dot != std::string::npos)
    node.set_domain(opType.substr(0, dot));
  node.set_op_type(dot == std::string::npos ? opType : opType.substr(dot + 1));
  for (const std::string &name : operands) {
    bool isMissing = llvm::is_contained(inputs, name) && !has(name);
    node.add_input(isMissing ? "" : name);
  }
  node.add_output(output);
  return node;
}

void FunctionBody::parse(const std::string &nodes) {
  ::onnx::FunctionBuilder(function).Add(nodes.c_str());
}

void FunctionBody::addInts(const std::string &output,
                           const std::vector<int64_t> &values) {
  ::onnx::FunctionBuilder(function).Const(output, values);
}

void FunctionBody::addFloat(const std::string &output, float value) {
  ::onnx::FunctionBuilder(function).Add((output + " = Constant()").c_str(),
                                        "value", ::onnx::ToTensor(value));
}

void FunctionBody::copyAttributes(
    NodeProto &node, std::initializer_list<const char *> names) const {
  for (const char *name : names)
    if (const AttributeProto *given = context.getAttribute(name))
      *node.add_attribute() = *given;
}

void FunctionBody::setInt(NodeProto &node, const char *name, int64_t value) {
  *node.add_attribute() = ::onnx::MakeAttribute(name, value);
}

void FunctionBody::setInts(NodeProto &node, const char *name,
                           const std::vector<int64_t> &values) {
  *node.add_attribute() = ::onnx::MakeAttribute(name, values);
}

void FunctionBody::setFloat(NodeProto &node, const char *name, float value) {
  *node.add_attribute() = ::onnx::MakeAttribute(name, value);
}

} // namespace bit::detail
