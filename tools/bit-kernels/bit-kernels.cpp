// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles the kernels of bit_rt_linear into an object of libbitrt: for each
// level of the target the tiles of the kernel that the compiler selects for it,
// in loops over tokens and k of any number.
//   bit-kernels [--target=x86-64|aarch64|native|TRIPLE] OUTPUT.o

#include "bit/Compiler/NativeCode.h"
#include "bit/Conversion/BitToVector/PlaneKernel.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Pipelines/Levels.h"
#include "bit/Target/AArch64.h"
#include "bit/Target/Generic.h"
#include "bit/Target/X86.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace bit;

namespace {

constexpr int64_t lanes = PlaneLayout::rowsPerGroup;
/// How many k one tile sums, the largest first; all are multiples of the last,
/// the k of a step. A long K has few tiles; a block that is not whole does
/// without the largest.
constexpr int64_t spans[] = {2048, 256, 16};

constexpr llvm::StringLiteral pipeline = R"(
  canonicalize, cse, convert-vector-to-scf{full-unroll=true},
  convert-scf-to-cf, expand-strided-metadata, lower-affine,
  convert-vector-to-llvm, finalize-memref-to-llvm, convert-math-to-llvm,
  convert-arith-to-llvm, convert-index-to-llvm, convert-func-to-llvm,
  convert-cf-to-llvm, reconcile-unrealized-casts, canonicalize, cse)";

/// Emits y = fma(f32(x w), x_scale w_scale, bias) for one block of rows.
class BlockEmitter {
public:
  BlockEmitter(func::FuncOp function, const PlaneKernel &kernel, int64_t groups)
      : builder(function.front().getTerminator()), loc(function.getLoc()),
        kernel(kernel), blockGroups(groups) {
    x = function.getArgument(0);
    packed = function.getArgument(1);
    sum = function.getArgument(2);
    xScale = function.getArgument(3);
    wScale = function.getArgument(4);
    bias = function.getArgument(5);
    y = function.getArgument(6);
  }

