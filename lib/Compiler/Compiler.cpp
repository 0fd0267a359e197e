// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Compiler/Compiler.h"
#include "ExposeCodes.h"
#include "bit/Compiler/Description.h"
#include "bit/Compiler/NativeCode.h"
#include "bit/Compiler/Output.h"
#include "bit/Compiler/Weights.h"
#include "bit/Dialect/Bit/IR/BitDialect.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Import/Import.h"
#include "bit/Pipelines/Levels.h"
#include "bit/Pipelines/Pipelines.h"
#include "bit/Verify/Verify.h"
#include "bit/abi.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include <chrono>
#include <sys/resource.h>

using namespace mlir;

namespace bit {

unsigned getAbiVersion() { return BIT_ABI_VERSION; }

std::string getModelName(StringRef path) {
  std::string name;
  for (char c : llvm::sys::path::stem(path))
    name += llvm::isAlnum(c) ? c : '_';
  if (name.empty() || llvm::isDigit(name.front()))
    name.insert(0, "model_");
  return name;
}

namespace {

/// One compilation: the stages share the module and the report.
class Compilation {
public:
  Compilation(const CompilerOptions &options, MLIRContext *context,
              Report &report)
      : options(options), context(context), report(report) {}

  LogicalResult run();

private:
  /// Runs `work` as the stage `name`, timed.
  LogicalResult stage(StringRef name, function_ref<LogicalResult()> work);
  /// Runs the passes that `build` adds.
  LogicalResult passes(StringRef name, function_ref<void(PassManager &)> build);

  LogicalResult load();
  void hashFile(StringRef path);
  LogicalResult lowerToBuffers();
  LogicalResult lowerToLLVM();
  LogicalResult emitMLIR();
  LogicalResult emitNative();
  LogicalResult lower();
  LogicalResult writeWeights(const Weights &weights);
  LogicalResult link(llvm::Module &code, llvm::TargetMachine &machine);
  LogicalResult makeReference();
  LogicalResult verify();
  void countFlippedCodes();
  void reportDifferences();
  LogicalResult finish();
  LogicalResult createDirectory();
  LogicalResult writeText(function_ref<llvm::Error(llvm::raw_pwrite_stream &)>);

  LogicalResult check(llvm::Error error) {
    if (!error)
      return success();
    return emitError(UnknownLoc::get(context))
           << llvm::toString(std::move(error));
  }

  std::string describeManifest();

