// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One operation a node. Operations are made by name: the dialect is generated
// from the same schemas, and whatever it has needs no line here.

#include "Constants.h"
#include "Elements.h"
#include "Model.h"
#include "Operators.h"
#include "Shapes.h"
#include "bit/Dialect/Onnx/IR/OnnxOps.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/ScopedHashTable.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace bit::detail {

namespace {

/// The values of one graph and, through `outer`, of those around it.
struct Scope {
  const Scope *outer;
  llvm::StringMap<Value> values;
  llvm::StringMap<const ::onnx::TypeProto *> types;

  Value lookup(StringRef name) const {
    for (const Scope *scope = this; scope; scope = scope->outer)
      if (Value value = scope->values.lookup(name))
        return value;
    return {};
  }
};

class Emitter {
public:
  explicit Emitter(Model &model) : model(model), builder(model.context) {}

  OwningOpRef<ModuleOp> emit();

private:
  LogicalResult emitNode(const ::onnx::NodeProto &node, Scope &scope);
  LogicalResult emitNodes(const ::onnx::GraphProto &graph, Scope &scope);
  LogicalResult emitRegion(const ::onnx::NodeProto &node,
                           const ::onnx::GraphProto &graph, Region &region,
                           const Scope &outer);
  LogicalResult emitConstant(const ::onnx::NodeProto &node, Scope &scope);
  void emitInitializers(const ::onnx::GraphProto &graph, Scope &scope);
  FailureOr<NamedAttribute>
  convertAttribute(const ::onnx::NodeProto &node,
                   const ::onnx::AttributeProto &attribute,
                   RegisteredOperationName operation);
  void emitMain(ModuleOp module);
  LogicalResult checkOutputs();
  void setNames(func::FuncOp function);
  void setResultNames(const ::onnx::NodeProto &node, const Scope &scope,
                      Operation *op);
  ArrayAttr getDimNames(const ::onnx::TypeProto &type,
                        const ::onnx::TypeProto *declared = nullptr);

  Model &model;
  OpBuilder builder;
  LogicalResult result = success();
};

} // namespace

static void collectTypes(const ::onnx::GraphProto &graph, Scope &scope) {
  for (const auto &value : graph.value_info())
    scope.types[value.name()] = &value.type();
  for (const auto &value : graph.output())
    scope.types[value.name()] = &value.type();
}

/// Returns the sizes of the segments that `kinds` (see OnnxOpInterface) makes
/// of operands or results, of which `present` says which are there.
static SmallVector<int32_t> getSegments(StringRef kinds,
                                        ArrayRef<bool> present) {
  SmallVector<int32_t> segments;
  size_t at = 0;
  for (char kind : kinds) {
    int32_t size = 0;
    do {
      if (at < present.size())
        size += present[at++];
    } while (kind == '*' && at < present.size());
    segments.push_back(size);
  }
  return segments;
}

FailureOr<NamedAttribute>
Emitter::convertAttribute(const ::onnx::NodeProto &node,
                          const ::onnx::AttributeProto &attribute,
                          RegisteredOperationName operation) {
  // The dialect appends "_" where an input has the same name.
  StringAttr name = builder.getStringAttr(attribute.name());
  if (!llvm::is_contained(operation.getAttributeNames(), name)) {
    name = builder.getStringAttr(attribute.name() + "_");
    if (!llvm::is_contained(operation.getAttributeNames(), name))
      return model.emitError(node)
             << "expects attributes of its operator, got '" << attribute.name()
             << "'";
  }
  Attribute value;
  switch (attribute.type()) {
  case ::onnx::AttributeProto::INT:
    value = builder.getI64IntegerAttr(attribute.i());
    break;
  case ::onnx::AttributeProto::INTS:
    value = builder.getDenseI64ArrayAttr(
        {attribute.ints().data(), size_t(attribute.ints_size())});
    break;
  case ::onnx::AttributeProto::FLOAT:
    value = builder.getF32FloatAttr(attribute.f());
    break;
  case ::onnx::AttributeProto::FLOATS:
    value = builder.getDenseF32ArrayAttr(
        {attribute.floats().data(), size_t(attribute.floats_size())});
    break;
  case ::onnx::AttributeProto::STRING:
    value = builder.getStringAttr(attribute.s());
    break;
  case ::onnx::AttributeProto::STRINGS:
    value =
        builder.getStrArrayAttr(llvm::to_vector_of<StringRef>(llvm::make_range(
            attribute.strings().begin(), attribute.strings().end())));
    break;
  case ::onnx::AttributeProto::TENSOR:
    value = convertTensor(model, attribute.t(), attribute.name());
    break;
  default:
    return model.emitError(node)
           << "attribute '" << attribute.name()
           << "' expects a number, a string, a tensor or a list of them";
  }
  return builder.getNamedAttr(name, value);
}

