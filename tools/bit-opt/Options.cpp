// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Options.h"
#include "bit/Compiler/NativeCode.h"
#include "bit/Pipelines/Levels.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Regex.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace bit {

namespace {

cl::OptionCategory category("bit-opt options");

template <typename T> struct Setting : cl::opt<T> {
  template <typename... Args>
  Setting(StringRef name, StringRef help, const Args &...args)
      : cl::opt<T>(name, cl::desc(help), cl::cat(category), args...) {}
};

/// The options themselves. They live as long as the program: LLVM's parser
/// keeps pointers to them.
struct Flags {
  cl::opt<std::string> input{cl::Positional, cl::desc("<model>"), cl::init("-"),
                             cl::cat(category)};
  Setting<std::string> output{"o", "output file; '-' is stdout",
                              cl::value_desc("path"), cl::Prefix};
  Setting<std::string> emit{
      "emit",
      "onnx, bit, linalg, llvm, asm, obj, static or shared; overrides "
      "the output's suffix",
      cl::value_desc("stage")};
  Setting<std::string> target{"target", "x86-64, aarch64, native or a triple",
                              cl::init("native"), cl::value_desc("target")};
  cl::list<std::string> levels{
      "level",
      cl::desc("instruction-set levels in the library: x86-64-v3, "
               "avxvnni, avx512vnni, avx512vbmi; neon, dotprod, i8mm "
               "(default: all of the target's that differ)"),
      cl::CommaSeparated, cl::value_desc("level,..."), cl::cat(category)};
  cl::list<std::string> dims{
      "dim", cl::desc("fix a symbolic dimension; '?' keeps it dynamic"),
      cl::value_desc("name=n"), cl::cat(category)};
  Setting<std::string> weights{"weights", "embed or auto", cl::init("auto"),
                               cl::value_desc("where")};
  Setting<std::string> quantize{
      "quantize", "which linear layers become ternary: trained, all or off",
      cl::init("trained"), cl::value_desc("which")};
  Setting<std::string> scheme{"quantize-scheme",
                              "for all: absmean, absmedian, twn, sign or fit",
                              cl::init("absmean"), cl::value_desc("how")};
  Setting<std::string> granularity{
      "quantize-granularity",
      "for all: one scale a tensor, channel or group128", cl::init("tensor"),
      cl::value_desc("what")};
  Setting<std::string> activationBits{"activation-bits", "for all: 8 or none",
                                      cl::init("8"), cl::value_desc("bits")};
  Setting<std::string> skip{
      "skip", "for all: regular expression of nodes or weights left alone",
      cl::value_desc("regex")};
  Setting<std::string> packing{"packing",
                               "how ternary weights are stored: 2bit, dense "
                               "(1.6 bits), lut (the bytes of 2bit) or auto",
                               cl::init("2bit"), cl::value_desc("how")};
  Setting<bool> groupSiblings{"group-siblings",
                              "one kernel for products of the same codes",
                              cl::init(true), cl::Hidden};
  Setting<std::string> verify{
      "verify",
      "compare the library with the reference lowering, bit for bit, on n "
      "sets of random inputs (default: 8)",
      cl::value_desc("n"), cl::ValueOptional};
  Setting<std::string> report{"report", "write what was found and made",
                              cl::value_desc("file.json")};
  Setting<std::string> name{
      "name", "prefix of the C symbols (default: the file's name)",
      cl::value_desc("id")};
  Setting<unsigned> threads{"j", "threads of the compiler (default: all cores)",
                            cl::value_desc("n"), cl::Prefix, cl::init(0)};
  Setting<bool> verbose{"verbose", "print every layer and the time of each "
                                   "stage"};
};

Flags &flags() {
  static Flags *flags = new Flags;
  return *flags;
}

/// The words an option takes: those that work, and those that a later version
/// will know, which get an error of their own.
struct Words {
  StringRef option;
  ArrayRef<StringRef> valid, later;

