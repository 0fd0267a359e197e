// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Expected values are numpy's.

#include "bit/Dialect/Onnx/Eval/Evaluator.h"
#include "bit/Dialect/Onnx/IR/OnnxDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gmock/gmock.h"

using namespace mlir;
using namespace bit::onnx;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class EvaluatorTest : public testing::Test {
protected:
  EvaluatorTest() { context.loadDialect<OnnxDialect, func::FuncDialect>(); }

  /// Parses `body`, which ends with `return` of one value, and returns that.
  Value parse(const std::string &body, const std::string &type,
              const std::string &arguments = "") {
    module = parseSourceString<ModuleOp>("func.func @f(" + arguments + ") -> " +
                                             type + " {\n" + body +
                                             "\nreturn %r : " + type + "\n}",
                                         &context);
    if (!module)
      return {};
    auto function = *module->getOps<func::FuncOp>().begin();
    return function.front().getTerminator()->getOperand(0);
  }

  std::vector<double> values(const std::string &body, const std::string &type) {
    Value value = parse(body, type);
    if (!value)
      return {};
    llvm::Expected<HostTensor> tensor = evaluate(value);
    if (!tensor) {
      ADD_FAILURE() << llvm::toString(tensor.takeError());
      return {};
    }
    std::vector<double> result(tensor->size());
    tensor->load(0, result);
    return result;
  }

  std::string reason(const std::string &body, const std::string &type,
                     const std::string &arguments = "") {
    llvm::Expected<HostTensor> tensor = evaluate(parse(body, type, arguments));
    return tensor ? "" : llvm::toString(tensor.takeError());
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

// One subgraph a group of operators; what they compute is checked on the way.
TEST_F(EvaluatorTest, WeightQuantizer) {
  EXPECT_THAT(values(R"(
    %w = onnx.Constant dense<[[0.5, -1.0, 0.1], [2.0, -0.25, 0.0]]> : tensor<2x3xf32>
    %lo = onnx.Constant dense<-1.0> : tensor<f32>
    %hi = onnx.Constant dense<1.0> : tensor<f32>
    %a = onnx.Abs %w : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %m = onnx.ReduceMean %a : (tensor<2x3xf32>) -> tensor<1x1xf32>
    %s = onnx.Squeeze %m : (tensor<1x1xf32>) -> tensor<f32>
    %i = onnx.Reciprocal %s : (tensor<f32>) -> tensor<f32>
    %x = onnx.Mul %w, %i : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
    %c = onnx.Round %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %q = onnx.Clip %c, %lo, %hi {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
    %r = onnx.Div %q, %i : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  )",
                     "tensor<2x3xf32>"),
              ElementsAre(0.6416666507720947, -0.6416666507720947, 0.0,
                          0.6416666507720947, 0.0, 0.0));
}

TEST_F(EvaluatorTest, UnpacksTwoBitCodes) {
  EXPECT_THAT(values(R"(
    %p = onnx.Constant dense<[[228], [27]]> : tensor<2x1xui8>
    %sh = onnx.Constant dense<[[0, 2, 4, 6]]> : tensor<1x4xui8>
    %mask = onnx.Constant dense<3> : tensor<ui8>
    %one = onnx.Constant dense<1> : tensor<i8>
    %s = onnx.BitShift %p, %sh {direction = "RIGHT"} : (tensor<2x1xui8>, tensor<1x4xui8>) -> tensor<2x4xui8>
    %a = onnx.BitwiseAnd %s, %mask : (tensor<2x4xui8>, tensor<ui8>) -> tensor<2x4xui8>
    %i = onnx.Cast %a {to = 3 : i64} : (tensor<2x4xui8>) -> tensor<2x4xi8>
    %r = onnx.Sub %i, %one : (tensor<2x4xi8>, tensor<i8>) -> tensor<2x4xi8>
  )",
                     "tensor<2x4xi8>"),
              ElementsAre(-1, 0, 1, 2, 2, 1, 0, -1));
}

TEST_F(EvaluatorTest, ReducesAnyAdjacentAxes) {
  const std::string constant =
      "%w = onnx.Constant dense<[[[1.0, -2.0], [3.0, 4.0]], [[5.0, 6.0], "
      "[-7.0, 8.0]]]> : tensor<2x2x2xf32>\n";
  EXPECT_THAT(values(constant + R"(
    %x = onnx.Constant dense<[1]> : tensor<1xi64>
    %r = onnx.ReduceSum %w, %x {keepdims = 0 : i64} : (tensor<2x2x2xf32>, tensor<1xi64>) -> tensor<2x2xf32>
  )",
                     "tensor<2x2xf32>"),
              ElementsAre(4, 2, -2, 14));
  EXPECT_THAT(values(constant + R"(
    %x = onnx.Constant dense<[-1, 1]> : tensor<2xi64>
    %r = onnx.ReduceMax %w, %x : (tensor<2x2x2xf32>, tensor<2xi64>) -> tensor<2x1x1xf32>
  )",
                     "tensor<2x1x1xf32>"),
              ElementsAre(4, 8));
  EXPECT_THAT(values(constant + R"(
    %r = onnx.ReduceL1 %w : (tensor<2x2x2xf32>) -> tensor<1x1x1xf32>
  )",
                     "tensor<1x1x1xf32>"),
              ElementsAre(36));
}