/// All forms of Constant but tensors are one-dimensional or scalars.
LogicalResult Emitter::emitConstant(const ::onnx::NodeProto &node,
                                    Scope &scope) {
  if (node.attribute_size() != 1 || node.output_size() != 1)
    return model.emitError(node) << "expects one attribute and one output";
  const ::onnx::AttributeProto &attribute = node.attribute(0);
  StringRef name = node.output(0);
  ::onnx::TensorProto tensor;
  StringRef form = attribute.name();
  if (form == "value") {
    tensor = attribute.t();
  } else if (form == "value_float" || form == "value_floats") {
    tensor.set_data_type(::onnx::TensorProto::FLOAT);
    *tensor.mutable_float_data() = attribute.floats();
    if (form == "value_float")
      tensor.add_float_data(attribute.f());
    else
      tensor.add_dims(attribute.floats_size());
  } else if (form == "value_int" || form == "value_ints") {
    tensor.set_data_type(::onnx::TensorProto::INT64);
    *tensor.mutable_int64_data() = attribute.ints();
    if (form == "value_int")
      tensor.add_int64_data(attribute.i());
    else
      tensor.add_dims(attribute.ints_size());
  } else {
    return model.emitError(node)
           << "expects numbers or booleans, got '" << attribute.name() << "'";
  }
  ElementsAttr value = convertTensor(model, tensor, name);
  scope.values[name] = onnx::ConstantOp::create(
      builder, model.getLocation(node), value.getType(), value);
  return success();
}

LogicalResult Emitter::emitRegion(const ::onnx::NodeProto &node,
                                  const ::onnx::GraphProto &graph,
                                  Region &region, const Scope &outer) {
  Scope scope{&outer, {}, {}};
  collectTypes(graph, scope);
  Block &block = region.emplaceBlock();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&block);
  Location loc = model.getLocation(node);
  for (const auto &input : graph.input()) {
    auto type = convertType(model.context, input.type());
    if (!type)
      return model.emitError(node)
             << "input '" << input.name() << "' of its body "
             << llvm::toString(type.takeError());
    scope.values[input.name()] = block.addArgument(*type, loc);
  }
  emitInitializers(graph, scope);
  if (failed(emitNodes(graph, scope)))
    return failure();
  SmallVector<Value> outputs;
  for (const auto &output : graph.output())
    outputs.push_back(scope.lookup(output.name()));
  // One of a refused node outside.
  if (llvm::is_contained(outputs, Value()))
    return failure();
  onnx::YieldOp::create(builder, loc, outputs);
  return success();
}

