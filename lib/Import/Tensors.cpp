// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bytes behind every tensor: that they exist, that they are as many as its
// type needs, and that they lie in the model's folder. libonnx checks lower
// bounds only, and takes any offset.

#include "Elements.h"
#include "Model.h"
#include "bit/Import/WireFormat.h"
#include "onnx/checker.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Path.h"
#include <algorithm>
#include <unistd.h>

using namespace mlir;
using ::onnx::TensorProto;

namespace bit::detail {

namespace {

/// Emits the start of an error about one tensor.
using Report = llvm::function_ref<InFlightDiagnostic()>;

class TensorChecker {
public:
  explicit TensorChecker(Model &model)
      : model(model), folder(llvm::sys::path::parent_path(model.path).str()),
        budget(kMinimumBudget + model.proto.ByteSizeLong()) {
    if (folder.empty())
      folder = ".";
  }

  LogicalResult check(TensorProto &tensor, Report report);

private:
  LogicalResult checkExternal(TensorProto &tensor, uint64_t bytes,
                              Report report);
  LogicalResult checkInline(const TensorProto &tensor, int64_t count,
                            uint64_t bytes, Report report);
  std::shared_ptr<llvm::MemoryBuffer>
  openFile(const std::string &location, StringRef tensorName, Report report);

  /// Shape inference must see small tensors, so they are read in; a file that
  /// names the same bytes again and again cannot make that large.
  static constexpr uint64_t kMinimumBudget = 64 << 20;

  Model &model;
  std::string folder;
  uint64_t budget;
  llvm::StringMap<std::shared_ptr<llvm::MemoryBuffer>> files;
};

} // namespace

std::shared_ptr<llvm::MemoryBuffer>
TensorChecker::openFile(const std::string &location, StringRef tensorName,
                        Report report) {
  auto [it, inserted] = files.try_emplace(location);
  if (!inserted) {
    if (!it->second)
      report() << "expects a readable file '" << location << "'";
    return it->second;
  }
  if (location.empty() || llvm::sys::path::is_absolute(location) ||
      std::find(llvm::sys::path::begin(location),
                llvm::sys::path::end(location),
                "..") != llvm::sys::path::end(location)) {
    report() << "expects a file in the model's folder, got '" << location
             << "'";
    return nullptr;
  }
  // libonnx opens it so that no link on the way can leave the folder.
  int descriptor = -1;
  try {
    descriptor = static_cast<int>(::onnx::checker::open_external_data(
        folder, location, tensorName.str(), /*read_only=*/true));
  } catch (const std::exception &exception) {
    report() << "expects a regular file '" << location
             << "' in the model's folder, without links on the way";
    return nullptr;
  }
  auto buffer =
      llvm::MemoryBuffer::getOpenFile(descriptor, location, /*FileSize=*/-1,
                                      /*RequiresNullTerminator=*/false);
  ::close(descriptor);
  if (!buffer) {
    report() << "expects a readable file '" << location
             << "': " << buffer.getError().message();
    return nullptr;
  }
  return it->second = std::move(*buffer);
}

LogicalResult TensorChecker::checkExternal(TensorProto &tensor, uint64_t bytes,
                                           Report report) {
  llvm::StringMap<std::string> entries;
  for (const ::onnx::StringStringEntryProto &entry : tensor.external_data())
    if (!entries.try_emplace(entry.key(), entry.value()).second)
      return report() << "expects one '" << entry.key()
                      << "' of its data, got several";
  for (const char *key : {"offset", "length"}) {
    uint64_t value;
    auto it = entries.find(key);
    if (it != entries.end() && StringRef(it->second).getAsInteger(10, value))
      return report() << "expects " << key
                      << " of its data to be a number of bytes, got '"
                      << it->second << "'";
  }
  if (tensor.has_raw_data() || tensor.float_data_size() ||
      tensor.int32_data_size() || tensor.int64_data_size() ||
      tensor.uint64_data_size() || tensor.double_data_size())
    return report() << "expects its data here or in another file, got both";

  DataRange range;
  std::string locationText = entries.lookup("location");
  StringRef location = locationText;
  if (location.consume_front(kRangePrefix)) {
    size_t index = 0;
    if (location.getAsInteger(10, index) || index >= model.ranges.size())
      return report() << "expects a location of its data";
    if (model.ranges[index].length != bytes)
      return report() << "expects " << bytes << " bytes of data, got "
                      << model.ranges[index].length;
    return success();
  }
  range.file = openFile(location.str(), tensor.name(), report);
  if (!range.file)
    return failure();
  uint64_t length = bytes;
  range.offset = 0;
  // Both parsed above.
  (void)StringRef(entries["offset"]).getAsInteger(10, range.offset);
  (void)StringRef(entries["length"]).getAsInteger(10, length);
  if (length != bytes)
    return report() << "expects " << bytes << " bytes of data, got " << length;
  range.length = length;
  std::optional<uint64_t> end =
      llvm::checkedAddUnsigned(range.offset, range.length);
  uint64_t size = range.file->getBufferSize();
  if (!end || *end > size)
    return report() << "expects " << bytes << " bytes of data at offset "
                    << range.offset << " of '" << location
                    << "', got a file of " << size << " bytes";

  tensor.clear_external_data();
  if (bytes <= kLargeTensorBytes && bytes <= budget) {
    budget -= bytes;
    tensor.clear_data_location();
    tensor.set_raw_data(range.getBytes().str());
    return success();
  }
  ::onnx::StringStringEntryProto *entry = tensor.add_external_data();
  entry->set_key("location");
  entry->set_value((kRangePrefix + llvm::Twine(model.ranges.size())).str());
  model.ranges.push_back(std::move(range));
  return success();
}

/// Returns the number of entries a typed field needs for `count` elements:
/// small integers are packed into bytes, one byte an entry.
static int64_t countEntries(int64_t count, unsigned bits) {
  return bits < 8 ? llvm::divideCeil(count, 8 / bits) : count;
}

LogicalResult TensorChecker::checkInline(const TensorProto &tensor,
                                         int64_t count, uint64_t bytes,
                                         Report report) {
  if (tensor.has_raw_data() && !tensor.raw_data().empty()) {
    if (tensor.raw_data().size() != bytes)
      return report() << "expects " << bytes << " bytes of data, got "
                      << tensor.raw_data().size();
    return success();
  }
  int64_t entries = 0;
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    entries = tensor.float_data_size();
    break;
  case TensorProto::DOUBLE:
    entries = tensor.double_data_size();
    break;
  case TensorProto::INT64:
    entries = tensor.int64_data_size();
    break;
  case TensorProto::UINT32:
  case TensorProto::UINT64:
    entries = tensor.uint64_data_size();
    break;
  default:
    entries = tensor.int32_data_size();
    break;
  }
  int64_t expected = countEntries(count, getElementBits(tensor.data_type()));
  if (entries != expected)
    return report() << "expects " << expected << " values, got " << entries;
  return success();
}