  const CompilerOptions &options;
  MLIRContext *context;
  Report &report;
  OwningOpRef<ModuleOp> module;
  TemporaryDirectory directory; ///< of what is not whole yet
  SmallVector<char, 0> data;    ///< the weights, where they are no object
  bool exposesCodes = false;    ///< codes are outputs, too
  ModelDescription model;
};

LogicalResult Compilation::stage(StringRef name,
                                 function_ref<LogicalResult()> work) {
  if (options.progress)
    options.progress(name);
  auto start = std::chrono::steady_clock::now();
  LogicalResult result = work();
  std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;
  report.stages.push_back({name.str(), elapsed.count()});
  return result;
}

LogicalResult Compilation::passes(StringRef name,
                                  function_ref<void(PassManager &)> build) {
  return stage(name, [&]() -> LogicalResult {
    PassManager pm(context);
#ifdef NDEBUG
    // After every pass it takes a fifth of a compilation, and only a mistake
    // of the compiler's own fails it: once a stage.
    pm.enableVerifier(false);
#endif
    if (options.configure && failed(options.configure(pm)))
      return failure();
    build(pm);
    if (failed(pm.run(*module)))
      return failure();
    return mlir::verify(*module);
  });
}

void Compilation::hashFile(StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file)
    return;
  llvm::XXH128_hash_t hash =
      llvm::xxh3_128bits(llvm::arrayRefFromStringRef((*file)->getBuffer()));
  model.hash[0] = hash.low64;
  model.hash[1] = hash.high64;
}

/// Sets the names that stand in the library and hashes the file.
LogicalResult Compilation::load() {
  StringRef path = options.input;
  report.model = llvm::sys::path::filename(path).str();
  report.target = options.triple;
  model.name = options.name.empty() ? getModelName(options.output.empty() ||
                                                           options.output == "-"
                                                       ? options.input
                                                       : options.output)
                                    : options.name;
  if (path.ends_with(".mlir") || path.ends_with(".mlirbc")) {
    module = parseSourceFile<ModuleOp>(path, ParserConfig(context));
  } else {
    ImportOptions import;
    import.dims = options.dims;
    import.keepAll = options.emit == EmitKind::Onnx;
    getLoweredOperators(import.keepWhole);
    module = importOnnx(path, context, import);
  }
  if (!module)
    return failure();
  uint64_t size = 0;
  if (!llvm::sys::fs::file_size(path, size))
    report.sourceBytes = size;
  // Reads the whole file, which the stages before the library never do.
  if (options.emit >= EmitKind::Object)
    hashFile(path);
  collectOperators(*module, report);
  return success();
}

LogicalResult Compilation::lowerToBuffers() {
  auto mainGraph = module->lookupSymbol<func::FuncOp>("main_graph");
  if (!mainGraph || !mainGraph.isPublic() || mainGraph.isDeclaration())
    return emitError(UnknownLoc::get(context))
           << "expects a public function 'main_graph'";
  FailureOr<ModelSignature> signature = readSignature(mainGraph);
  if (failed(signature))
    return failure();
  model.signature = std::move(*signature);
  MemoryStageOptions memory;
  memory.groupSiblings = options.groupSiblings;
  if (failed(passes("memory",
                    [&](PassManager &pm) { buildMemoryStage(pm, memory); })))
    return failure();
  module->walk([&](ReserveOp op) {
    IntegerAttr bytes;
    if (matchPattern(op.getBytes(), m_Constant(&bytes)))
      report.arenaBytes = bytes.getInt();
    else
      report.arenaIsDynamic = true;
  });
  module->walk([&](AllocateOp) { ++report.allocations; });
  model.arenaBytes = report.arenaBytes;
  return success();
}

/// Whether a product of the module has a layout that a kernel reads by
/// `feature`.
static bool usesFeature(ModuleOp module, StringRef feature) {
  auto *dialect = module.getContext()->getLoadedDialect<BitDialect>();
  const KernelRegistry &kernels = dialect->getKernels();
  llvm::StringSet<> layouts;
  for (const Kernel *kernel : kernels.getAll())
    if (llvm::is_contained(kernel->getFeatures(), feature))
      layouts.insert(kernel->getLayout());
  return module
      ->walk([&](PackedMatmulOp op) {
        const Kernel *kernel = kernels.lookup(op.getKernel().getName());
        return kernel && layouts.contains(kernel->getLayout())
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

LogicalResult Compilation::lowerToLLVM() {
  StringRef architecture =
      llvm::Triple::getArchTypeName(llvm::Triple(options.triple).getArch());
  bool hasCodeProducts = false;
  module->walk([&](Operation *op) {
    auto packed = dyn_cast<PackedMatmulOp>(op);
    hasCodeProducts |=
        isa<CodeMatmulOp>(op) || (packed && !packed.hasFloatActivations());
  });
  auto isWanted = [&](const Level &level) {
    if (!options.levels.empty())
      return llvm::is_contained(options.levels, level.name);
    // Without products of codes, or by weights of a layout, it would be another
    // one again.
    return (level.base.empty() || hasCodeProducts) &&
           (level.kernelFeature.empty() ||
            usesFeature(*module, level.kernelFeature));
  };
  LevelStageOptions levels;
  for (const Level &level : getLevels(architecture)) {
    if (!isWanted(level))
      continue;
    std::string text = (level.name + ":" + level.features).str();
    const Level *base = findLevel(architecture, level.base);
    if (base && isWanted(*base))
      text += ":" + base->name.str();
    levels.levels.push_back(std::move(text));
    model.levels.push_back(
        {level.name.str(), level.cpuMask, ("main_graph." + level.name).str()});
    report.levels.push_back(level.name.str());
  }
  if (failed(passes("levels",
                    [&](PassManager &pm) { buildLevelStage(pm, levels); })))
    return failure();
  collectSelected(*module, report);
  if (failed(passes("kernels", [](PassManager &pm) { buildKernelStage(pm); })))
    return failure();
  return passes("llvm", [](PassManager &pm) { buildLLVMStage(pm); });
}

LogicalResult Compilation::run() {
  if (failed(stage("import", [&] { return load(); })))
    return failure();
  if (options.emit == EmitKind::Onnx)
    return emitMLIR();

  RecognizeStageOptions recognize;
  recognize.recognize = options.recognize;
  recognize.quantize = options.quantize.all;
  recognize.scheme = options.quantize.scheme;
  recognize.granularity = options.quantize.granularity;
  recognize.group = options.quantize.group;
  recognize.activations = options.quantize.activations;
  recognize.skip = options.quantize.skip;
  // Later stages make the codes when they pack them.
  recognize.evaluate = options.emit == EmitKind::Bit;
  if (failed(passes("recognize", [&](PassManager &pm) {
        buildRecognizeStage(pm, recognize);
      })))
    return failure();
  collectLayers(*module, report);
  if (options.emit == EmitKind::Bit) {
    warnAboutErrors(*module, report);
    return emitMLIR();
  }
  if (exposesCodes && failed(exposeCodes(*module)))
    return failure();
  if (options.verify > 0 &&
      failed(stage("reference", [&] { return makeReference(); })))
    return failure();
  return lower();
}

/// Everything after recognition.
LogicalResult Compilation::lower() {
  PackStageOptions pack;
  pack.pack = options.pack;
  pack.packing = options.packing;
  pack.looksUp = !options.levels.empty() &&
                 llvm::all_of(options.levels, [](StringRef level) {
                   return level == "avx512vbmi";
                 });
  if (failed(
          passes("pack", [&](PassManager &pm) { buildPackStage(pm, pack); })))
    return failure();
  collectPacked(*module, report);
  // The reference of a verification has nothing new to say.
  if (options.pack)
    warnAboutErrors(*module, report);

  LinalgStageOptions linalg;
  linalg.pack = options.pack;
  if (failed(passes("linalg",
                    [&](PassManager &pm) { buildLinalgStage(pm, linalg); })))
    return failure();
  if (options.emit == EmitKind::Linalg)
    return emitMLIR();

  if (failed(lowerToBuffers()) || failed(lowerToLLVM()))
    return failure();
  if (options.emit == EmitKind::LLVM)
    return emitMLIR();
  return emitNative();
}

LogicalResult Compilation::writeText(
    function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write) {
  OutputFile output(options.output);
  return check(output.write(write));
}

LogicalResult Compilation::emitMLIR() {
  return writeText([&](llvm::raw_pwrite_stream &os) -> llvm::Error {
    if (options.bytecode) {
      if (failed(writeBytecodeToFile(*module, os)))
        return llvm::createStringError("the module has no bytecode form");
      return llvm::Error::success();
    }
    // Any other limit than 0 builds the strings it then leaves out.
    OpPrintingFlags flags;
    flags.elideLargeElementsAttrs(64).elideLargeResourceString(0);
    module->print(os, flags);
    return llvm::Error::success();
  });
}

LogicalResult Compilation::emitNative() {
  auto machine = createTargetMachine(options.triple);
  if (!machine)
    return check(machine.takeError());
  registerBuiltinDialectTranslation(*context);
  registerLLVMDialectTranslation(*context);

  Weights weights(*module);
  model.weightsBytes = report.weightsBytes = weights.getBytes();
  if (model.weightsBytes > 0)
    model.weightsSymbol = model.name + "_weights";
  model.manifest = describeManifest();
  weights.detach();
  // Before the code, which has their checksum.
  if (options.emit >= EmitKind::Object && model.weightsBytes > 0 &&
      failed(stage("weights", [&] { return writeWeights(weights); })))
    return failure();

  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> code;
  if (failed(stage("codegen", [&]() -> LogicalResult {
        code = translateModuleToLLVMIR(*module, llvmContext, model.name);
        if (!code)
          return failure();
        code->setDataLayout((*machine)->createDataLayout());
        emitDescription(*code, model);
        optimizeModule(*code, **machine);
        if (!data.empty())
          defineData(*code, model.weightsSymbol,
                     StringRef(data.data(), data.size()));
        SmallVector<char, 0>().swap(data);
        return success();
      })))
    return failure();

  if (options.emit == EmitKind::LLVMIR)
    return writeText([&](llvm::raw_pwrite_stream &os) {
      code->print(os, nullptr);
      return llvm::Error::success();
    });
  if (options.emit == EmitKind::Assembly)
    return writeText([&](llvm::raw_pwrite_stream &os) {
      return emitNativeCode(*code, **machine, NativeFileType::Assembly, os);
    });
  if (failed(stage("link", [&] { return link(*code, **machine); })) ||
      (options.verify > 0 && failed(stage("verify", [&] { return verify(); }))))
    return failure();
  return finish();
}

/// Writes the weights' object and takes their checksum. Where we write no such
/// objects they become part of the code's, which takes memory.
LogicalResult Compilation::writeWeights(const Weights &weights) {
  auto write = [&](llvm::raw_pwrite_stream &os) -> llvm::Error {
    ChecksumStream summed(os);
    if (llvm::Error error = weights.write(summed))
      return error;
    summed.finish(model.weightsHash);
    return llvm::Error::success();
  };
  if (!llvm::Triple(options.triple).isOSBinFormatELF()) {
    // Such a file has offsets of 32 bits; the code takes some of them.
    constexpr uint64_t most = UINT32_MAX - (UINT64_C(128) << 20);
    if (model.weightsBytes > most)
      return emitError(UnknownLoc::get(context))
             << "expects at most " << most
             << " bytes of weights in an object for " << options.triple
             << ", got " << model.weightsBytes;
    llvm::raw_svector_ostream os(data);
    return check(write(os));
  }
  if (failed(createDirectory()))
    return failure();
  return check(writeFile(directory.getPath("weights.o"), [&](auto &os) {
    return writeDataObject(os, options.triple, model.weightsSymbol,
                           model.weightsBytes, write);
  }));
}

/// Writes the file, as "linked" in `directory`, and its header.
LogicalResult Compilation::link(llvm::Module &code,
                                llvm::TargetMachine &machine) {
  if (failed(createDirectory()))
    return failure();
  std::vector<std::string> objects = {directory.getPath("code.o")};
  if (llvm::Error error = writeFile(objects[0], [&](auto &os) {
        return emitNativeCode(code, machine, NativeFileType::Object, os);
      }))
    return check(std::move(error));
  if (llvm::Error error = checkImports(objects[0]))
    return check(std::move(error));
  bool isELF = llvm::Triple(options.triple).isOSBinFormatELF();
  // First, so that they do not lie between code and its constants: how far
  // apart those are is limited, to 2 GiB on x86-64 and 4 on AArch64.
  if (model.weightsBytes > 0 && isELF)
    objects.insert(objects.begin(), directory.getPath("weights.o"));

  std::string linked = directory.getPath("linked");
  auto combine = [&]() -> llvm::Error {
    if (options.emit == EmitKind::Static)
      return archiveObjects(objects, linked, options.triple);
    bool relocatable = options.emit == EmitKind::Object;
    if (relocatable && !isELF)
      return replaceFiles({{objects[0], linked}});
    return linkObjects(objects, linked, options.triple,
                       {getDescribeSymbol(model)}, relocatable);
  };
  if (failed(check(combine())))
    return failure();
  uint64_t size = 0;
  (void)llvm::sys::fs::file_size(linked, size);
  report.libraryBytes = size;
  return check(writeFile(directory.getPath("header"), [&](auto &os) {
    writeHeader(os, model);
    return llvm::Error::success();
  }));
}

LogicalResult Compilation::createDirectory() {
  return directory.isCreated() ? success()
                               : check(directory.create(options.output));
}

/// Compiles the recognized model without kernels, for the level that every
/// other one includes. Before anything else: packing releases the codes.
LogicalResult Compilation::makeReference() {
  if (failed(createDirectory()))
    return failure();
  CompilerOptions plain = options;
  plain.output = directory.getPath("reference.so");
  plain.pack = false;
  plain.verify = 0;
  plain.progress = nullptr;
  StringRef architecture =
      llvm::Triple::getArchTypeName(llvm::Triple(options.triple).getArch());
  plain.levels = {getLevels(architecture).back().name.str()};
  Report plainReport;
  Compilation reference(plain, context, plainReport);
  reference.module = module->clone();
  reference.model.name = model.name;
  return reference.lower();
}

/// Runs what was linked and the reference.
LogicalResult Compilation::verify() {
  VerifyOptions verifyOptions;
  verifyOptions.sets = options.verify;
  llvm::Expected<Verification> result =
      verifyLibrary(directory.getPath("linked"),
                    directory.getPath("reference.so"), verifyOptions);
  if (!result)
    return check(llvm::createStringError("cannot verify: " +
                                         llvm::toString(result.takeError())));
  report.verification = std::move(*result);
  if (report.verification->agrees())
    return success();
  if (!exposesCodes)
    countFlippedCodes();
  reportDifferences();
  return failure();
}

/// Compiles and verifies the model once more with its codes as outputs, from
/// the start: the weights' codes are gone.
void Compilation::countFlippedCodes() {
  CompilerOptions probe = options;
  probe.output = directory.getPath("probe.so");
  probe.progress = nullptr;
  Report probeReport;
  Compilation compilation(probe, context, probeReport);
  compilation.exposesCodes = true;
  {
    // All that this says is known, and it is expected to fail.
    ScopedDiagnosticHandler silence(context, [](Diagnostic &) {});
    (void)compilation.run();
  }
  if (!probeReport.verification)
    return;
  std::vector<OutputComparison> &all = probeReport.verification->outputs;
  size_t own = report.verification->outputs.size();
  if (all.size() > own)
    report.verification->codes.assign(all.begin() + own, all.end());
}

/// Emits an error for each difference, then says where codes differ.
void Compilation::reportDifferences() {
  auto error = [&] {
    return emitError(UnknownLoc::get(context)) << "verification: ";
  };
  const Verification &verification = *report.verification;
  for (const std::string &difference : verification.failures)
    error() << difference;
  for (const OutputComparison &output : verification.outputs)
    if (output.differing > 0)
      error() << "output '" << output.name << "': " << output.differing
              << " of " << output.elements
              << " elements differ from the reference lowering, by up to "
              << llvm::formatv("{0:g3}, relative {1:g3}", output.worstAbsolute,
                               output.worstRelative)
                     .str()
              << "; " << output.worst;
  bool flipped = false;
  for (const OutputComparison &codes : verification.codes) {
    if (codes.differing == 0)
      continue;
    flipped = true;
    error() << codes.differing << " of " << codes.elements
            << " codes flipped at the quantizer of '" << codes.name << "'";
  }
  if (!flipped && !verification.codes.empty())
    error() << "no code flipped at " << verification.codes.size()
            << " quantizers: the difference arises after them";
}

/// Moves the files to where they were asked for.
LogicalResult Compilation::finish() {
  SmallString<128> header(options.output);
  llvm::sys::path::replace_extension(header, ".h");
  return check(
      replaceFiles({{directory.getPath("linked"), options.output},
                    {directory.getPath("header"), header.str().str()}}));
}

/// What a library tells people about itself: its layers and levels.
std::string Compilation::describeManifest() {
  llvm::json::Object all = toJSON(report);
  llvm::json::Object manifest;
  for (StringRef key : {"model", "target", "levels", "kernels", "bitlinear"})
    manifest[key] = std::move(*all.get(key));
  return llvm::formatv("{0}", llvm::json::Value(std::move(manifest)));
}

} // namespace

std::string whyNotVerified(const CompilerOptions &options) {
  if (options.emit != EmitKind::Shared)
    return "cannot verify what does not run by itself; expects a shared "
           "library";
  llvm::Triple target(options.triple),
      host(llvm::sys::getDefaultTargetTriple());
  if (target.getArch() != host.getArch() || target.getOS() != host.getOS())
    return "cannot verify a library for " + target.str() + " on " + host.str();
  return "";
}

LogicalResult compile(const CompilerOptions &options, MLIRContext *context,
                      Report &report) {
  if (options.verify > 0)
    if (std::string reason = whyNotVerified(options); !reason.empty())
      return emitError(UnknownLoc::get(context)) << reason;
  LogicalResult result = Compilation(options, context, report).run();
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) == 0)
    report.peakRSS = int64_t(usage.ru_maxrss) * 1024;
  return result;
}

} // namespace bit