  bool check(StringRef value, raw_ostream &errs) const {
    if (is_contained(valid, value))
      return true;
    errs << "bit-opt: error: --" << option << "=" << value << ": ";
    if (is_contained(later, value))
      errs << "is not supported yet; expects one of ";
    else
      errs << "expects one of ";
    errs << llvm::join(valid, ", ") << "\n";
    return false;
  }
};

constexpr StringRef emitWords[] = {"onnx", "bit", "linalg", "llvm",
                                   "asm",  "obj", "static", "shared"};
constexpr StringRef weightsWords[] = {"embed", "auto"};
constexpr StringRef weightsLater[] = {"external"};
constexpr StringRef quantizeWords[] = {"trained", "all", "off"};
constexpr StringRef schemeWords[] = {"absmean", "absmedian", "twn", "sign",
                                     "fit"};
constexpr StringRef granularityWords[] = {"tensor", "channel", "group128"};
constexpr StringRef activationBitsWords[] = {"8", "none"};
constexpr StringRef packingWords[] = {"2bit", "dense", "lut", "auto"};
EmitKind parseEmitWord(StringRef word) {
  return StringSwitch<EmitKind>(word)
      .Case("onnx", EmitKind::Onnx)
      .Case("bit", EmitKind::Bit)
      .Case("linalg", EmitKind::Linalg)
      .Case("llvm", EmitKind::LLVM)
      .Case("asm", EmitKind::Assembly)
      .Case("obj", EmitKind::Object)
      .Case("static", EmitKind::Static)
      .Default(EmitKind::Shared);
}

/// Chooses what to emit by --emit or the output's suffix.
bool parseEmit(DriverOptions &options, raw_ostream &errs) {
  CompilerOptions &compiler = options.compiler;
  StringRef output = compiler.output;
  compiler.bytecode = output.ends_with(".mlirbc");
  if (flags().emit.getNumOccurrences()) {
    if (!Words{"emit", emitWords, {}}.check(flags().emit, errs))
      return false;
    compiler.emit = parseEmitWord(flags().emit);
    bool isFile = compiler.emit >= EmitKind::Object;
    if (isFile && (output.empty() || output == "-")) {
      errs << "bit-opt: error: --emit=" << flags().emit
           << ": expects an output file, -o path\n";
      return false;
    }
    return true;
  }
  if (output.empty()) {
    errs << "bit-opt: error: expects -o path or --emit=stage\n";
    return false;
  }
  static const std::pair<StringRef, EmitKind> suffixes[] = {
      {".so", EmitKind::Shared},    {".a", EmitKind::Static},
      {".o", EmitKind::Object},     {".s", EmitKind::Assembly},
      {".ll", EmitKind::LLVMIR},    {".mlir", EmitKind::Linalg},
      {".mlirbc", EmitKind::Linalg}};
  for (auto [suffix, kind] : suffixes)
    if (output.ends_with(suffix)) {
      compiler.emit = kind;
      return true;
    }
  errs << "bit-opt: error: -o " << output
       << ": expects a suffix of .so, .a, .o, .s, .ll, .mlir or .mlirbc, or "
          "--emit=stage\n";
  return false;
}

bool parseDims(CompilerOptions &compiler, raw_ostream &errs) {
  for (StringRef text : flags().dims) {
    auto [name, value] = text.rsplit('=');
    uint64_t size = 0;
    bool isDynamic = value == "?";
    if (name.empty() || value.empty() ||
        (!isDynamic && (value.getAsInteger(10, size) || size > INT64_MAX))) {
      errs << "bit-opt: error: --dim=" << text
           << ": expects name=n with n >= 0, or name=?\n";
      return false;
    }
    compiler.dims.push_back(
        {name.str(), isDynamic ? std::nullopt : std::optional<int64_t>(size)});
  }
  return true;
}

bool parseLevels(CompilerOptions &compiler, raw_ostream &errs) {
  StringRef architecture =
      Triple::getArchTypeName(Triple(compiler.triple).getArch());
  compiler.levels = flags().levels;
  for (StringRef name : compiler.levels) {
    if (findLevel(architecture, name))
      continue;
    errs << "bit-opt: error: --level=" << name << ": expects one of ";
    interleaveComma(reverse(getLevels(architecture)), errs,
                    [&](const Level &level) { errs << level.name; });
    errs << " for target " << compiler.triple << "\n";
    return false;
  }
  return true;
}

bool parseTarget(CompilerOptions &compiler, raw_ostream &errs) {
  Expected<std::string> triple = resolveTarget(flags().target);
  if (!triple) {
    errs << "bit-opt: error: --target=" << flags().target << ": "
         << toString(triple.takeError()) << "\n";
    return false;
  }
  compiler.triple = *triple;
  if (compiler.emit == EmitKind::Shared &&
      !Triple(compiler.triple).isOSBinFormatELF()) {
    errs << "bit-opt: error: --target=" << flags().target
         << ": cannot link a shared library for it; expects an output of .a, "
            ".o, .s or .ll\n";
    return false;
  }
  return parseLevels(compiler, errs);
}

bool parseVerify(CompilerOptions &compiler, raw_ostream &errs) {
  if (!flags().verify.getNumOccurrences())
    return true;
  compiler.verify = VerifyOptions().sets;
  StringRef sets = flags().verify;
  if (!sets.empty() &&
      (sets.getAsInteger(10, compiler.verify) || compiler.verify == 0)) {
    errs << "bit-opt: error: --verify=" << sets
         << ": expects the number of input sets, at least 1\n";
    return false;
  }
  std::string reason = whyNotVerified(compiler);
  if (reason.empty())
    return true;
  errs << "bit-opt: error: --verify: " << reason << "\n";
  return false;
}

bool parseName(CompilerOptions &compiler, raw_ostream &errs) {
  compiler.name = flags().name;
  StringRef name = compiler.name;
  if (!flags().name.getNumOccurrences() ||
      (!name.empty() && !isDigit(name.front()) &&
       all_of(name, [](char c) { return isAlnum(c) || c == '_'; })))
    return true;
  errs << "bit-opt: error: --name=" << name << ": expects a C identifier\n";
  return false;
}

bool parseQuantize(CompilerOptions &compiler, raw_ostream &errs) {
  if (!Words{"quantize", quantizeWords, {}}.check(flags().quantize, errs))
    return false;
  compiler.recognize = flags().quantize != "off";
  QuantizeOptions &quantize = compiler.quantize;
  quantize.all = flags().quantize == "all";
  std::pair<StringRef, ArrayRef<StringRef>> words[] = {
      {"quantize-scheme", schemeWords},
      {"quantize-granularity", granularityWords},
      {"activation-bits", activationBitsWords},
      {"skip", {}}};
  Setting<std::string> *settings[] = {&flags().scheme, &flags().granularity,
                                      &flags().activationBits, &flags().skip};
  for (auto [entry, setting] : llvm::zip_equal(words, settings)) {
    auto [name, valid] = entry;
    if (setting->getNumOccurrences() && !quantize.all) {
      errs << "bit-opt: error: --" << name
           << ": applies to --quantize=all, got --quantize=" << flags().quantize
           << "\n";
      return false;
    }
    if (!valid.empty() && !Words{name, valid, {}}.check(*setting, errs))
      return false;
  }
  quantize.scheme = *symbolizeWeightScheme(flags().scheme);
  quantize.granularity = flags().granularity == "group128"
                             ? WeightGranularity::Group
                             : *symbolizeWeightGranularity(flags().granularity);
  quantize.activations = flags().activationBits == "8";
  quantize.skip = flags().skip;
  std::string reason;
  if (quantize.skip.empty() || Regex(quantize.skip).isValid(reason))
    return true;
  errs << "bit-opt: error: --skip=" << quantize.skip
       << ": expects a regular expression: " << reason << "\n";
  return false;
}

/// mlir-opt's options do nothing to a compilation but those that instrument it.
/// (All passes are names of one option, so the names come from the arguments.)
bool refuseDriverOptions(int argc, char **argv, raw_ostream &errs) {
  for (StringRef argument : ArrayRef(argv, argc).drop_front()) {
    if (argument == "--")
      break;
    if (!argument.consume_front("-"))
      continue;
    argument.consume_front("-");
    StringRef name = argument.split('=').first;
    auto found = cl::getRegisteredOptions().find(name);
    if (found == cl::getRegisteredOptions().end() ||
        is_contained(found->second->Categories, &category) ||
        name.starts_with("mlir-") || name == "debug" || name == "debug-only")
      continue;
    errs << "bit-opt: error: --" << name
         << ": applies to passes over .mlir input, not to a compilation\n";
    return false;
  }
  return true;
}

} // namespace