// 2^24 + 1 + 1 + ... stays 2^24 where the sum is an f32.
TEST_F(EvaluatorTest, SumsInDouble) {
  EXPECT_THAT(values(R"(
    %b = onnx.Constant dense<16777216.0> : tensor<1xf32>
    %o = onnx.Constant dense<1.0> : tensor<100000xf32>
    %w = onnx.Concat %b, %o {axis = 0 : i64} : (tensor<1xf32>, tensor<100000xf32>) -> tensor<100001xf32>
    %r = onnx.ReduceSum %w {keepdims = 0 : i64} : (tensor<100001xf32>) -> tensor<f32>
  )",
                     "tensor<f32>"),
              ElementsAre(16777216.0 + 100000.0));
}

TEST_F(EvaluatorTest, MovesData) {
  EXPECT_THAT(values(R"(
    %w = onnx.Constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
    %a, %b = onnx.Split %w {axis = 1 : i64} : (tensor<2x3xi32>) -> (tensor<2x1xi32>, tensor<2x2xi32>)
    %c = onnx.Concat %b, %a {axis = -1 : i64} : (tensor<2x2xi32>, tensor<2x1xi32>) -> tensor<2x3xi32>
    %r = onnx.Transpose %c {perm = array<i64: 1, 0>} : (tensor<2x3xi32>) -> tensor<3x2xi32>
  )",
                     "tensor<3x2xi32>"),
              ElementsAre(2, 5, 3, 6, 1, 4));
  EXPECT_THAT(values(R"(
    %w = onnx.Constant dense<[[1, 2, 3, 4]]> : tensor<1x4xi32>
    %s = onnx.Constant dense<-1> : tensor<1xi64>
    %e = onnx.Constant dense<-9223372036854775807> : tensor<1xi64>
    %x = onnx.Constant dense<1> : tensor<1xi64>
    %t = onnx.Constant dense<-2> : tensor<1xi64>
    %r = onnx.Slice %w, %s, %e, %x, %t {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>} : (tensor<1x4xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x2xi32>
  )",
                     "tensor<1x2xi32>"),
              ElementsAre(4, 2));
  EXPECT_THAT(values(R"(
    %w = onnx.Constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
    %i = onnx.Constant dense<[1, -2, 1]> : tensor<3xi64>
    %r = onnx.Gather %w, %i {axis = 1 : i64} : (tensor<2x2xi32>, tensor<3xi64>) -> tensor<2x3xi32>
  )",
                     "tensor<2x3xi32>"),
              ElementsAre(2, 1, 2, 4, 3, 4));
}

