// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Constants.h"
#include "Elements.h"
#include "bit/Import/WireFormat.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace mlir;
using ::onnx::TensorProto;

namespace bit::detail {

/// Returns a resource that keeps the file mapped. Its alignment is what the
/// file gives: nothing is copied, readers use memcpy.
static ElementsAttr makeResource(const DataRange &range, RankedTensorType type,
                                 StringRef name) {
  StringRef bytes = range.getBytes();
  const auto address = reinterpret_cast<uintptr_t>(bytes.data());
  const size_t alignment =
      size_t(1) << std::min(6u, unsigned(llvm::countr_zero(address)));
  AsmResourceBlob blob = UnmanagedAsmResourceBlob::allocateWithAlign(
      ArrayRef<char>(bytes.data(), bytes.size()), alignment,
      [file = range.file](void *, size_t, size_t) {});
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

/// Returns `values` narrowed to their low `sizeof(T)` bytes each.
template <typename T, typename Values>
static std::string pack(const Values &values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  size_t at = 0;
  for (auto value : values) {
    T narrow = static_cast<T>(value);
    std::memcpy(bytes.data() + at, &narrow, sizeof(T));
    at += sizeof(T);
  }
  return bytes;
}

/// Returns the elements as raw_data would have them.
static std::string getBytes(const TensorProto &tensor) {
  if (!tensor.raw_data().empty())
    return tensor.raw_data();
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return pack<float>(tensor.float_data());
  case TensorProto::DOUBLE:
    return pack<double>(tensor.double_data());
  case TensorProto::INT64:
    return pack<int64_t>(tensor.int64_data());
  case TensorProto::UINT64:
    return pack<uint64_t>(tensor.uint64_data());
  case TensorProto::UINT32:
    return pack<uint32_t>(tensor.uint64_data());
  case TensorProto::INT32:
    return pack<int32_t>(tensor.int32_data());
  default:
    if (getElementBits(tensor.data_type()) == 16)
      return pack<uint16_t>(tensor.int32_data());
    return pack<uint8_t>(tensor.int32_data());
  }
}

/// Elements that MLIR stores in another form than ONNX.
static DenseElementsAttr unpackElements(StringRef bytes, RankedTensorType type,
                                        unsigned bits) {
  const int64_t count = type.getNumElements();
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> values(count);
    for (int64_t i = 0; i < count; ++i)
      values[i] = bytes[i] != 0;
    return DenseElementsAttr::get(type, values);
  }
  const unsigned perByte = 8 / bits;
  SmallVector<APInt> values;
  for (int64_t i = 0; i < count; ++i) {
    uint8_t byte = bytes[i / perByte];
    values.push_back(APInt(bits, byte >> (i % perByte * bits),
                           /*isSigned=*/false, /*implicitTrunc=*/true));
  }
  auto floatType = dyn_cast<FloatType>(type.getElementType());
  if (!floatType)
    return DenseElementsAttr::get(type, values);
  SmallVector<APFloat> floats;
  for (const APInt &value : values)
    floats.emplace_back(floatType.getFloatSemantics(), value);
  return DenseElementsAttr::get(type, floats);
}

ElementsAttr convertTensor(const Model &model, const TensorProto &tensor,
                           StringRef name) {
  SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  auto type = RankedTensorType::get(
      shape, getElementType(model.context, tensor.data_type()));
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    StringRef location = tensor.external_data(0).value();
    for (const auto &entry : tensor.external_data())
      if (entry.key() == "location")
        location = entry.value();
    size_t index = 0;
    location.consume_front(kRangePrefix);
    location.getAsInteger(10, index);
    return makeResource(model.ranges[index], type, name);
  }
  std::string bytes = getBytes(tensor);
  const unsigned bits = getElementBits(tensor.data_type());
  if (bits < 8 || type.getElementType().isInteger(1))
    return unpackElements(bytes, type, bits);
  // One element's bytes would read as a splat; both mean the same here.
  return DenseElementsAttr::getFromRawBuffer(
      type, ArrayRef<char>(bytes.data(), bytes.size()));
}

} // namespace bit::detail