  /// All tokens: whole tiles in a loop, then tiles of 3, 2 and 1 for the rest;
  /// a block that is not whole, the last one of a matrix, has those of 1 only.
  void emit() {
    int64_t maxTokens = kernel.getTileTokens(/*floatActivations=*/false);
    depth = memref::DimOp::create(builder, loc, x, 1);
    Value count = memref::DimOp::create(builder, loc, x, 0);
    Value rest = arith::RemUIOp::create(builder, loc, count, index(maxTokens));
    Value whole = arith::SubIOp::create(builder, loc, count, rest);
    emitTiles(index(0), whole, maxTokens);
    for (int64_t tokens : {3, 2, 1}) {
      if (tokens >= maxTokens || (tokens > 1 && !isWholeBlock()))
        continue;
      Value less = arith::RemUIOp::create(builder, loc, rest, index(tokens));
      Value end = arith::SubIOp::create(builder, loc, count, less);
      emitTiles(whole, end, tokens);
      whole = end;
      rest = less;
    }
  }

private:
  bool isWholeBlock() const {
    return blockGroups == PlaneLayout::groupsPerBlock;
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value addIndex(Value value, int64_t offset) {
    return arith::AddIOp::create(builder, loc, value, index(offset));
  }

  /// The tokens from `begin` to `end` by tiles of `tokens`.
  void emitTiles(Value begin, Value end, int64_t tokens) {
    auto loop = scf::ForOp::create(builder, loc, begin, end, index(tokens));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    emitTokens(loop.getInductionVar(), tokens);
  }

  /// All groups for `tokens` tokens, in a loop where one tile has not all.
  void emitTokens(Value token, int64_t tokens) {
    int64_t tileGroups = std::min(
        kernel.getTileGroups(/*floatActivations=*/false, tokens), blockGroups);
    int64_t rest = blockGroups % tileGroups;
    OpBuilder::InsertionGuard guard(builder);
    if (rest != 0)
      emitTile(token, tokens, index(blockGroups - rest), rest);
    if (blockGroups == tileGroups)
      return emitTile(token, tokens, index(0), tileGroups);
    auto loop = scf::ForOp::create(
        builder, loc, index(0), index(blockGroups - rest), index(tileGroups));
    builder.setInsertionPointToStart(loop.getBody());
    emitTile(token, tokens, loop.getInductionVar(), tileGroups);
  }

  void emitTile(Value token, int64_t tokens, Value group, int64_t groups) {
    PlaneTile tile;
    tile.x = x;
    tile.packed = packed;
    tile.token = token;
    tile.tokens = tokens;
    tile.groups = groups;
    tile.blockGroups = blockGroups;
    tile.stepK = kernel.getStepK();
    emitStores(tile, group, emitSums(tile, group));
  }

  /// The exact sums over all k, in i32.
  SmallVector<Value> emitSums(PlaneTile &tile, Value group) {
    Value zero = arith::ConstantIntOp::create(builder, loc, 0, 32);
    SmallVector<Value> sums;
    // The tile sums (w + 1) * x.
    for (int64_t t = 0; t < tile.tokens; ++t) {
      Value codes = memref::LoadOp::create(builder, loc, sum,
                                           ValueRange{addIndex(tile.token, t)});
      Value start = vector::BroadcastOp::create(
          builder, loc, VectorType::get(lanes, builder.getI32Type()),
          arith::SubIOp::create(builder, loc, zero, codes));
      sums.append(tile.groups, start);
    }
    tile.start.assign(tile.tokens, zero);
    Value firstByte = arith::MulIOp::create(builder, loc, group,
                                            index(PlaneLayout::bytesPerGroup));
    Value firstK = index(0);
    for (int64_t span : ArrayRef(spans).drop_front(isWholeBlock() ? 0 : 1)) {
      Value left = arith::SubIOp::create(builder, loc, depth, firstK);
      Value end = arith::SubIOp::create(
          builder, loc, depth,
          arith::RemUIOp::create(builder, loc, left, index(span)));
      auto loop =
          scf::ForOp::create(builder, loc, firstK, end, index(span), sums);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      tile.k = span;
      tile.firstK = loop.getInductionVar();
      Value step =
          arith::DivUIOp::create(builder, loc, tile.firstK, index(tile.stepK));
      Value bytes = arith::MulIOp::create(
          builder, loc, step,
          index(tile.blockGroups * PlaneLayout::bytesPerGroup));
      tile.offset = arith::AddIOp::create(builder, loc, firstByte, bytes);
      SmallVector<Value> more = kernel.buildTile(builder, loc, tile);
      for (auto [value, carried] :
           llvm::zip_equal(more, loop.getRegionIterArgs()))
        value = arith::AddIOp::create(builder, loc, value, carried);
      scf::YieldOp::create(builder, loc, more);
      sums.assign(loop.getResults().begin(), loop.getResults().end());
      firstK = end;
    }
    return sums;
  }

  Value load(Value source, Value where) {
    return vector::LoadOp::create(builder, loc,
                                  VectorType::get(lanes, builder.getF32Type()),
                                  source, where);
  }

  void emitStores(const PlaneTile &tile, Value group, ArrayRef<Value> sums) {
    auto type = VectorType::get(lanes, builder.getF32Type());
    for (int64_t g = 0; g < tile.groups; ++g) {
      Value row =
          arith::MulIOp::create(builder, loc, addIndex(group, g), index(lanes));
      Value weightScale = load(wScale, row), addend = load(bias, row);
      for (int64_t t = 0; t < tile.tokens; ++t) {
        Value token = addIndex(tile.token, t);
        Value tokenScale = vector::BroadcastOp::create(
            builder, loc, type,
            memref::LoadOp::create(builder, loc, xScale, ValueRange{token}));
        Value value = arith::SIToFPOp::create(builder, loc, type,
                                              sums[t * tile.groups + g]);
        Value scale =
            arith::MulFOp::create(builder, loc, tokenScale, weightScale);
        value = math::FmaOp::create(builder, loc, value, scale, addend);
        vector::StoreOp::create(builder, loc, value, y, ValueRange{token, row});
      }
    }
  }

  OpBuilder builder;
  Location loc;
  const PlaneKernel &kernel;
  int64_t blockGroups;
  Value x, packed, sum, xScale, wScale, bias, y, depth;
};

/// The last registered kernel of layout P2 whose features the level has, as
/// the compiler selects it; null if there is none.
const PlaneKernel *findKernel(MLIRContext &context, const Level &level) {
  SmallVector<StringRef> has;
  level.features.split(has, '+');
  const Kernel *found = nullptr;
  auto *dialect = context.getOrLoadDialect<BitDialect>();
  for (const Kernel *kernel : dialect->getKernels().getAll())
    if (kernel->getLayout() == "p2" &&
        llvm::all_of(kernel->getFeatures(), [&](StringRef feature) {
          return llvm::is_contained(has, feature);
        }))
      found = kernel;
  return static_cast<const PlaneKernel *>(found);
}

/// "x86-64-v3" as a part of a C identifier.
std::string mangle(StringRef level) {
  std::string name = level.str();
  llvm::replace(name, '-', '_');
  return name;
}

OwningOpRef<ModuleOp> buildKernels(MLIRContext &context,
                                   ArrayRef<Level> levels) {
  std::string text;
  SmallVector<std::pair<const PlaneKernel *, int64_t>> wanted;
  for (const Level &level : levels) {
    const PlaneKernel *kernel = findKernel(context, level);
    if (!kernel)
      continue;
    std::string features = "+" + level.features.str();
    for (size_t at = 1; (at = features.find('+', at)) != std::string::npos;
         at += 2)
      features.insert(at, ",");
    for (int64_t groups = 1; groups <= PlaneLayout::groupsPerBlock; ++groups) {
      text += llvm::formatv(
                  "func.func @{0}_{1}(%x: memref<?x?xi8>, %p: memref<?xi8>, "
                  "%sum: memref<?xi32>, %xs: memref<?xf32>, %ws: "
                  "memref<?xf32>, %b: memref<?xf32>, %y: memref<?x?xf32>) "
                  "attributes {{llvm.emit_c_interface, passthrough = "
                  "[[\"target-features\", \"{2}\"]]} {{\n  return\n}\n",
                  mangle(level.name), groups, features)
                  .str();
      wanted.push_back({kernel, groups});
    }
  }
  auto module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return module;
  for (auto [function, what] :
       llvm::zip_equal(module->getOps<func::FuncOp>(), wanted))
    BlockEmitter(function, *what.first, what.second).emit();
  PassManager passes(&context);
  if (failed(parsePassPipeline(StringRef(pipeline).trim(), passes)) ||
      failed(passes.run(*module)))
    return nullptr;
  return module;
}

/// Only the C entry points are seen outside, as bitrt_linear_LEVEL_GROUPS and
/// within libbitrt.
void nameFunctions(llvm::Module &module) {
  constexpr llvm::StringLiteral prefix = "_mlir_ciface_";
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    StringRef name = function.getName();
    if (name.consume_front(prefix)) {
      function.setName("bitrt_linear_" + name.str());
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
    } else {
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
    }
  }
}