// Tiles of transpositions have neither these sizes nor divide them.
TEST_F(EvaluatorTest, TransposesInTiles) {
  for (std::string element : {"i8", "i16", "i32", "i64"}) {
    std::string made = "tensor<30645x" + element + ">";
    std::string given = "tensor<3x227x5x9x" + element + ">";
    // 0, 1, 2, ..., which i8 wraps.
    std::string start = R"(
      %zero = onnx.Constant dense<0> : tensor<i64>
      %end = onnx.Constant dense<30645> : tensor<i64>
      %one = onnx.Constant dense<1> : tensor<i64>
      %shape = onnx.Constant dense<[3, 227, 5, 9]> : tensor<4xi64>
      %range = onnx.Range %zero, %end, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<30645xi64>
      %cast = onnx.Cast %range {to = )" +
                        std::string(element == "i8"    ? "3"
                                    : element == "i16" ? "5"
                                    : element == "i32" ? "6"
                                                       : "7") +
                        " : i64} : (tensor<30645xi64>) -> " + made +
                        "\n%x = onnx.Reshape %cast, %shape : (" + made +
                        ", tensor<4xi64>) -> " + given + "\n";
    constexpr int64_t dims[] = {3, 227, 5, 9};
    constexpr int64_t strides[] = {227 * 45, 45, 9, 1};
    // The first two are tiles, the third is not.
    for (std::vector<int64_t> perm :
         {std::vector<int64_t>{0, 2, 3, 1}, {2, 1, 3, 0}, {1, 0, 2, 3}}) {
      std::string list, shape;
      for (int64_t axis : perm) {
        list += (list.empty() ? "" : ", ") + std::to_string(axis);
        shape += std::to_string(dims[axis]) + "x";
      }
      std::string type = "tensor<" + shape + element + ">";
      std::vector<double> expected;
      for (int64_t a = 0; a < dims[perm[0]]; ++a)
        for (int64_t b = 0; b < dims[perm[1]]; ++b)
          for (int64_t c = 0; c < dims[perm[2]]; ++c)
            for (int64_t d = 0; d < dims[perm[3]]; ++d) {
              int64_t value = a * strides[perm[0]] + b * strides[perm[1]] +
                              c * strides[perm[2]] + d * strides[perm[3]];
              expected.push_back(element == "i8" ? double(int8_t(value))
                                                 : double(value));
            }
      EXPECT_EQ(values(start + "%r = onnx.Transpose %x {perm = array<i64: " +
                           list + ">} : (" + given + ") -> " + type,
                       type),
                expected)
          << element << " " << list;
    }
  }
}

TEST_F(EvaluatorTest, BroadcastsAndSelects) {
  EXPECT_THAT(values(R"(
    %a = onnx.Constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
    %b = onnx.Constant dense<[10.0, -20.0, 30.0]> : tensor<3xf32>
    %z = onnx.Constant dense<0.0> : tensor<f32>
    %m = onnx.Mul %a, %b : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x3xf32>
    %g = onnx.Greater %m, %z : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xi1>
    %n = onnx.Neg %a : (tensor<2x1xf32>) -> tensor<2x1xf32>
    %r = onnx.Where %g, %a, %n : (tensor<2x3xi1>, tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  )",
                     "tensor<2x3xf32>"),
              ElementsAre(1, -1, 1, 2, -2, 2));
}

TEST_F(EvaluatorTest, RoundsTiesToEven) {
  EXPECT_THAT(values(R"(
    %w = onnx.Constant dense<[0.5, 1.5, 2.5, -0.5, -1.5, 8388609.0]> : tensor<6xf32>
    %r = onnx.Round %w : (tensor<6xf32>) -> tensor<6xf32>
  )",
                     "tensor<6xf32>"),
              ElementsAre(0, 2, 2, 0, -2, 8388609));
}

TEST_F(EvaluatorTest, Dequantizes) {
  EXPECT_THAT(values(R"(
    %q = onnx.Constant dense<[[1, 3], [2, 0]]> : tensor<2x2xi8>
    %s = onnx.Constant dense<[0.5, 2.0]> : tensor<2xf32>
    %z = onnx.Constant dense<[1, 2]> : tensor<2xi8>
    %r = onnx.DequantizeLinear %q, %s, %z {axis = 0 : i64} : (tensor<2x2xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x2xf32>
  )",
                     "tensor<2x2xf32>"),
              ElementsAre(0, 1, 0, -4));
}

// Blocks of two along the last axis; 4 bits, zero points of their own.
TEST_F(EvaluatorTest, DequantizesBlocks) {
  EXPECT_THAT(values(R"(
    %q = onnx.Constant dense<[[1, 3, 2, 0], [7, 7, 1, 1]]> : tensor<2x4xi4>
    %s = onnx.Constant dense<[[0.5, 2.0], [1.0, 4.0]]> : tensor<2x2xf32>
    %z = onnx.Constant dense<[[1, 2], [7, 0]]> : tensor<2x2xi4>
    %r = onnx.DequantizeLinear %q, %s, %z {axis = 1 : i64, block_size = 2 : i64} : (tensor<2x4xi4>, tensor<2x2xf32>, tensor<2x2xi4>) -> tensor<2x4xf32>
  )",
                     "tensor<2x4xf32>"),
              ElementsAre(0, 1, 0, -4, 0, 0, 4, 4));
}

