// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Import/WireFormat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>

using namespace llvm;

namespace bit {

namespace {

/// The messages of onnx.proto that can hold a tensor.
enum class Message {
  Model,
  Graph,
  Node,
  Attribute,
  SparseTensor,
  Function,
  Tensor
};

enum WireType : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// One field: its number, all its bytes, and those after tag and length.
struct Field {
  uint64_t number;
  uint8_t type;
  StringRef whole;
  StringRef payload;
};

// Field numbers of onnx.proto.
constexpr uint64_t kModelTrainingInfo = 20;
constexpr uint64_t kTensorRawData = 9;
constexpr uint64_t kTensorExternalData = 13;
constexpr uint64_t kTensorDataLocation = 14;

// As deep as protobuf itself would go, so that no file overflows the stack.
constexpr unsigned kMaxDepth = 100;

/// Walks one file; `out` parameters collect the copy.
class Stripper {
public:
  Stripper(StringRef file, uint64_t threshold)
      : file(file), threshold(threshold) {}

  Error copyMessage(Message message, StringRef data, unsigned depth,
                    std::string &out);

  std::vector<FileRange> ranges;

private:
  Error copyTensor(StringRef data, std::string &out);
  Expected<Field> readField(StringRef &data) const;
  Expected<uint64_t> readVarint(StringRef &data) const;
  Error malformed(const char *at, const Twine &what) const {
    return createStringError("expects an ONNX model, got " + what +
                             " at byte " + Twine(at - file.data()));
  }

  StringRef file;
  uint64_t threshold;
};

} // namespace

/// Returns which message field `number` of `parent` is, if it may hold tensors.
static std::optional<Message> getChild(Message parent, uint64_t number) {
  switch (parent) {
  case Message::Model:
    if (number == 7)
      return Message::Graph;
    if (number == 25)
      return Message::Function;
    break;
  case Message::Graph:
    if (number == 1)
      return Message::Node;
    if (number == 5)
      return Message::Tensor;
    if (number == 15)
      return Message::SparseTensor;
    break;
  case Message::Node:
    if (number == 5)
      return Message::Attribute;
    break;
  case Message::Attribute:
    if (number == 5 || number == 10)
      return Message::Tensor;
    if (number == 6 || number == 11)
      return Message::Graph;
    if (number == 22 || number == 23)
      return Message::SparseTensor;
    break;
  case Message::SparseTensor:
    if (number == 1 || number == 2)
      return Message::Tensor;
    break;
  case Message::Function:
    if (number == 7)
      return Message::Node;
    if (number == 11)
      return Message::Attribute;
    break;
  case Message::Tensor:
    break;
  }
  return std::nullopt;
}

static void appendVarint(std::string &out, uint64_t value) {
  uint8_t buffer[10];
  unsigned size = encodeULEB128(value, buffer);
  out.append(reinterpret_cast<char *>(buffer), size);
}

static void appendBytes(std::string &out, uint64_t number, StringRef payload) {
  appendVarint(out, number << 3 | WireType::Bytes);
  appendVarint(out, payload.size());
  out.append(payload.data(), payload.size());
}

Expected<uint64_t> Stripper::readVarint(StringRef &data) const {
  const auto *begin = reinterpret_cast<const uint8_t *>(data.begin());
  const auto *end = reinterpret_cast<const uint8_t *>(data.end());
  unsigned size = 0;
  const char *error = nullptr;
  uint64_t value = decodeULEB128(begin, &size, end, &error);
  if (error || size > 10)
    return malformed(data.begin(), "a malformed number");
  data = data.drop_front(size);
  return value;
}

Expected<Field> Stripper::readField(StringRef &data) const {
  StringRef start = data;
  Expected<uint64_t> tag = readVarint(data);
  if (!tag)
    return tag.takeError();
  uint64_t number = *tag >> 3, length = 0;
  uint8_t type = *tag & 7;
  if (number == 0 || number >> 29 != 0)
    return malformed(start.begin(), "a malformed field");
  switch (type) {
  case WireType::Varint: {
    StringRef rest = data;
    if (Expected<uint64_t> value = readVarint(rest); !value)
      return value.takeError();
    length = data.size() - rest.size();
    break;
  }
  case WireType::Fixed64:
    length = 8;
    break;
  case WireType::Fixed32:
    length = 4;
    break;
  case WireType::Bytes: {
    Expected<uint64_t> value = readVarint(data);
    if (!value)
      return value.takeError();
    length = *value;
    break;
  }
  default:
    return malformed(start.begin(), "a malformed field");
  }
  if (length > data.size())
    return malformed(start.begin(),
                     "a field of " + Twine(length) +
                         " bytes that passes the end (is the file cut off?)");
  Field field{number, type, {}, data.take_front(length)};
  data = data.drop_front(length);
  field.whole = start.drop_back(data.size());
  return field;
}

Error Stripper::copyTensor(StringRef data, std::string &out) {
  std::optional<StringRef> raw;
  while (!data.empty()) {
    Expected<Field> field = readField(data);
    if (!field)
      return field.takeError();
    if (field->type == WireType::Bytes) {
      if (field->number == kTensorRawData) {
        raw = field->payload; // protobuf takes the last one
        continue;
      }
      if (field->number == kTensorExternalData &&
          field->payload.contains(kRangePrefix))
        return malformed(field->whole.begin(),
                         "a location that begins with '" + kRangePrefix + "'");
    }
    out.append(field->whole.data(), field->whole.size());
  }
  if (!raw)
    return Error::success();
  if (raw->size() <= threshold) {
    appendBytes(out, kTensorRawData, *raw);
    return Error::success();
  }
  std::string entry;
  appendBytes(entry, 1, "location");
  appendBytes(entry, 2, (kRangePrefix + Twine(ranges.size())).str());
  appendBytes(out, kTensorExternalData, entry);
  appendVarint(out, kTensorDataLocation << 3 | WireType::Varint);
  appendVarint(out, 1); // TensorProto.EXTERNAL
  ranges.push_back(
      {static_cast<uint64_t>(raw->data() - file.data()), raw->size()});
  return Error::success();
}

Error Stripper::copyMessage(Message message, StringRef data, unsigned depth,
                            std::string &out) {
  if (depth > kMaxDepth)
    return malformed(data.begin(), "graphs nested too deeply");
  if (message == Message::Tensor)
    return copyTensor(data, out);
  while (!data.empty()) {
    Expected<Field> field = readField(data);
    if (!field)
      return field.takeError();
    if (message == Message::Model && field->number == kModelTrainingInfo)
      continue;
    std::optional<Message> child = getChild(message, field->number);
    if (!child || field->type != WireType::Bytes) {
      out.append(field->whole.data(), field->whole.size());
      continue;
    }
    std::string nested;
    if (Error error = copyMessage(*child, field->payload, depth + 1, nested))
      return error;
    appendBytes(out, field->number, nested);
  }
  return Error::success();
}

Expected<StrippedModel> stripModel(StringRef file, uint64_t threshold) {
  Stripper stripper(file, threshold);
  StrippedModel model;
  if (Error error = stripper.copyMessage(Message::Model, file, 0, model.bytes))
    return std::move(error);
  model.ranges = std::move(stripper.ranges);
  return model;
}

} // namespace bit
