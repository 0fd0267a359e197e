// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compilation with a kernel that is wrong in one element of each product:
// verification has to find it and to leave what is on disk alone.

#include "bit/Compiler/Compiler.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/InitAll.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace bit;
using namespace mlir;
using testing::HasSubstr;

namespace {

constexpr llvm::StringLiteral source = R"(
func.func @main_graph(%x: tensor<?x16xf32> {onnx.name = "x"}) -> (tensor<?x2xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<[[1, 0, -1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
                                 [0, 1, 1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]]> : tensor<2x16xi8>
  %square = arith.constant dense<[[1, -1], [0, 1]]> : tensor<2x2xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %h = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<?x16xf32>, tensor<2x16xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  %y = bit.linear %h, %square, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<?x2xf32>, tensor<2x2xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
)";

/// generic.p2, after which one element becomes 1000.
class WrongKernel final : public Kernel {
public:
  explicit WrongKernel(const Kernel &right) : right(right) {}
  StringRef getName() const override { return "test.wrong"; }
  StringRef getLayout() const override { return right.getLayout(); }
  ArrayRef<StringRef> getFeatures() const override { return {}; }
  int64_t getPackedBytes(int64_t n, int64_t k) const override {
    return right.getPackedBytes(n, k);
  }
  void pack(ArrayRef<int8_t> codes, int64_t n, int64_t k,
            MutableArrayRef<uint8_t> out) const override {
    right.pack(codes, n, k, out);
  }
  int64_t getScaleRows() const override { return right.getScaleRows(); }
  int64_t getMaxK(int64_t low, int64_t high) const override {
    return right.getMaxK(low, high);
  }
  LogicalResult
  supports(const PackedMatmulSpec &spec,
           function_ref<InFlightDiagnostic()> emitError) const override {
    return right.supports(spec, emitError);
  }
  void lower(OpBuilder &builder, PackedMatmulOp op) const override {
    right.lower(builder, op);
    Location loc = op.getLoc();
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value wrong =
        arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(1000));
    memref::StoreOp::create(builder, loc, wrong, op.getInit(),
                            ValueRange{zero, zero});
  }

private:
  const Kernel &right;
};

class WrongKernelTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("bit-verify", folder));
    write("model.mlir", source);
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(StringRef name) {
    SmallString<128> joined(folder);
    llvm::sys::path::append(joined, name);
    return joined.str().str();
  }
  void write(StringRef name, StringRef text) {
    std::error_code code;
    llvm::raw_fd_ostream(path(name), code) << text;
    ASSERT_FALSE(code);
  }
  std::string read(StringRef name) {
    auto file = llvm::MemoryBuffer::getFile(path(name));
    return file ? (*file)->getBuffer().str() : "";
  }
  unsigned countFiles() {
    unsigned count = 0;
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(folder, code), end; it != end;
         it.increment(code))
      ++count;
    return count;
  }

  /// Compiles model.mlir to model.so.
  LogicalResult compile(bool wrong, unsigned sets) {
    DialectRegistry registry;
    registerAllDialects(registry);
    MLIRContext context(registry);
    KernelRegistry &kernels =
        context.getOrLoadDialect<BitDialect>()->getKernels();
    if (wrong)
      kernels.add(std::make_unique<WrongKernel>(*kernels.lookup("generic.p2")));
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      errors += diagnostic.str() + "\n";
      return success();
    });
    CompilerOptions options;
    options.input = path("model.mlir");
    options.output = path("model.so");
    options.triple = "x86_64-unknown-linux-gnu";
    options.verify = sets;
    report = Report();
    return bit::compile(options, &context, report);
  }

  SmallString<128> folder;
  std::string errors;
  Report report;
};

TEST_F(WrongKernelTest, RightKernelsAgree) {
  EXPECT_TRUE(succeeded(compile(/*wrong=*/false, 4))) << errors;
  ASSERT_TRUE(report.verification);
  EXPECT_EQ(report.verification->sets, 4u);
  EXPECT_EQ(countFiles(), 3u); // the model, the library, its header
}

TEST_F(WrongKernelTest, NobodyNoticesWithoutVerification) {
  EXPECT_TRUE(succeeded(compile(/*wrong=*/true, 0))) << errors;
  EXPECT_FALSE(report.verification);
}

TEST_F(WrongKernelTest, AWrongKernelIsFoundAndNoFileChanges) {
  write("model.so", "precious");
  EXPECT_TRUE(failed(compile(/*wrong=*/true, 4)));
  EXPECT_THAT(errors, HasSubstr("verification: output 'y'"));
  EXPECT_THAT(errors, HasSubstr("differ from the reference lowering"));
  EXPECT_THAT(errors, HasSubstr("got 1000 at [0, 0]"));
  // The first layer's product is wrong, so only the second one's codes are.
  EXPECT_THAT(errors, HasSubstr("codes flipped at the quantizer of '#1'"));
  ASSERT_TRUE(report.verification);
  EXPECT_FALSE(report.verification->agrees());
  ASSERT_EQ(report.verification->codes.size(), 2u);
  EXPECT_EQ(report.verification->codes[0].differing, 0u);
  EXPECT_GT(report.verification->codes[1].differing, 0u);
  EXPECT_EQ(read("model.so"), "precious");
  EXPECT_EQ(countFiles(), 2u);
}

} // namespace