// Ties go to even, codes saturate.
TEST_F(EvaluatorTest, Quantizes) {
  EXPECT_THAT(values(R"(
    %x = onnx.Constant dense<[[0.25, 0.75, -9.0], [2.5, 3.5, 9000.0]]> : tensor<2x3xf32>
    %s = onnx.Constant dense<[0.5, 1.0]> : tensor<2xf32>
    %z = onnx.Constant dense<[1, 128]> : tensor<2xui8>
    %r = onnx.QuantizeLinear %x, %s, %z {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2xf32>, tensor<2xui8>) -> tensor<2x3xui8>
  )",
                     "tensor<2x3xui8>"),
              ElementsAre(1, 3, 0, 130, 132, 255));
}

// Python's remainder, C's remainder.
TEST_F(EvaluatorTest, Remainders) {
  const std::string constants = R"(
    %a = onnx.Constant dense<[5, -5, 5, -5, 4]> : tensor<5xi32>
    %b = onnx.Constant dense<[3, 3, -3, -3, 2]> : tensor<5xi32>)";
  EXPECT_THAT(values(constants + R"(
    %r = onnx.Mod %a, %b : (tensor<5xi32>, tensor<5xi32>) -> tensor<5xi32>
  )",
                     "tensor<5xi32>"),
              ElementsAre(2, 1, -1, -2, 0));
  EXPECT_THAT(values(constants + R"(
    %r = onnx.Mod %a, %b {fmod = 1 : i64} : (tensor<5xi32>, tensor<5xi32>) -> tensor<5xi32>
  )",
                     "tensor<5xi32>"),
              ElementsAre(2, -2, 2, -2, 0));
}

TEST_F(EvaluatorTest, Scatters) {
  EXPECT_THAT(values(R"(
    %d = onnx.Constant dense<0> : tensor<3x2xui8>
    %i = onnx.Constant dense<[[2], [0]]> : tensor<2x1xi64>
    %u = onnx.Constant dense<[[1, 2], [3, 4]]> : tensor<2x2xui8>
    %r = onnx.ScatterND %d, %i, %u : (tensor<3x2xui8>, tensor<2x1xi64>, tensor<2x2xui8>) -> tensor<3x2xui8>
  )",
                     "tensor<3x2xui8>"),
              ElementsAre(3, 4, 0, 0, 1, 2));
  EXPECT_THAT(values(R"(
    %d = onnx.Constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
    %i = onnx.Constant dense<[[1, -1], [0, 1]]> : tensor<2x2xi64>
    %u = onnx.Constant dense<[[10, 20], [30, 40]]> : tensor<2x2xi32>
    %r = onnx.ScatterElements %d, %i, %u {axis = 1 : i64} : (tensor<2x3xi32>, tensor<2x2xi64>, tensor<2x2xi32>) -> tensor<2x3xi32>
  )",
                     "tensor<2x3xi32>"),
              ElementsAre(1, 10, 20, 30, 40, 6));
}

TEST_F(EvaluatorTest, MakesTensors) {
  EXPECT_THAT(values(R"(
    %w = onnx.Constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
    %n = onnx.Constant dense<[2, 2]> : tensor<2xi64>
    %r = onnx.Tile %w, %n : (tensor<2x2xi32>, tensor<2xi64>) -> tensor<4x4xi32>
  )",
                     "tensor<4x4xi32>"),
              ElementsAre(1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_THAT(values(R"(
    %s = onnx.Constant dense<3> : tensor<1xi64>
    %r = onnx.ConstantOfShape %s {value = dense<7> : tensor<1xi8>} : (tensor<1xi64>) -> tensor<3xi8>
  )",
                     "tensor<3xi8>"),
              ElementsAre(7, 7, 7));
  EXPECT_THAT(values(R"(
    %a = onnx.Constant dense<7> : tensor<i64>
    %b = onnx.Constant dense<0> : tensor<i64>
    %c = onnx.Constant dense<-3> : tensor<i64>
    %r = onnx.Range %a, %b, %c : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<3xi64>
  )",
                     "tensor<3xi64>"),
              ElementsAre(7, 4, 1));
}

