// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the path to a parsed model whose nodes know where they came from.

#include "Model.h"
#include "bit/Import/WireFormat.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <climits>

using namespace mlir;

namespace bit::detail {

LogicalResult readModel(Model &model) {
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(model.path, status))
    return model.emitError() << "cannot be read: " << error.message();
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return model.emitError()
           << "expects a file, got "
           << (status.type() == llvm::sys::fs::file_type::directory_file
                   ? "a folder"
                   : "a device or pipe");
  // Without a terminator the buffer is the mapped file, at any size.
  auto buffer = llvm::MemoryBuffer::getFile(model.path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return model.emitError()
           << "cannot be read: " << buffer.getError().message();
  std::shared_ptr<llvm::MemoryBuffer> file = std::move(*buffer);
  if (file->getBufferSize() == 0)
    return model.emitError() << "expects an ONNX model, got an empty file";

  llvm::Expected<StrippedModel> stripped = stripModel(file->getBuffer());
  if (!stripped)
    return model.emitError() << llvm::toString(stripped.takeError());
  if (stripped->bytes.size() > INT_MAX)
    return model.emitError() << "expects at most 2 GB outside raw_data, got "
                             << stripped->bytes.size() << " bytes";
  if (!model.proto.ParseFromArray(stripped->bytes.data(),
                                  static_cast<int>(stripped->bytes.size())))
    return model.emitError()
           << "expects an ONNX model, got another protobuf message";
  ::onnx::ModelProto &proto = model.proto;
  if (proto.ir_version() == 0 || !proto.has_graph())
    return model.emitError()
           << "expects an ONNX model, got one without ir_version or graph";
  if (proto.ir_version() < 0 || proto.ir_version() > ::onnx::IR_VERSION)
    return model.emitError()
           << "expects an IR version of 1 to " << int64_t(::onnx::IR_VERSION)
           << ", got " << proto.ir_version();
  // Before IR 3 there was one opset, before IR 4 initializers had to be inputs;
  // from here on all models are alike.
  if (proto.ir_version() < 3 && proto.opset_import_size() == 0)
    proto.add_opset_import()->set_version(1);
  model.hasDefaults = proto.ir_version() >= 4;
  proto.set_ir_version(std::max<int64_t>(proto.ir_version(), 10));
  for (FileRange range : stripped->ranges)
    model.ranges.push_back({file, range.offset, range.length});
  return success();
}

/// Gives the default domain its short name and other domains version 1.
template <typename Imports>
static LogicalResult normalizeImports(Model &model, Imports &imports) {
  llvm::StringMap<int64_t> versions;
  for (::onnx::OperatorSetIdProto &import : imports) {
    if (import.domain() == "ai.onnx")
      import.clear_domain();
    if (import.version() <= 0 || import.version() > INT_MAX)
      return model.emitError()
             << "expects a positive opset version, got " << import.version();
    auto [it, inserted] =
        versions.try_emplace(import.domain(), import.version());
    if (!inserted && it->second != import.version())
      return model.emitError()
             << "expects one version of domain '" << import.domain()
             << "', got " << it->second << " and " << import.version();
  }
  Imports unique;
  for (::onnx::OperatorSetIdProto &import : imports) {
    if (!versions.erase(import.domain()))
      continue;
    if (!import.domain().empty())
      import.set_version(1);
    *unique.Add() = import;
  }
  imports.Swap(&unique);
  return success();
}

namespace {

/// The versions one list of nodes was written for, before normalization.
struct Versions {
  llvm::StringMap<int64_t> byDomain;

  template <typename Imports> explicit Versions(const Imports &imports) {
    for (const ::onnx::OperatorSetIdProto &import : imports)
      byDomain[import.domain() == "ai.onnx" ? "" : import.domain()] =
          import.version();
  }
};

} // namespace

static void nameNodes(Model &model, Nodes &nodes, const Versions &versions) {
  for (::onnx::NodeProto &node : nodes) {
    if (node.domain() == "ai.onnx")
      node.clear_domain();
    std::string firstOutput;
    for (const std::string &output : node.output())
      if (firstOutput.empty())
        firstOutput = output;
    auto version = versions.byDomain.find(node.domain());
    model.origins.push_back(
        {node.name(), firstOutput, node.domain(), node.op_type(),
         version == versions.byDomain.end() ? 0 : version->second});
    node.set_name("#" + std::to_string(model.origins.size() - 1));
    // onnxruntime keeps these in the default domain, where libonnx would not
    // find them: the second came to ai.onnx with opset 17.
    const bool isMicrosoft =
        node.op_type() == "SimplifiedLayerNormalization" ||
        (node.op_type() == "LayerNormalization" && model.origins.back().opset &&
         model.origins.back().opset < 17);
    if (node.domain().empty() && isMicrosoft)
      node.set_domain(kMicrosoftDomain.str());
    forEachSubgraph(node, [&](::onnx::GraphProto &graph) {
      nameNodes(model, *graph.mutable_node(), versions);
    });
  }
}

LogicalResult nameNodes(Model &model) {
  ::onnx::ModelProto &proto = model.proto;
  nameNodes(model, *proto.mutable_graph()->mutable_node(),
            Versions(proto.opset_import()));
  if (failed(normalizeImports(model, *proto.mutable_opset_import())))
    return failure();
  for (::onnx::FunctionProto &function : *proto.mutable_functions()) {
    nameNodes(model, *function.mutable_node(),
              Versions(function.opset_import()));
    if (failed(normalizeImports(model, *function.mutable_opset_import())))
      return failure();
  }
  if (model.getOpset(kMicrosoftDomain) == 0) {
    ::onnx::OperatorSetIdProto *import = proto.add_opset_import();
    import->set_domain(kMicrosoftDomain.str());
    import->set_version(1);
  }
  return success();
}

} // namespace bit::detail