LogicalResult TensorChecker::check(TensorProto &tensor, Report report) {
  unsigned bits = getElementBits(tensor.data_type());
  if (bits == 0)
    return report() << "expects numbers or booleans, got elements of "
                    << getElementName(tensor.data_type());
  if (tensor.has_segment())
    return report() << "expects a whole tensor, got a segment";
  std::optional<int64_t> count = countElements(tensor.dims());
  std::optional<uint64_t> bytes;
  if (count)
    bytes = countBytes(*count, bits);
  if (!bytes)
    return report() << "expects dimensions whose product is a 63-bit number "
                       "of bits, got "
                    << printDims(tensor.dims());
  if (tensor.data_location() == TensorProto::EXTERNAL)
    return checkExternal(tensor, *bytes, report);
  return checkInline(tensor, *count, *bytes, report);
}

LogicalResult checkTensors(Model &model) {
  TensorChecker checker(model);
  LogicalResult result = success();
  forEachGraph(model.proto, [&](::onnx::GraphProto &graph) {
    for (TensorProto &tensor : *graph.mutable_initializer())
      if (failed(checker.check(tensor, [&]() {
            return std::move(model.emitError()
                             << "initializer '" << tensor.name() << "' ");
          })))
        result = failure();
  });
  auto checkAttribute = [&](::onnx::AttributeProto &attribute, Report report) {
    if (attribute.has_sparse_tensor() || attribute.sparse_tensors_size())
      result = report() << "expects a dense tensor, got a sparse one";
    if (attribute.has_t() &&
        failed(checker.check(*attribute.mutable_t(), report)))
      result = failure();
    for (TensorProto &tensor : *attribute.mutable_tensors())
      if (failed(checker.check(tensor, report)))
        result = failure();
  };
  forEachNodes(model.proto, [&](Nodes &nodes) {
    for (::onnx::NodeProto &node : nodes)
      for (::onnx::AttributeProto &attribute : *node.mutable_attribute())
        checkAttribute(attribute, [&]() {
          return std::move(model.emitError(node)
                           << "attribute '" << attribute.name() << "' ");
        });
  });
  for (::onnx::FunctionProto &function : *model.proto.mutable_functions())
    for (::onnx::AttributeProto &attribute :
         *function.mutable_attribute_proto())
      checkAttribute(attribute, [&]() {
        return std::move(model.emitError()
                         << "function '" << function.name() << "' ");
      });
  return result;
}

} // namespace bit::detail