/// Adds `bitrt_linear_levels` of runtime/src/linear_kernels.h.
void addTable(llvm::Module &module, ArrayRef<Level> all) {
  llvm::LLVMContext &context = module.getContext();
  auto *pointer = llvm::PointerType::get(context, 0);
  auto *word = llvm::Type::getInt64Ty(context);
  auto *kernels = llvm::ArrayType::get(pointer, PlaneLayout::groupsPerBlock);
  auto *type = llvm::StructType::get(context, {pointer, word, kernels});
  SmallVector<llvm::Constant *> levels;
  for (const Level &level : all) {
    SmallVector<llvm::Constant *> functions;
    for (int64_t groups = 1; groups <= PlaneLayout::groupsPerBlock; ++groups)
      if (auto *function = module.getFunction(
              llvm::formatv("bitrt_linear_{0}_{1}", mangle(level.name), groups)
                  .str()))
        functions.push_back(function);
    if (functions.empty())
      continue;
    auto *text = llvm::ConstantDataArray::getString(context, level.name);
    auto *name = new llvm::GlobalVariable(
        module, text->getType(), /*isConstant=*/true,
        llvm::GlobalValue::PrivateLinkage, text, "level");
    levels.push_back(llvm::ConstantStruct::get(
        type, {name, llvm::ConstantInt::get(word, level.cpuMask),
               llvm::ConstantArray::get(kernels, functions)}));
  }
  levels.push_back(llvm::Constant::getNullValue(type));
  auto *array = llvm::ConstantArray::get(
      llvm::ArrayType::get(type, levels.size()), levels);
  auto *table = new llvm::GlobalVariable(
      module, array->getType(), /*isConstant=*/true,
      llvm::GlobalValue::ExternalLinkage, array, "bitrt_linear_levels");
  table->setVisibility(llvm::GlobalValue::HiddenVisibility);
}

llvm::Error writeKernels(StringRef target, StringRef output) {
  llvm::Expected<std::string> triple = resolveTarget(target);
  if (!triple)
    return triple.takeError();
  ArrayRef<Level> levels =
      getLevels(llvm::Triple::getArchTypeName(llvm::Triple(*triple).getArch()));
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllPasses();
  registry.insert<BitDialect>();
  // The best ones last.
  registerGenericKernels(registry);
  registerAArch64Kernels(registry);
  registerX86Kernels(registry);
  registerAllToLLVMIRTranslations(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = buildKernels(context, levels);
  if (!module)
    return llvm::createStringError("cannot lower the kernels");
  llvm::LLVMContext llvmContext;
  auto llvmModule = translateModuleToLLVMIR(*module, llvmContext);
  if (!llvmModule)
    return llvm::createStringError("cannot translate the kernels");
  nameFunctions(*llvmModule);
  addTable(*llvmModule, levels);
  auto machine = createTargetMachine(*triple);
  if (!machine)
    return machine.takeError();
  optimizeModule(*llvmModule, **machine);
  std::error_code error;
  {
    llvm::raw_fd_ostream os(output, error);
    if (error)
      return llvm::createStringError(error, "cannot write the object");
    if (llvm::Error failed =
            emitNativeCode(*llvmModule, **machine, NativeFileType::Object, os))
      return failed;
  }
  return checkImports(output);
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  ArrayRef<char *> arguments = ArrayRef(argv, argc).drop_front();
  StringRef target = "native";
  if (!arguments.empty() &&
      StringRef(arguments.front()).starts_with("--target=")) {
    target = StringRef(arguments.front()).split('=').second;
    arguments = arguments.drop_front();
  }
  if (arguments.size() != 1) {
    llvm::errs() << "usage: bit-kernels [--target=TARGET] OUTPUT.o\n";
    return 2;
  }
  if (llvm::Error error = writeKernels(target, arguments.front())) {
    llvm::errs() << "bit-kernels: error: " << arguments.front() << ": "
                 << llvm::toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
