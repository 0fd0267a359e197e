// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the command line cannot say: which operators stay whole. The models are
// written field by field, since only lib/Import may see protobuf.

#include "bit/Import/Import.h"
#include "Wire.h"
#include "bit/Support/Diagnostics.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mlir;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

namespace {

std::string makeValue(const std::string &name, uint64_t rows) {
  std::string dim = varintField(1, rows);
  std::string type =
      varintField(1, /*FLOAT*/ 1) + bytesField(2, bytesField(1, dim));
  return bytesField(1, name) + bytesField(2, bytesField(1, type));
}

/// A model of one node of opset 20 from x to y, both of 4 floats.
std::string makeModel(const std::string &opType) {
  std::string node = bytesField(1, "x") + bytesField(2, "y") +
                     bytesField(3, "the node") + bytesField(4, opType);
  std::string graph = bytesField(1, node) + bytesField(2, "g") +
                      bytesField(11, makeValue("x", 4)) +
                      bytesField(12, makeValue("y", 4));
  std::string import = bytesField(1, "") + varintField(2, 20);
  return varintField(1, 8) + bytesField(7, graph) + bytesField(8, import);
}

class ImportTest : public testing::Test {
protected:
  OwningOpRef<ModuleOp> import(const std::string &opType,
                               std::vector<std::string> keepWhole) {
    llvm::SmallString<128> path;
    int descriptor = 0;
    EXPECT_FALSE(
        llvm::sys::fs::createTemporaryFile("m", "onnx", descriptor, path));
    {
      llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
      os << makeModel(opType);
    }
    bit::ImportOptions options;
    for (const std::string &name : keepWhole)
      options.keepWhole.insert("ai.onnx." + name);
    OwningOpRef<ModuleOp> module = bit::importOnnx(path, &context, options);
    llvm::sys::fs::remove(path);
    return module;
  }

  static std::vector<std::string> getOperations(ModuleOp module) {
    std::vector<std::string> names;
    module.walk([&](Operation *op) {
      if (op->getName().getDialectNamespace() == "onnx")
        names.push_back(op->getName().stripDialect().str());
    });
    return names;
  }

  MLIRContext context;
  std::string errors;
  llvm::raw_string_ostream os{errors};
  bit::DiagnosticPrinter printer{&context, os};
};

TEST_F(ImportTest, KeepsWhatIsListed) {
  auto module = import("Gelu", {"Gelu"});
  ASSERT_TRUE(module) << errors;
  EXPECT_THAT(getOperations(*module), ElementsAre("Gelu"));
}

TEST_F(ImportTest, ExpandsTheBodiesOfOthersAtTheirNode) {
  auto module = import("Gelu", {"Cast", "Sqrt", "Div", "Erf", "Sum", "Mul"});
  ASSERT_TRUE(module) << errors;
  // Its body has CastLike, which has a body itself.
  EXPECT_THAT(getOperations(*module), Contains("Erf"));
  EXPECT_THAT(getOperations(*module), Not(Contains("CastLike")));
  module->walk([&](Operation *op) {
    if (op->getName().getStringRef() == "onnx.Erf")
      EXPECT_EQ(bit::describeNode(op->getLoc()),
                "node 'the node' (ai.onnx Gelu, opset 20)");
  });
}

TEST_F(ImportTest, AddsTheDefaultsOfTheSchemaToABody) {
  auto module = import("HardSigmoid", {"CastLike", "Mul", "Add", "Max", "Min"});
  ASSERT_TRUE(module) << errors;
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  EXPECT_THAT(text, testing::HasSubstr("onnx.Constant dense<2.000000e-01>"));
}

TEST_F(ImportTest, RefusesWhatHasNoBody) {
  EXPECT_FALSE(import("Sin", {"Cos"}));
  EXPECT_THAT(errors, testing::HasSubstr(
                          "node 'the node' (ai.onnx Sin, opset 20): is not "
                          "supported: there is no lowering of ai.onnx.Sin\n"));
  EXPECT_EQ(printer.getErrorCount(), 1u);
}

TEST_F(ImportTest, RefusesWhatABodyNeeds) {
  EXPECT_FALSE(import("Gelu", {"Add", "Mul", "Cast", "Sqrt", "Div"}));
  EXPECT_THAT(errors,
              testing::HasSubstr("node 'the node' (ai.onnx Gelu, opset 20): is "
                                 "not supported: there is no lowering of"));
}

} // namespace
