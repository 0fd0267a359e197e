// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/Signature.h"
#include "bit/abi.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace bit {

namespace {

struct DTypeInfo {
  int32_t dtype;
  StringRef name, cType;
};

constexpr DTypeInfo dtypes[] = {
    {BIT_FLOAT32, "float32", "float"},
    {BIT_FLOAT64, "float64", "double"},
    {BIT_FLOAT16, "float16", "uint16_t"},
    {BIT_BFLOAT16, "bfloat16", "uint16_t"},
    {BIT_INT8, "int8", "int8_t"},
    {BIT_INT16, "int16", "int16_t"},
    {BIT_INT32, "int32", "int32_t"},
    {BIT_INT64, "int64", "int64_t"},
    {BIT_UINT8, "uint8", "uint8_t"},
    {BIT_UINT16, "uint16", "uint16_t"},
    {BIT_UINT32, "uint32", "uint32_t"},
    {BIT_UINT64, "uint64", "uint64_t"},
    {BIT_BOOL, "bool", "uint8_t"},
};

const DTypeInfo *findDType(int32_t dtype) {
  return llvm::find_if(dtypes,
                       [&](const DTypeInfo &i) { return i.dtype == dtype; });
}

/// Returns the dtype of an element type, or 0 where the C interface has none.
int32_t getDType(Type type) {
  if (type.isF32())
    return BIT_FLOAT32;
  if (type.isF64())
    return BIT_FLOAT64;
  if (type.isF16())
    return BIT_FLOAT16;
  if (type.isBF16())
    return BIT_BFLOAT16;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return 0;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return BIT_BOOL;
  case 8:
    return isUnsigned ? BIT_UINT8 : BIT_INT8;
  case 16:
    return isUnsigned ? BIT_UINT16 : BIT_INT16;
  case 32:
    return isUnsigned ? BIT_UINT32 : BIT_INT32;
  case 64:
    return isUnsigned ? BIT_UINT64 : BIT_INT64;
  default:
    return 0;
  }
}

FailureOr<TensorSignature> readTensor(Location loc, StringRef kind, Type type,
                                      DictionaryAttr attributes) {
  TensorSignature tensor;
  if (attributes)
    if (auto name = attributes.getAs<StringAttr>("onnx.name"))
      tensor.name = name.str();
  auto tensorType = dyn_cast<RankedTensorType>(type);
  if (tensorType)
    tensor.dtype = getDType(tensorType.getElementType());
  // Where the lowering to linalg dropped the sign.
  if (attributes)
    if (auto element = attributes.getAs<TypeAttr>("onnx.element_type"))
      tensor.dtype = getDType(element.getValue());
  if (!tensorType || tensor.dtype == 0)
    return emitError(loc) << kind << " '" << tensor.name
                          << "' expects a ranked tensor of floats, integers of "
                             "8 to 64 bits or bools, got "
                          << type;
  ArrayAttr names;
  if (attributes)
    names = attributes.getAs<ArrayAttr>("onnx.dims");
  for (auto [i, dim] : llvm::enumerate(tensorType.getShape())) {
    bool isSymbolic = ShapedType::isDynamic(dim);
    tensor.dims.push_back(isSymbolic ? -1 : dim);
    StringAttr name;
    if (isSymbolic && names && i < names.size())
      name = dyn_cast<StringAttr>(names[i]);
    tensor.dimNames.push_back(name ? name.str() : "");
  }
  return tensor;
}

} // namespace

FailureOr<ModelSignature> readSignature(func::FuncOp mainGraph) {
  ModelSignature signature;
  FunctionType type = mainGraph.getFunctionType();
  for (unsigned i = 0; i < type.getNumInputs(); ++i) {
    auto tensor = readTensor(mainGraph.getLoc(), "input", type.getInput(i),
                             mainGraph.getArgAttrDict(i));
    if (failed(tensor))
      return failure();
    signature.inputs.push_back(std::move(*tensor));
  }
  for (unsigned i = 0; i < type.getNumResults(); ++i) {
    auto tensor = readTensor(mainGraph.getLoc(), "output", type.getResult(i),
                             mainGraph.getResultAttrDict(i));
    if (failed(tensor))
      return failure();
    signature.outputs.push_back(std::move(*tensor));
  }
  return signature;
}

StringRef getCType(int32_t dtype) { return findDType(dtype)->cType; }

StringRef getTypeName(int32_t dtype) { return findDType(dtype)->name; }

} // namespace bit