LogicalResult Emitter::emitNode(const ::onnx::NodeProto &node, Scope &scope) {
  if (node.op_type() == "Constant" && node.domain().empty())
    return emitConstant(node, scope);
  std::optional<RegisteredOperationName> operation = getOperation(model, node);
  if (!operation)
    return model.emitError(node) << "is not supported: there is no lowering of "
                                 << getOperatorName(node);
  const auto *kinds = operation->getInterface<onnx::OnnxOpInterface>();

  OperationState state(model.getLocation(node), *operation);
  SmallVector<bool> inputs, outputs;
  for (const std::string &input : node.input()) {
    inputs.push_back(!input.empty());
    if (!input.empty())
      state.operands.push_back(scope.lookup(input));
  }
  for (const std::string &output : node.output()) {
    outputs.push_back(!output.empty());
    if (output.empty())
      continue;
    const ::onnx::TypeProto *type = scope.types.lookup(output);
    auto converted =
        convertType(model.context, type ? *type : ::onnx::TypeProto());
    if (!converted)
      return model.emitError(node) << "output '" << output << "' "
                                   << llvm::toString(converted.takeError());
    state.addTypes(*converted);
  }

  NamedAttrList attributes;
  for (const ::onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      continue;
    FailureOr<NamedAttribute> converted =
        convertAttribute(node, attribute, *operation);
    if (failed(converted))
      return failure();
    attributes.append(*converted);
  }
  if (operation->hasTrait<OpTrait::AttrSizedOperandSegments>())
    attributes.append("operandSegmentSizes",
                      builder.getDenseI32ArrayAttr(
                          getSegments(kinds->getInputKinds(), inputs)));
  if (operation->hasTrait<OpTrait::AttrSizedResultSegments>())
    attributes.append("resultSegmentSizes",
                      builder.getDenseI32ArrayAttr(
                          getSegments(kinds->getOutputKinds(), outputs)));

  // Regions in the order of their attributes' names, as the dialect has them.
  std::map<std::string, const ::onnx::GraphProto *> graphs;
  for (const ::onnx::AttributeProto &attribute : node.attribute())
    if (attribute.has_g())
      graphs[attribute.name()] = &attribute.g();
  for (size_t i = 0; i < graphs.size(); ++i)
    state.addRegion();

  Operation *op = Operation::create(state);
  auto emitError = [&]() { return model.emitError(node); };
  if (!attributes.empty() &&
      failed(op->setPropertiesFromAttribute(
          attributes.getDictionary(model.context), emitError))) {
    op->destroy();
    return failure();
  }
  builder.insert(op);
  if (isa<onnx::IfOp, onnx::LoopOp>(op))
    setResultNames(node, scope, op);
  for (auto [region, graph] : llvm::zip(op->getRegions(), graphs))
    if (failed(emitRegion(node, *graph.second, region, scope)))
      return failure();
  unsigned result = 0;
  for (const std::string &output : node.output())
    if (!output.empty())
      scope.values[output] = op->getResult(result++);
  return success();
}

/// Names of dynamic dims, which the lowering of a branch or a loop cannot
/// trace.
void Emitter::setResultNames(const ::onnx::NodeProto &node, const Scope &scope,
                             Operation *op) {
  SmallVector<Attribute> names;
  for (const std::string &output : node.output())
    if (!output.empty())
      names.push_back(getDimNames(*scope.types.lookup(output)));
  op->setDiscardableAttr("onnx.dims", builder.getArrayAttr(names));
}

LogicalResult Emitter::emitNodes(const ::onnx::GraphProto &graph,
                                 Scope &scope) {
  LogicalResult emitted = success();
  for (const ::onnx::NodeProto &node : graph.node()) {
    // What a refused node would have made is missing; that is no new error.
    bool blocked = false;
    auto collect = [&](const std::string &input) {
      blocked |= !input.empty() && !scope.lookup(input);
    };
    llvm::for_each(node.input(), collect);
    if (blocked || failed(emitNode(node, scope)))
      emitted = failure();
  }
  return emitted;
}

void Emitter::emitInitializers(const ::onnx::GraphProto &graph, Scope &scope) {
  for (const ::onnx::TensorProto &tensor : graph.initializer()) {
    NodeInfo info{tensor.name(), "ai.onnx", "Constant", kImportOpset,
                  model.path};
    ElementsAttr value = convertTensor(model, tensor, tensor.name());
    scope.values[tensor.name()] = onnx::ConstantOp::create(
        builder, getNodeLocation(model.context, info), value.getType(), value);
  }
}

