// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Support/Diagnostics.h"
#include "bit/Support/NodeLocation.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace {

std::string printed(MLIRContext &context, unsigned limit,
                    llvm::function_ref<void()> emit) {
  std::string text;
  llvm::raw_string_ostream os(text);
  {
    bit::DiagnosticPrinter printer(&context, os, limit);
    emit();
  }
  return text;
}

TEST(DiagnosticsTest, NamesFileAndNode) {
  MLIRContext context;
  Location loc = bit::getNodeLocation(
      &context, {"conv_3", "ai.onnx", "Conv", 13, "model.onnx"});
  EXPECT_EQ(printed(context, 5, [&] { emitError(loc) << "expects x, got y"; }),
            "model.onnx: error: node 'conv_3' (ai.onnx Conv, opset 13): "
            "expects x, got y\n");
  EXPECT_EQ(printed(context, 5, [&] { emitError(loc) << "'onnx.Conv' op no"; }),
            "model.onnx: error: node 'conv_3' (ai.onnx Conv, opset 13): no\n");
}

TEST(DiagnosticsTest, NamesTheLineOfOtherFiles) {
  MLIRContext context;
  Location model = FileLineColLoc::get(&context, "model.onnx", 0, 0);
  Location text = FileLineColLoc::get(&context, "a.mlir", 3, 7);
  EXPECT_EQ(printed(context, 5, [&] { emitError(model) << "is a\nb"; }),
            "model.onnx: error: is a b\n");
  EXPECT_EQ(
      printed(context, 5, [&] { emitWarning(text).attachNote() << "because"; }),
      "a.mlir:3:7: warning: \na.mlir:3:7: note: because\n");
}

TEST(DiagnosticsTest, CountsWhatItDoesNotPrint) {
  MLIRContext context;
  Location loc = FileLineColLoc::get(&context, "m.onnx", 0, 0);
  std::string text;
  llvm::raw_string_ostream os(text);
  {
    bit::DiagnosticPrinter printer(&context, os, /*limit=*/2);
    for (int i = 0; i < 5; ++i)
      emitError(loc) << i;
    EXPECT_EQ(printer.getErrorCount(), 5u);
    EXPECT_EQ(printer.getLines().size(), 5u);
    EXPECT_EQ(printer.getLines().back(), "m.onnx: error: 4");
  }
  EXPECT_EQ(text, "m.onnx: error: 0\nm.onnx: error: 1\n... and 3 more\n");
}

} // namespace
