// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Import/WireFormat.h"
#include "Wire.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <random>

using testing::HasSubstr;

namespace {

// Field numbers of onnx.proto, as the tests need them.
constexpr uint64_t kModelGraph = 7, kGraphNode = 1, kGraphInitializer = 5,
                   kNodeAttribute = 5, kAttributeGraph = 6, kTensorName = 8,
                   kTensorRaw = 9, kTensorExternal = 13;

std::string tensor(const std::string &name, const std::string &raw) {
  return bytesField(kTensorName, name) + bytesField(kTensorRaw, raw);
}

std::string modelOfInitializer(const std::string &tensor) {
  return bytesField(kModelGraph, bytesField(kGraphInitializer, tensor));
}

/// What a stripped tensor holds instead of raw_data.
std::string externalEntry(unsigned index) {
  return bytesField(kTensorExternal,
                    bytesField(1, "location") +
                        bytesField(2, "#bit:" + std::to_string(index))) +
         varint(14 << 3) + varint(1);
}

std::string errorOf(llvm::StringRef file) {
  auto model = bit::stripModel(file, 16);
  return model ? "" : llvm::toString(model.takeError());
}

TEST(WireFormatTest, CopiesASmallModelByteForByte) {
  std::string file = modelOfInitializer(tensor("w", std::string(16, 'x')));
  auto model = bit::stripModel(file, 16);
  ASSERT_TRUE(bool(model));
  EXPECT_EQ(model->bytes, file);
  EXPECT_TRUE(model->ranges.empty());
}

TEST(WireFormatTest, ReplacesALargeInitializerByItsPlace) {
  std::string raw(17, 'x');
  std::string file = modelOfInitializer(tensor("w", raw));
  auto model = bit::stripModel(file, 16);
  ASSERT_TRUE(bool(model));
  EXPECT_EQ(model->bytes, modelOfInitializer(bytesField(kTensorName, "w") +
                                             externalEntry(0)));
  ASSERT_EQ(model->ranges.size(), 1u);
  EXPECT_EQ(file.substr(model->ranges[0].offset, model->ranges[0].length), raw);
}

TEST(WireFormatTest, FindsTensorsInSubgraphs) {
  std::string body =
      bytesField(kGraphInitializer, tensor("inner", std::string(99, 'i')));
  std::string file = bytesField(
      kModelGraph,
      bytesField(kGraphNode, bytesField(kNodeAttribute,
                                        bytesField(kAttributeGraph, body))) +
          bytesField(kGraphInitializer, tensor("w", std::string(50, 'o'))));
  auto model = bit::stripModel(file, 16);
  ASSERT_TRUE(bool(model));
  ASSERT_EQ(model->ranges.size(), 2u);
  EXPECT_EQ(file.substr(model->ranges[0].offset, model->ranges[0].length),
            std::string(99, 'i'));
  EXPECT_EQ(file.substr(model->ranges[1].offset, model->ranges[1].length),
            std::string(50, 'o'));
  EXPECT_LT(model->bytes.size(), 120u);
}

TEST(WireFormatTest, TakesTheLastOfTwoRawDataAsProtobufDoes) {
  std::string file = modelOfInitializer(tensor("w", std::string(99, 'x')) +
                                        bytesField(kTensorRaw, "small"));
  auto model = bit::stripModel(file, 16);
  ASSERT_TRUE(bool(model));
  EXPECT_EQ(model->bytes, modelOfInitializer(tensor("w", "small")));
  EXPECT_TRUE(model->ranges.empty());
}

TEST(WireFormatTest, RefusesALocationThatLooksLikeItsOwn) {
  std::string file = modelOfInitializer(externalEntry(0));
  EXPECT_THAT(errorOf(file), HasSubstr("a location that begins with '#bit:'"));
}

TEST(WireFormatTest, RefusesAFieldPastTheEnd) {
  EXPECT_EQ(errorOf(varint(kModelGraph << 3 | 2) + varint(1000) + "x"),
            "expects an ONNX model, got a field of 1000 bytes that passes the "
            "end (is the file cut off?) at byte 0");
  EXPECT_THAT(errorOf(varint(kModelGraph << 3 | 2) + varint(~0ull) + "x"),
              HasSubstr("passes the end"));
}

TEST(WireFormatTest, RefusesMalformedNumbersAndFields) {
  EXPECT_EQ(errorOf("\x08"),
            "expects an ONNX model, got a malformed number at byte 1");
  EXPECT_THAT(errorOf(std::string(11, '\xff')), HasSubstr("malformed number"));
  EXPECT_THAT(errorOf(varint(1 << 3 | 3)), HasSubstr("malformed field"));
  EXPECT_THAT(errorOf(std::string(1, '\0')), HasSubstr("malformed field"));
}

TEST(WireFormatTest, RefusesEndlessNesting) {
  std::string graph = "";
  for (int i = 0; i < 200; ++i)
    graph =
        bytesField(kGraphNode, bytesField(kNodeAttribute,
                                          bytesField(kAttributeGraph, graph)));
  EXPECT_THAT(errorOf(bytesField(kModelGraph, graph)),
              HasSubstr("nested too deeply"));
}

TEST(WireFormatTest, SurvivesEveryTruncationAndRandomBytes) {
  std::string file = modelOfInitializer(tensor("w", std::string(60, 'x')));
  for (size_t size = 1; size < file.size(); ++size)
    EXPECT_THAT(errorOf(llvm::StringRef(file).take_front(size)),
                HasSubstr("expects an ONNX model"));
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 64, '\0');
    for (char &byte : bytes)
      byte = static_cast<char>(random());
    auto model = bit::stripModel(bytes, 16);
    if (!model)
      EXPECT_THAT(llvm::toString(model.takeError()),
                  HasSubstr("expects an ONNX model"));
    else
      EXPECT_LE(model->bytes.size(), bytes.size() + 40);
  }
}

} // namespace
