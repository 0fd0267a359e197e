// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a library that is one bit.packed_matmul and nothing around it, by
// the compiler's own stages: what kernels are timed as.
//   bench-product N K LAYOUT OUTPUT.so
//   bench-product N K KERNEL OUTPUT.so LEVEL
//   bench-product --list
// A library of a layout has all levels, each with the kernel that it selects.
// That of a kernel has one level, which would select another: a kernel for AVX
// runs by the same instructions of AVX-512. --list prints the kernels.

#include "bit/Compiler/Compiler.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Dialect/Bit/IR/Kernel.h"
#include "bit/InitAll.h"
#include "bit/Pipelines/Levels.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <random>

using namespace mlir;

namespace {

struct Sizes {
  int64_t n, k;
};

/// A kernel that every function selects: its own features are forgotten.
class Forced final : public bit::Kernel {
public:
  explicit Forced(const Kernel &kernel) : kernel(kernel) {}
  llvm::StringRef getName() const override { return "bench.forced"; }
  llvm::StringRef getLayout() const override { return kernel.getLayout(); }
  llvm::ArrayRef<llvm::StringRef> getFeatures() const override { return {}; }
  int64_t getPackedBytes(int64_t n, int64_t k) const override {
    return kernel.getPackedBytes(n, k);
  }
  void pack(llvm::ArrayRef<int8_t> codes, int64_t n, int64_t k,
            llvm::MutableArrayRef<uint8_t> out) const override {
    kernel.pack(codes, n, k, out);
  }
  int64_t getScaleRows() const override { return kernel.getScaleRows(); }
  int64_t getMaxK(int64_t low, int64_t high) const override {
    return kernel.getMaxK(low, high);
  }
  LogicalResult
  supports(const bit::PackedMatmulSpec &spec,
           function_ref<InFlightDiagnostic()> emitError) const override {
    return kernel.supports(spec, emitError);
  }
  void lower(OpBuilder &builder, bit::PackedMatmulOp op) const override {
    kernel.lower(builder, op);
  }

private:
  const Kernel &kernel;
};

int fail(const llvm::Twine &message) {
  llvm::errs() << "bench-product: error: " << message << "\n";
  return 1;
}

bit::PackedMatmulSpec getSpec(const Sizes &sizes, bit::WeightKind kind) {
  bit::PackedMatmulSpec spec;
  spec.n = sizes.n;
  spec.k = sizes.k;
  spec.weights = kind;
  return spec;
}

/// Codes as the weights of a trained layer are: no value is rare.
std::vector<int8_t> makeCodes(const Sizes &sizes, bit::WeightKind kind) {
  std::mt19937 engine(1);
  std::vector<int8_t> codes(sizes.n * sizes.k);
  for (int8_t &code : codes)
    code = kind == bit::WeightKind::Binary
               ? static_cast<int8_t>(engine() % 2 * 2 - 1)
               : static_cast<int8_t>(static_cast<int>(engine() % 3) - 1);
  return codes;
}

/// The IR before the memory stage; each level then selects its kernel among
/// those of the layout.
std::string makeSource(const Sizes &sizes, const bit::Kernel &kernel,
                       bit::WeightKind kind) {
  auto [n, k] = sizes;
  std::vector<uint8_t> packed(kernel.getPackedBytes(n, k));
  kernel.pack(makeCodes(sizes, kind), n, k, packed);
  // A blob of the textual form begins with its alignment.
  std::string blob = "0x40000000" + llvm::toHex(packed);
  return llvm::formatv(
             R"(func.func @main_graph(%x: tensor<?x{0}xi8> {{onnx.name = "x"},
    %scale: tensor<?xf32> {{onnx.name = "scale"},
    %sum: tensor<?xi32> {{onnx.name = "sum"}) -> (tensor<?x{1}xf32> {{onnx.name = "y"}) {{
  %packed = arith.constant dense_resource<packed> : tensor<{2}xi8>
  %weight_scale = arith.constant dense<0.0625> : tensor<1xf32>
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : tensor<?x{0}xi8>
  %init = tensor.empty(%m) : tensor<?x{1}xf32>
  %y = bit.packed_matmul
      ins(%x, %packed, %weight_scale : tensor<?x{0}xi8>, tensor<{2}xi8>, tensor<1xf32>)
      quantized(%scale, %sum : tensor<?xf32>, tensor<?xi32>)
      outs(%init : tensor<?x{1}xf32>)
      n = {1} k = {0} weights = {3} range = [-128, 127]
      kernel = #bit.kernel<{4}> -> tensor<?x{1}xf32>
  return %y : tensor<?x{1}xf32>
}
{{-# dialect_resources: {{ builtin: {{ packed: "{5}" } } #-}
)",
             k, n, packed.size(),
             kind == bit::WeightKind::Binary ? "binary" : "ternary",
             kernel.getName(), blob)
      .str();
}

LogicalResult compileSource(MLIRContext &context, llvm::StringRef source,
                            llvm::StringRef output, llvm::StringRef level) {
  bit::CompilerOptions options;
  if (!level.empty())
    options.levels = {level.str()};
  options.input = (output + ".mlir").str();
  options.output = output.str();
  options.triple = llvm::sys::getDefaultTargetTriple();
  std::error_code code;
  {
    llvm::raw_fd_ostream file(options.input, code);
    if (code)
      return failure();
    file << source;
  }
  bit::Report report;
  LogicalResult result = bit::compile(options, &context, report);
  llvm::sys::fs::remove(options.input);
  return result;
}

bool hasAll(llvm::StringRef features, const bit::Kernel &kernel) {
  llvm::SmallVector<llvm::StringRef> all;
  features.split(all, '+');
  return llvm::all_of(kernel.getFeatures(), [&](llvm::StringRef feature) {
    return llvm::is_contained(all, feature);
  });
}

/// Prints which kernel each level has for each layout, and each kernel of this
/// machine's architecture alone.
/// No level has what every machine can run: that is for machines without a
/// kernel of their own.
void list(const bit::KernelRegistry &kernels) {
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  llvm::ArrayRef<bit::Level> levels =
      bit::getLevels(llvm::Triple::getArchTypeName(triple.getArch()));
  for (const bit::Level &level : levels) {
    llvm::MapVector<llvm::StringRef, const bit::Kernel *> best;
    for (const bit::Kernel *kernel : kernels.getAll())
      if (!kernel->getFeatures().empty() && hasAll(level.features, *kernel))
        best[kernel->getLayout()] = kernel;
    for (auto [layout, kernel] : best)
      llvm::outs() << llvm::json::Value(
                          llvm::json::Object{{"level", level.name},
                                             {"layout", layout},
                                             {"kernel", kernel->getName()}})
                   << "\n";
  }
  for (const bit::Kernel *kernel : kernels.getAll())
    if (llvm::any_of(levels, [&](const bit::Level &level) {
          return hasAll(level.features, *kernel);
        }))
      llvm::outs() << llvm::json::Value(
                          llvm::json::Object{{"layout", kernel->getLayout()},
                                             {"kernel", kernel->getName()}})
                   << "\n";
}

} // namespace

int main(int argc, char **argv) {
  DialectRegistry registry;
  bit::registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  bit::KernelRegistry &kernels =
      context.getOrLoadDialect<bit::BitDialect>()->getKernels();
  if (argc == 2 && llvm::StringRef(argv[1]) == "--list") {
    list(kernels);
    return 0;
  }
  Sizes sizes{0, 0};
  if (argc < 5 || argc > 6 || !llvm::to_integer(argv[1], sizes.n) ||
      !llvm::to_integer(argv[2], sizes.k) || sizes.n <= 0 || sizes.k <= 0)
    return fail("expects N K LAYOUT OUTPUT.so, N K KERNEL OUTPUT.so LEVEL, or "
                "--list");
  llvm::StringRef level = argc == 6 ? argv[5] : "";
  if (!level.empty()) {
    const bit::Kernel *kernel = kernels.lookup(argv[3]);
    if (!kernel)
      return fail(llvm::Twine("no kernel '") + argv[3] + "'");
    kernels.add(std::make_unique<Forced>(*kernel));
  }
  for (const bit::Kernel *kernel : kernels.getAll()) {
    if (level.empty() ? kernel->getLayout() != argv[3]
                      : kernel->getName() != "bench.forced")
      continue;
    for (auto kind : {bit::WeightKind::Ternary, bit::WeightKind::Binary}) {
      if (failed(kernel->supports(getSpec(sizes, kind))))
        continue;
      std::string source = makeSource(sizes, *kernel, kind);
      return failed(compileSource(context, source, argv[4], level));
    }
  }
  return fail(llvm::Twine("no kernel of '") + argv[3] +
              "' multiplies codes of such a shape");
}
