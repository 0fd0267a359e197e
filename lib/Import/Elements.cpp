// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/InterleavedRange.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using ::onnx::TensorProto;

namespace bit::detail {

static Type unsignedType(MLIRContext *context, unsigned width) {
  return IntegerType::get(context, width, IntegerType::Unsigned);
}

Type getElementType(MLIRContext *context, int32_t onnxType) {
  switch (onnxType) {
  case TensorProto::BOOL:
    return IntegerType::get(context, 1);
  case TensorProto::INT2:
    return IntegerType::get(context, 2);
  case TensorProto::INT4:
    return IntegerType::get(context, 4);
  case TensorProto::INT8:
    return IntegerType::get(context, 8);
  case TensorProto::INT16:
    return IntegerType::get(context, 16);
  case TensorProto::INT32:
    return IntegerType::get(context, 32);
  case TensorProto::INT64:
    return IntegerType::get(context, 64);
  case TensorProto::UINT2:
    return unsignedType(context, 2);
  case TensorProto::UINT4:
    return unsignedType(context, 4);
  case TensorProto::UINT8:
    return unsignedType(context, 8);
  case TensorProto::UINT16:
    return unsignedType(context, 16);
  case TensorProto::UINT32:
    return unsignedType(context, 32);
  case TensorProto::UINT64:
    return unsignedType(context, 64);
  case TensorProto::FLOAT4E2M1:
    return Float4E2M1FNType::get(context);
  case TensorProto::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case TensorProto::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case TensorProto::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case TensorProto::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case TensorProto::FLOAT8E8M0:
    return Float8E8M0FNUType::get(context);
  case TensorProto::BFLOAT16:
    return BFloat16Type::get(context);
  case TensorProto::FLOAT16:
    return Float16Type::get(context);
  case TensorProto::FLOAT:
    return Float32Type::get(context);
  case TensorProto::DOUBLE:
    return Float64Type::get(context);
  default:
    return {};
  }
}

unsigned getElementBits(int32_t onnxType) {
  switch (onnxType) {
  case TensorProto::INT2:
  case TensorProto::UINT2:
    return 2;
  case TensorProto::INT4:
  case TensorProto::UINT4:
  case TensorProto::FLOAT4E2M1:
    return 4;
  case TensorProto::BOOL:
  case TensorProto::INT8:
  case TensorProto::UINT8:
  case TensorProto::FLOAT8E4M3FN:
  case TensorProto::FLOAT8E4M3FNUZ:
  case TensorProto::FLOAT8E5M2:
  case TensorProto::FLOAT8E5M2FNUZ:
  case TensorProto::FLOAT8E8M0:
    return 8;
  case TensorProto::INT16:
  case TensorProto::UINT16:
  case TensorProto::BFLOAT16:
  case TensorProto::FLOAT16:
    return 16;
  case TensorProto::INT32:
  case TensorProto::UINT32:
  case TensorProto::FLOAT:
    return 32;
  case TensorProto::INT64:
  case TensorProto::UINT64:
  case TensorProto::DOUBLE:
    return 64;
  default:
    return 0;
  }
}

std::string getElementName(int32_t onnxType) {
  if (!::onnx::TensorProto_DataType_IsValid(onnxType))
    return "type number " + std::to_string(onnxType);
  return llvm::StringRef(::onnx::TensorProto_DataType_Name(
                             static_cast<TensorProto::DataType>(onnxType)))
      .lower();
}

std::string printDims(const google::protobuf::RepeatedField<int64_t> &dims) {
  return llvm::interleaved_array(dims).str();
}

std::optional<int64_t>
countElements(const google::protobuf::RepeatedField<int64_t> &dims) {
  bool empty = false;
  for (int64_t dim : dims) {
    if (dim < 0)
      return std::nullopt;
    empty |= dim == 0;
  }
  if (empty)
    return 0;
  int64_t count = 1;
  for (int64_t dim : dims) {
    std::optional<int64_t> product = llvm::checkedMul(count, dim);
    if (!product)
      return std::nullopt;
    count = *product;
  }
  return count;
}

std::optional<uint64_t> countBytes(int64_t count, unsigned bits) {
  std::optional<int64_t> total = llvm::checkedMul<int64_t>(count, bits);
  if (!total)
    return std::nullopt;
  return llvm::divideCeil(static_cast<uint64_t>(*total), 8);
}

} // namespace bit::detail