// More blocks than one, and a value that two chains use.
TEST_F(EvaluatorTest, ManyBlocks) {
  std::vector<double> result = values(R"(
    %o = onnx.Constant dense<3.0> : tensor<100x101xf32>
    %row = onnx.Constant dense<[[2.0]]> : tensor<1x1xf32>
    %a = onnx.Mul %o, %row : (tensor<100x101xf32>, tensor<1x1xf32>) -> tensor<100x101xf32>
    %x = onnx.Constant dense<1> : tensor<1xi64>
    %s = onnx.ReduceSum %a, %x : (tensor<100x101xf32>, tensor<1xi64>) -> tensor<100x1xf32>
    %r = onnx.Sub %s, %a : (tensor<100x1xf32>, tensor<100x101xf32>) -> tensor<100x101xf32>
  )",
                                      "tensor<100x101xf32>");
  EXPECT_EQ(result.size(), 10100u);
  EXPECT_THAT(result, testing::Each(600.0));
}

TEST_F(EvaluatorTest, SaysWhyNot) {
  EXPECT_EQ(reason("%r = onnx.Abs %x : (tensor<2xf32>) -> tensor<2xf32>",
                   "tensor<2xf32>", "%x : tensor<2xf32> {onnx.name = \"w\"}"),
            "it depends on the graph input 'w'");
  EXPECT_EQ(reason(R"(
    %w = onnx.Constant dense<1.0> : tensor<2xf32>
    %r = onnx.Softmax %w : (tensor<2xf32>) -> tensor<2xf32>
  )",
                   "tensor<2xf32>"),
            "it depends on Softmax, which is not evaluated at compile time");
  EXPECT_EQ(reason(R"(
    %w = onnx.Constant dense<1.0> : tensor<1xf32>
    %s = onnx.Constant dense<1000000000000> : tensor<1xi64>
    %r = onnx.Expand %w, %s : (tensor<1xf32>, tensor<1xi64>) -> tensor<1000000000000xf32>
  )",
                   "tensor<1000000000000xf32>"),
            "it is far larger than its constants");
  EXPECT_EQ(reason(R"(
    %w = onnx.Constant dense<1.0> : tensor<2x2xf32>
    %i = onnx.Constant dense<2> : tensor<1xi64>
    %r = onnx.Gather %w, %i : (tensor<2x2xf32>, tensor<1xi64>) -> tensor<1x2xf32>
  )",
                   "tensor<1x2xf32>"),
            "Gather is not evaluated: its indices are out of range");
  EXPECT_EQ(reason(R"(
    %d = onnx.Constant dense<0.0> : tensor<3xf32>
    %i = onnx.Constant dense<3> : tensor<1x1xi64>
    %u = onnx.Constant dense<1.0> : tensor<1xf32>
    %r = onnx.ScatterND %d, %i, %u : (tensor<3xf32>, tensor<1x1xi64>, tensor<1xf32>) -> tensor<3xf32>
  )",
                   "tensor<3xf32>"),
            "ScatterND is not evaluated: its indices are out of range");
  EXPECT_EQ(reason(R"(
    %d = onnx.Constant dense<0.0> : tensor<3xf32>
    %i = onnx.Constant dense<2> : tensor<1x1xi64>
    %u = onnx.Constant dense<1.0> : tensor<1xf32>
    %r = onnx.ScatterND %d, %i, %u {reduction = "add"} : (tensor<3xf32>, tensor<1x1xi64>, tensor<1xf32>) -> tensor<3xf32>
  )",
                   "tensor<3xf32>"),
            "ScatterND is not evaluated: it reduces");
}

TEST_F(EvaluatorTest, FindsSources) {
  Value value = parse(R"(
    %w = onnx.Constant dense<1.0> : tensor<2xf32>
    %v = onnx.Constant dense<2.0> : tensor<2xf32>
    %a = onnx.Abs %w : (tensor<2xf32>) -> tensor<2xf32>
    %r = onnx.Mul %a, %v : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  )",
                      "tensor<2xf32>");
  EXPECT_EQ(llvm::cantFail(getConstantSources(value)).size(), 2u);
  EXPECT_FALSE(evaluateScalar(value));
}

} // namespace