void registerDriverOptions() {
  flags();
  cl::HideUnrelatedOptions(category);
}

bool parseDriverOptions(int argc, char **argv, DriverOptions &options,
                        raw_ostream &errs) {
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "bit-mlir's compiler and pass driver\n\n"
          "  bit-opt model.onnx -o model.so       a library and model.h\n"
          "  bit-opt model.onnx --emit=bit        the IR after a stage\n"
          "  bit-opt test.mlir --bit-plan-arena   any pass "
          "(--help-hidden lists them)\n",
          &errs))
    return false;
  CompilerOptions &compiler = options.compiler;
  compiler.input = flags().input;
  compiler.output = flags().output;
  StringRef input = compiler.input, output = compiler.output;
  bool isMLIR =
      input == "-" || input.ends_with(".mlir") || input.ends_with(".mlirbc");
  bool wantsCode =
      llvm::any_of(ArrayRef<StringRef>{".so", ".a", ".o", ".s", ".ll"},
                   [&](StringRef suffix) { return output.ends_with(suffix); });
  options.compile = !isMLIR || wantsCode || flags().emit.getNumOccurrences();
  if (!options.compile) {
    if (!flags().verify.getNumOccurrences())
      return true;
    errs << "bit-opt: error: --verify: expects -o model.so\n";
    return false;
  }

  if (!Words{"weights", weightsWords, weightsLater}.check(flags().weights,
                                                          errs) ||
      !parseQuantize(compiler, errs) ||
      !Words{"packing", packingWords, {}}.check(flags().packing, errs) ||
      !refuseDriverOptions(argc, argv, errs) || !parseEmit(options, errs) ||
      !parseDims(compiler, errs) || !parseTarget(compiler, errs) ||
      !parseVerify(compiler, errs) || !parseName(compiler, errs))
    return false;
  // Tables of sums are indexed by the bytes of 2bit as they are.
  compiler.packing = StringSwitch<Packing>(flags().packing)
                         .Case("dense", Packing::Dense)
                         .Case("auto", Packing::Auto)
                         .Cases({"2bit", "lut"}, Packing::TwoBit);
  compiler.groupSiblings = flags().groupSiblings;
  compiler.threads = flags().threads;
  options.report = flags().report;
  if (!options.report.empty() &&
      !StringRef(options.report).ends_with(".json")) {
    errs << "bit-opt: error: --report=" << options.report
         << ": expects a file name that ends in .json\n";
    return false;
  }
  options.verbose = flags().verbose;
  return true;
}

} // namespace bit
