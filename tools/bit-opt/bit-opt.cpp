// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler and the pass driver.

#include "Options.h"
#include "bit/InitAll.h"
#include "bit/Support/Diagnostics.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Support/Timing.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace {

enum ExitCode { Done = 0, Failed = 1, WrongUsage = 2 };

/// Prints one line that the next one overwrites, if somebody is looking.
void printProgress(StringRef stage) {
  if (llvm::sys::Process::StandardErrIsDisplayed())
    llvm::errs() << "\r\033[K" << stage << (stage.empty() ? "" : " ...");
}

void printVersion(llvm::raw_ostream &os) {
  os << "bit-mlir " << BIT_VERSION << "\nLLVM " << LLVM_VERSION_STRING
     << "\nlibonnx " << BIT_ONNX_VERSION << "\nABI " << bit::getAbiVersion()
     << "\n";
}

void printDetails(const bit::Report &report) {
  for (const bit::LayerReport &layer : report.layers)
    llvm::errs() << "  layer '" << layer.name << "': " << layer.n << " x "
                 << layer.k << ", "
                 << (layer.kernel.empty() ? "not packed" : layer.kernel)
                 << "\n";
  for (const bit::StageReport &stage : report.stages)
    llvm::errs() << llvm::format("  %-10s %7.3f s\n", stage.name.c_str(),
                                 stage.seconds);
}

int runCompiler(const bit::DriverOptions &options,
                const DialectRegistry &registry) {
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  std::unique_ptr<llvm::DefaultThreadPool> threads;
  if (options.compiler.threads != 1) {
    threads = std::make_unique<llvm::DefaultThreadPool>(
        llvm::hardware_concurrency(options.compiler.threads));
    context.setThreadPool(*threads);
  }
  bit::Report report;
  LogicalResult result = failure();
  {
    bit::DiagnosticPrinter printer(&context);
    result = bit::compile(options.compiler, &context, report);
    printProgress("");
    report.errors = printer.getLines(DiagnosticSeverity::Error);
    report.warnings = printer.getLines(DiagnosticSeverity::Warning);
  }
  // The report says why it failed, too.
  if (!options.report.empty()) {
    std::string message;
    auto file = openOutputFile(options.report, &message);
    if (!file) {
      llvm::errs() << "bit-opt: error: " << message << "\n";
      return Failed;
    }
    file->os() << llvm::formatv("{0:2}\n",
                                llvm::json::Value(bit::toJSON(report)));
    file->keep();
  }
  if (failed(result))
    return Failed;
  if (options.compiler.emit >= bit::EmitKind::Object)
    bit::printSummary(llvm::errs(), report, options.compiler.output);
  if (options.verbose)
    printDetails(report);
  return Done;
}

int runPasses(const bit::DriverOptions &options, DialectRegistry &registry) {
  std::string message;
  auto input = openInputFile(options.compiler.input, &message);
  if (!input) {
    llvm::errs() << "bit-opt: error: " << message << "\n";
    return Failed;
  }
  StringRef path = options.compiler.output;
  auto output = openOutputFile(path.empty() ? "-" : path, &message);
  if (!output) {
    llvm::errs() << "bit-opt: error: " << message << "\n";
    return Failed;
  }
  if (failed(MlirOptMain(output->os(), std::move(input), registry,
                         MlirOptMainConfig::createFromCLOptions())))
    return Failed;
  output->keep();
  return Done;
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  DialectRegistry registry;
  bit::registerAllDialects(registry);
  bit::registerAllPasses();
  MlirOptMainConfig::registerCLOptions(registry);
  registerAsmPrinterCLOptions();
  registerMLIRContextCLOptions();
  registerPassManagerCLOptions();
  registerDefaultTimingManagerCLOptions();
  bit::registerDriverOptions();
  llvm::cl::SetVersionPrinter(printVersion);

  bit::DriverOptions options;
  if (!bit::parseDriverOptions(argc, argv, options, llvm::errs()))
    return WrongUsage;
  if (!options.compile)
    return runPasses(options, registry);
  options.compiler.configure = [](PassManager &pm) {
    applyDefaultTimingPassManagerCLOptions(pm);
    return applyPassManagerCLOptions(pm);
  };
  options.compiler.progress = printProgress;
  return runCompiler(options, registry);
}
