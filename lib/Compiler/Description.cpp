// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/Description.h"
#include "bit/abi.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace bit {

std::string getDescribeSymbol(const ModelDescription &model) {
  return model.name + "_describe";
}

namespace {

/// Builds the tables of bit/abi.h field by field, in their order there; its
/// assertions pin the offsets that this order gives.
class TableBuilder {
public:
  explicit TableBuilder(Module &module)
      : module(module), context(module.getContext()),
        pointer(PointerType::get(context, 0)), i32(Type::getInt32Ty(context)),
        i64(Type::getInt64Ty(context)) {}

  Constant *int32(uint32_t value) { return ConstantInt::get(i32, value); }
  Constant *int64(uint64_t value) { return ConstantInt::get(i64, value); }
  Constant *null() { return ConstantPointerNull::get(pointer); }

  /// Adds `data` to the module; returns its address.
  GlobalVariable *global(Constant *data, StringRef name) {
    auto *global = new GlobalVariable(module, data->getType(), true,
                                      GlobalValue::PrivateLinkage, data, name);
    global->setAlignment(Align(8));
    return global;
  }

  Constant *string(StringRef text) {
    return global(ConstantDataArray::getString(context, text), "bit.string");
  }

  /// An array of structs or pointers, or null where there is none.
  Constant *table(ArrayRef<Constant *> rows, StringRef name) {
    if (rows.empty())
      return null();
    auto *type = ArrayType::get(rows.front()->getType(), rows.size());
    return global(ConstantArray::get(type, rows), name);
  }

  Constant *record(ArrayRef<Constant *> fields) {
    return ConstantStruct::getAnon(context, fields);
  }

  Constant *tensors(ArrayRef<TensorSignature> tensors, StringRef name) {
    SmallVector<Constant *> rows;
    for (const TensorSignature &tensor : tensors) {
      SmallVector<Constant *> dims, names;
      for (auto [dim, dimName] : zip(tensor.dims, tensor.dimNames)) {
        dims.push_back(int64(dim));
        names.push_back(dimName.empty() ? null() : string(dimName));
      }
      rows.push_back(record({string(tensor.name), int32(tensor.dtype),
                             int32(tensor.dims.size()), table(dims, "bit.dims"),
                             table(names, "bit.dim_names")}));
    }
    return table(rows, name);
  }

  Constant *levels(ArrayRef<LevelDescription> levels) {
    SmallVector<Constant *> rows;
    for (const LevelDescription &level : levels)
      rows.push_back(record({string(level.name), int64(level.features),
                             module.getFunction(level.function)}));
    return table(rows, "bit.levels");
  }

  Constant *weights(StringRef symbol) {
    if (symbol.empty())
      return null();
    auto *weights = new GlobalVariable(
        module, Type::getInt8Ty(context), /*isConstant=*/true,
        GlobalValue::ExternalLinkage, nullptr, symbol);
    weights->setVisibility(GlobalValue::HiddenVisibility);
    return weights;
  }

private:
  Module &module;
  LLVMContext &context;
  PointerType *pointer;
  Type *i32, *i64;
};

} // namespace

void emitDescription(Module &module, const ModelDescription &model) {
  TableBuilder tables(module);
  const ModelSignature &signature = model.signature;
  Constant *fields[] = {
      tables.int32(BIT_ABI_VERSION),
      tables.int32(sizeof(bit_model_desc)),
      tables.string(model.name),
      tables.string(BIT_VERSION),
      tables.int64(model.hash[0]),
      tables.int64(model.hash[1]),
      tables.int32(signature.inputs.size()),
      tables.int32(signature.outputs.size()),
      tables.int32(model.levels.size()),
      tables.int32(0),
      tables.tensors(signature.inputs, "bit.inputs"),
      tables.tensors(signature.outputs, "bit.outputs"),
      tables.levels(model.levels),
      tables.weights(model.weightsSymbol),
      tables.int64(model.weightsBytes),
      tables.int64(model.arenaBytes),
      tables.null(),
      tables.int64(model.weightsHash[0]),
      tables.int64(model.weightsHash[1]),
      tables.string(model.manifest),
  };
  GlobalVariable *description =
      tables.global(tables.record(fields), "bit.description");

  auto *type = FunctionType::get(PointerType::get(module.getContext(), 0), {});
  auto *describe = Function::Create(type, GlobalValue::ExternalLinkage,
                                    getDescribeSymbol(model), module);
  IRBuilder<> builder(BasicBlock::Create(module.getContext(), "", describe));
  builder.CreateRet(description);
}

/// Writes "float x[batch][64]": shape and names as a C programmer reads them.
static void describeTensor(raw_ostream &os, const TensorSignature &tensor) {
  os << getTypeName(tensor.dtype) << " [";
  for (size_t i = 0; i < tensor.dims.size(); ++i) {
    os << (i ? ", " : "");
    if (tensor.dims[i] >= 0)
      os << tensor.dims[i];
    else
      os << (tensor.dimNames[i].empty() ? "?" : tensor.dimNames[i]);
  }
  os << "], elements in " << getCType(tensor.dtype);
}

/// Names come from the model: they may not end the comment they stand in.
static std::string commentSafe(StringRef text) {
  std::string safe;
  for (char c : text)
    safe += (c == '*' || c == '\\' || !isPrint(c)) ? '?' : c;
  return safe;
}

void writeHeader(raw_ostream &os, const ModelDescription &model) {
  std::string guard = StringRef(model.name).upper() + "_H";
  os << "/* Made by bit-mlir " << BIT_VERSION << ". */\n";
  os << "#ifndef " << guard << "\n#define " << guard << "\n\n";
  os << "#include \"bit/runtime.h\"\n\n";
  os << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  auto list = [&](StringRef kind, ArrayRef<TensorSignature> tensors) {
    os << "   " << kind << "s, in order:\n";
    for (auto [i, tensor] : enumerate(tensors)) {
      std::string shape;
      raw_string_ostream shapeOs(shape);
      describeTensor(shapeOs, tensor);
      os << "     " << i << ": " << commentSafe(tensor.name) << ", "
         << commentSafe(shape) << "\n";
    }
  };
  os << "/* The model " << model.name << ".\n";
  list("Input", model.signature.inputs);
  list("Output", model.signature.outputs);
  os << "   Dimensions with a name are the caller's choice; equal names are\n"
        "   equal sizes within a run. */\n\n";
  os << "#define " << StringRef(model.name).upper() << "_INPUTS "
     << model.signature.inputs.size() << "\n";
  os << "#define " << StringRef(model.name).upper() << "_OUTPUTS "
     << model.signature.outputs.size() << "\n\n";
  os << "/* The description that bit_model_open takes. Never NULL; valid as "
        "long as\n   the library is loaded; thread-safe. */\n";
  os << "const bit_model_desc *" << getDescribeSymbol(model) << "(void);\n\n";
  os << "/* Opens the model: bit_model_open(" << getDescribeSymbol(model)
     << "(), options, model),\n   with its results. */\n";
  os << "static inline bit_status " << model.name
     << "_open(const bit_options *options, bit_model **model) {\n"
     << "  return bit_model_open(" << getDescribeSymbol(model)
     << "(), options, model);\n}\n\n";
  os << "#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
}

} // namespace bit
