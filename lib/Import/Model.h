// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model between two steps of the import.

#ifndef BIT_LIB_IMPORT_MODEL_H
#define BIT_LIB_IMPORT_MODEL_H

#include "bit/Import/Import.h"
#include "mlir/IR/Diagnostics.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include <deque>
#include <memory>

namespace bit::detail {

constexpr llvm::StringLiteral kMicrosoftDomain = "com.microsoft";

/// A node as the file has it. Empty names are allowed.
struct NodeOrigin {
  std::string name;
  std::string firstOutput;
  std::string domain;
  std::string opType;
  int64_t opset;
};

/// Bytes of a mapped file.
struct DataRange {
  std::shared_ptr<llvm::MemoryBuffer> file;
  uint64_t offset;
  uint64_t length;

  llvm::StringRef getBytes() const {
    return file->getBuffer().substr(offset, length);
  }
};

class Model {
public:
  Model(llvm::StringRef path, mlir::MLIRContext *context,
        const ImportOptions &options)
      : path(path), context(context), options(options) {}

  /// Where `node` is in the file the user gave. Between nameNodes and the end
  /// every node's name is "#" and the index of its origin, then what libonnx
  /// added to make it unique: names survive inlining and conversion, and
  /// libonnx puts them into its messages.
  mlir::Location getLocation(const ::onnx::NodeProto &node) const;
  mlir::Location getLocation(llvm::StringRef nodeName,
                             llvm::StringRef firstOutput) const;
  mlir::Location getFileLocation() const;

  mlir::InFlightDiagnostic emitError(const ::onnx::NodeProto &node) const {
    return mlir::emitError(getLocation(node));
  }
  mlir::InFlightDiagnostic emitError() const {
    return mlir::emitError(getFileLocation());
  }

  /// Returns the index of the origin that a node's name stands for.
  std::optional<size_t> getOriginIndex(llvm::StringRef nodeName) const;

  /// Puts names back into a text of libonnx.
  std::string restoreNames(llvm::StringRef text) const;

  /// Opset of `domain`, or 0 where the model has none.
  int64_t getOpset(llvm::StringRef domain) const;

  std::string path;
  mlir::MLIRContext *context;
  const ImportOptions &options;
  ::onnx::ModelProto proto;
  std::vector<NodeOrigin> origins;
  /// What the location kRangePrefix + index of an external tensor means.
  std::vector<DataRange> ranges;
  /// The initializers of inputs are default values: the file's IR version is 4
  /// or more.
  bool hasDefaults = false;
  /// The inputs that have default values.
  llvm::StringSet<> defaultedInputs;
  /// The graph's outputs as the file declares them.
  std::vector<::onnx::ValueInfoProto> declaredOutputs;
};

using Nodes = google::protobuf::RepeatedPtrField<::onnx::NodeProto>;

/// Calls `visit` for every list of nodes: of the graph, its subgraphs, the
/// functions. Outer lists come first.
void forEachNodes(::onnx::ModelProto &model,
                  llvm::function_ref<void(Nodes &)> visit);

/// Calls `visit` for the graph and every subgraph, functions' included.
void forEachGraph(::onnx::ModelProto &model,
                  llvm::function_ref<void(::onnx::GraphProto &)> visit);

/// Calls `visit` for each graph attribute of `node`.
void forEachSubgraph(::onnx::NodeProto &node,
                     llvm::function_ref<void(::onnx::GraphProto &)> visit);

// The steps, in order. Each emits its errors, all it can find.

/// Maps, strips and parses the file.
mlir::LogicalResult readModel(Model &model);
/// Numbers the nodes, gives the default domain one name and every other one
/// version: only ai.onnx has versions that matter here.
mlir::LogicalResult nameNodes(Model &model);
/// Versions, names, order; sorts nodes that are not in order.
mlir::LogicalResult checkStructure(Model &model);
/// Types, sizes and places of all tensors; maps external files.
mlir::LogicalResult checkTensors(Model &model);
/// Tells inputs from constants, fixes dimensions.
mlir::LogicalResult prepareInputs(Model &model);
/// Expands the model's own functions.
mlir::LogicalResult inlineFunctions(Model &model);
/// Finds every node that later steps would refuse.
mlir::LogicalResult checkOperators(Model &model);
/// Converts to kImportOpset.
mlir::LogicalResult convertVersion(Model &model);
/// Infers all types strictly, expands operators without lowering on the way,
/// then runs libonnx's checker.
mlir::LogicalResult inferTypes(Model &model);
/// Writes the MLIR.
mlir::OwningOpRef<mlir::ModuleOp> emitModule(Model &model);

} // namespace bit::detail

#endif // BIT_LIB_IMPORT_MODEL_H
