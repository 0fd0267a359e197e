// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Dialect/Onnx/Eval/HostTensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"
#include "gmock/gmock.h"
#include <cmath>

using namespace mlir;
using namespace bit::onnx;
using testing::ElementsAre;

namespace {

double rounded(Format format, double value) {
  roundTo(format, value);
  return value;
}

// Values from numpy: np.float16(x), ml_dtypes.bfloat16(x), np.int8(x).
TEST(HostTensorTest, RoundsAsNumpyDoes) {
  EXPECT_EQ(rounded(Format::F16, 1e-5), 1.0013580322265625e-05);
  EXPECT_EQ(rounded(Format::F16, 65519.0), 65504.0);
  EXPECT_EQ(rounded(Format::F16, 65520.0), HUGE_VAL);
  EXPECT_EQ(rounded(Format::F16, 2049.0), 2048.0);
  EXPECT_EQ(rounded(Format::F16, 2051.0), 2052.0);
  EXPECT_EQ(rounded(Format::F16, -6e-8), -5.960464477539063e-08);
  EXPECT_EQ(rounded(Format::BF16, 1e-5), 1.0013580322265625e-05);
  EXPECT_EQ(rounded(Format::BF16, 257.0), 256.0);
  EXPECT_EQ(rounded(Format::BF16, 259.0), 260.0);
  EXPECT_TRUE(std::isnan(rounded(Format::BF16, NAN)));
  EXPECT_EQ(rounded(Format::F32, 0.1), 0.10000000149011612);
  EXPECT_EQ(rounded(Format::I8, 200.0), -56.0);
  EXPECT_EQ(rounded(Format::U8, -1.0), 255.0);
}

TEST(HostTensorTest, EveryHalfSurvivesLoadAndStore) {
  MLIRContext context;
  auto type = RankedTensorType::get({1 << 16}, Float16Type::get(&context));
  HostTensor tensor = llvm::cantFail(HostTensor::allocate(type));
  for (int i = 0; i < 1 << 16; ++i) {
    uint16_t bits = i;
    memcpy(tensor.getMutableBytes().data() + 2 * i, &bits, 2);
  }
  for (int i = 0; i < 1 << 16; ++i) {
    double value = tensor.at(i);
    if (std::isnan(value))
      continue;
    HostTensor copy = tensor;
    copy.store(i, value);
    uint16_t bits;
    memcpy(&bits, copy.getBytes().data() + 2 * i, 2);
    ASSERT_EQ(bits, i);
  }
}

// A half is units of 2^-24 up to 2^-13, of 2^-23 up to 2^-12 and so on.
TEST(HostTensorTest, RoundsToTheNearestHalf) {
  auto getValue = [](int bits) {
    int exponent = bits >> 10, mantissa = bits & 1023;
    return exponent == 0 ? std::ldexp(mantissa, -24)
                         : std::ldexp(mantissa + 1024, exponent - 25);
  };
  for (int i = 0; i < 31 << 10; ++i) {
    double value = getValue(i), next = getValue(i + 1);
    // Infinity takes the place of 65536.
    double above = i + 1 == 31 << 10 ? HUGE_VAL : next;
    double middle = (value + next) / 2;
    for (double sign : {1.0, -1.0}) {
      EXPECT_EQ(rounded(Format::F16, sign * value), sign * value);
      EXPECT_EQ(rounded(Format::F16, sign * std::nextafter(middle, 0)),
                sign * value);
      EXPECT_EQ(rounded(Format::F16, sign * middle),
                sign * (i % 2 == 0 ? value : above));
      EXPECT_EQ(rounded(Format::F16, sign * std::nextafter(middle, 1e9)),
                sign * above);
    }
  }
  EXPECT_TRUE(std::signbit(rounded(Format::F16, -0.0)));
  EXPECT_EQ(rounded(Format::F16, 1e300), HUGE_VAL);
  EXPECT_EQ(rounded(Format::F16, -HUGE_VAL), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(rounded(Format::F16, NAN)));
}

TEST(HostTensorTest, BorrowsSplatsAndBooleans) {
  MLIRContext context;
  Builder builder(&context);
  auto splat = DenseElementsAttr::get(
      RankedTensorType::get({1 << 20}, builder.getF32Type()), 2.5f);
  HostTensor tensor = llvm::cantFail(HostTensor::borrow(splat));
  EXPECT_EQ(tensor.getBytes().size(), 4u);
  EXPECT_EQ(tensor.at(12345), 2.5);

  auto bools = DenseElementsAttr::get(
      RankedTensorType::get({3}, builder.getI1Type()), {true, false, true});
  HostTensor flags = llvm::cantFail(HostTensor::borrow(bools));
  EXPECT_THAT(flags.getBytes(), ElementsAre(1, 0, 1));
  EXPECT_EQ(flags.toAttr("flags"), bools);
}

// A file has two 4-bit elements in a byte, a dense attribute one.
TEST(HostTensorTest, BorrowsSmallIntegers) {
  MLIRContext context;
  Builder builder(&context);
  auto type = RankedTensorType::get({3}, builder.getIntegerType(4));
  auto dense =
      DenseElementsAttr::get(type, {APInt(4, 15), APInt(4, 7), APInt(4, 8)});
  HostTensor tensor = llvm::cantFail(HostTensor::borrow(dense));
  EXPECT_THAT(tensor.getBytes(), ElementsAre(-1, 7, -8));
  EXPECT_EQ(tensor.toAttr("codes"), dense);

  const char bytes[] = {0x7f, 0x08};
  auto packed = DenseResourceElementsAttr::get(
      type, "packed",
      HeapAsmResourceBlob::allocateAndCopyInferAlign(ArrayRef<char>(bytes)));
  tensor = llvm::cantFail(HostTensor::borrow(packed));
  EXPECT_THAT(tensor.getBytes(), ElementsAre(-1, 7, -8));

  const char two[] = {char(0xe4), 0x02};
  auto pairs = DenseResourceElementsAttr::get(
      RankedTensorType::get({5}, builder.getIntegerType(2, false)), "pairs",
      HeapAsmResourceBlob::allocateAndCopyInferAlign(ArrayRef<char>(two)));
  tensor = llvm::cantFail(HostTensor::borrow(pairs));
  EXPECT_THAT(tensor.getBytes(), ElementsAre(0, 1, 2, 3, 2));

  auto tooShort = DenseResourceElementsAttr::get(
      RankedTensorType::get({5}, builder.getIntegerType(4)), "short",
      HeapAsmResourceBlob::allocateAndCopyInferAlign(ArrayRef<char>(two)));
  llvm::Expected<HostTensor> refused = HostTensor::borrow(tooShort);
  ASSERT_FALSE(bool(refused));
  EXPECT_EQ(llvm::toString(refused.takeError()),
            "its data is shorter than its type");
}

TEST(HostTensorTest, RefusesWhatItCannotHold) {
  MLIRContext context;
  Builder builder(&context);
  auto fails = [](llvm::Expected<HostTensor> tensor) {
    return tensor ? std::string() : llvm::toString(tensor.takeError());
  };
  auto tooBig =
      RankedTensorType::get({int64_t(1) << 40, 1 << 30}, builder.getF32Type());
  EXPECT_EQ(fails(HostTensor::allocate(tooBig)), "its size overflows");
  EXPECT_EQ(fails(HostTensor::allocate(
                RankedTensorType::get({4}, builder.getIntegerType(64, false)))),
            "its element type is not evaluated");
  EXPECT_EQ(fails(HostTensor::borrow(builder.getI64TensorAttr({INT64_MAX}))),
            "it has an integer beyond 2^53");
}

} // namespace