/// Returns the names of the dynamic dimensions; the declared ones go first,
/// inference makes some up.
ArrayAttr Emitter::getDimNames(const ::onnx::TypeProto &type,
                               const ::onnx::TypeProto *declared) {
  SmallVector<StringRef> names;
  const auto &shape = type.tensor_type().shape();
  for (int i = 0; i < shape.dim_size(); ++i) {
    StringRef name;
    if (!shape.dim(i).has_dim_value()) {
      name = shape.dim(i).dim_param();
      if (name.starts_with("unk__"))
        name = "";
      if (declared && i < declared->tensor_type().shape().dim_size()) {
        StringRef given = declared->tensor_type().shape().dim(i).dim_param();
        if (!given.empty())
          name = given;
      }
    }
    names.push_back(name);
  }
  return builder.getStrArrayAttr(names);
}

/// What the file says of its outputs' sizes is not used, but has to be right.
LogicalResult Emitter::checkOutputs() {
  LogicalResult checked = success();
  for (auto [output, declared] :
       llvm::zip(model.proto.graph().output(), model.declaredOutputs)) {
    const auto &inferred = output.type().tensor_type().shape();
    const auto &shape = declared.type().tensor_type().shape();
    for (int i = 0; i < std::min(shape.dim_size(), inferred.dim_size()); ++i)
      if (shape.dim(i).has_dim_value() && inferred.dim(i).has_dim_value() &&
          shape.dim(i).dim_value() != inferred.dim(i).dim_value())
        checked = model.emitError()
                  << "output '" << output.name() << "' expects dimension " << i
                  << " of " << inferred.dim(i).dim_value() << ", got "
                  << shape.dim(i).dim_value();
  }
  return checked;
}

void Emitter::setNames(func::FuncOp function) {
  const ::onnx::GraphProto &graph = model.proto.graph();
  for (auto [index, input] : llvm::enumerate(graph.input())) {
    function.setArgAttr(index, "onnx.name",
                        builder.getStringAttr(input.name()));
    if (model.defaultedInputs.contains(input.name()))
      function.setArgAttr(index, "onnx.has_default", builder.getUnitAttr());
    function.setArgAttr(index, "onnx.dims", getDimNames(input.type()));
  }
  for (auto [index, output] : llvm::enumerate(graph.output())) {
    function.setResultAttr(index, "onnx.name",
                           builder.getStringAttr(output.name()));
    function.setResultAttr(
        index, "onnx.dims",
        getDimNames(output.type(), &model.declaredOutputs[index].type()));
  }
}

void Emitter::emitMain(ModuleOp module) {
  const ::onnx::GraphProto &graph = model.proto.graph();
  Location file = model.getFileLocation();
  SmallVector<Type> inputTypes;
  SmallVector<Location> locations;
  for (const auto &input : graph.input()) {
    auto type = convertType(model.context, input.type());
    if (!type) {
      result = model.emitError() << "input '" << input.name() << "' "
                                 << llvm::toString(type.takeError());
      return;
    }
    inputTypes.push_back(*type);
    locations.push_back(
        NameLoc::get(builder.getStringAttr(input.name()), file));
  }
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(builder, file, "main_graph",
                                       builder.getFunctionType(inputTypes, {}));
  Block *entry =
      builder.createBlock(&function.getBody(), {}, inputTypes, locations);
  Scope scope{nullptr, {}, {}};
  collectTypes(graph, scope);
  for (auto [input, argument] : llvm::zip(graph.input(), entry->getArguments()))
    scope.values[input.name()] = argument;
  emitInitializers(graph, scope);
  result = emitNodes(graph, scope);
  if (succeeded(result))
    result = checkOutputs();
  if (failed(result))
    return;
  SmallVector<Value> outputs;
  for (const auto &output : graph.output())
    outputs.push_back(scope.lookup(output.name()));
  func::ReturnOp::create(builder, file, outputs);
  function.setType(builder.getFunctionType(
      inputTypes, llvm::to_vector(ValueRange(outputs).getTypes())));
  setNames(function);
}

OwningOpRef<ModuleOp> Emitter::emit() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(model.getFileLocation());
  emitMain(*module);
  if (failed(result) || failed(verify(*module)))
    return nullptr;
  // Initializers nobody reads.
  module->walk([](onnx::ConstantOp op) {
    if (op->use_empty())
      op->erase();
  });
  return module;
}

OwningOpRef<ModuleOp> emitModule(Model &model) { return Emitter(model).emit(); }

} // namespace bit::detail
