// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Support/NodeLocation.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace {

const bit::NodeInfo conv = {"conv_3", "ai.onnx", "Conv", 13, "model.onnx"};

TEST(NodeLocationTest, ReadsBackWhatItWrote) {
  MLIRContext context;
  auto info = bit::getNodeInfo(bit::getNodeLocation(&context, conv));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->name, "conv_3");
  EXPECT_EQ(info->domain, "ai.onnx");
  EXPECT_EQ(info->opType, "Conv");
  EXPECT_EQ(info->opset, 13);
  EXPECT_EQ(info->file, "model.onnx");
}

TEST(NodeLocationTest, FindsTheFirstNodeOfAFusedLocation) {
  MLIRContext context;
  bit::NodeInfo other = conv;
  other.name = "relu_4";
  Location both =
      FusedLoc::get(&context, {UnknownLoc::get(&context),
                               bit::getNodeLocation(&context, conv),
                               bit::getNodeLocation(&context, other)});
  EXPECT_EQ(bit::getNodeInfo(both)->name, "conv_3");
}

TEST(NodeLocationTest, DescribesTheNodeAsErrorsDo) {
  MLIRContext context;
  EXPECT_EQ(bit::describeNode(bit::getNodeLocation(&context, conv)),
            "node 'conv_3' (ai.onnx Conv, opset 13)");
  EXPECT_EQ(bit::describeNode(UnknownLoc::get(&context)), "");
}

} // namespace
