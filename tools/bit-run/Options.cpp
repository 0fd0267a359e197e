// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Options.h"
#include "Failure.h"
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdlib>

namespace bitrun {

const char *const helpText = R"(usage: bit-run MODEL.so [option...]

Loads a library that bit-opt compiled. Without an option that runs it, prints
its signature, levels and sizes.

  --input NAME=FILE    an input: .npy, or .pb with an ONNX TensorProto
  --inputs FILE.npz    inputs by name, stored (numpy.savez), not compressed
  --random             random inputs for all that no file gives
  --dim NAME=N         size of a symbolic dim of random inputs (default: 1)
  --seed N             of the random inputs (default: 0)
  --output-dir DIR     writes each output to DIR/NAME.npy; makes DIR
  --expect FILE.npz    compares outputs with these, by name;
  --expect NAME=FILE   or one output with a .npy or .pb file
  --rtol X, --atol X   allow |got - expected| <= atol + rtol * |expected|
                       (default: 1e-4 and 1e-5)
  --bench              measures runs; inputs are random unless given
  --seconds X          how long --bench measures (default: 1)
  --level NAME         instruction-set level (default: the best of this CPU)
  --threads N          threads of a run (default: one a core)
  --weights FILE       external weights (default: beside the library)
  --verify             refuses weights that are not as they were compiled
  --huge-pages         copies the weights into memory of 2 MB pages
  --json               exactly one JSON object on stdout
  --verbose            what is chosen and how long it takes, on stderr
  --help, --version

Options are written --o=V or --o V. Exit codes: 0 done; 1 the library cannot
be loaded or run; 2 wrong usage; 3 outputs differ from what was expected.
)";

namespace {

/// Walks the arguments; values are joined by '=' or follow.
class Parser {
public:
  explicit Parser(const std::vector<std::string> &arguments)
      : arguments(arguments) {}

  Options parse() {
    while (at < arguments.size()) {
      std::string argument = arguments[at++];
      if (argument.size() > 1 && argument[0] == '-')
        parseOption(argument);
      else if (options.library.empty() && !argument.empty())
        options.library = argument;
      else
        wrongUsage("expects one library, got '" + argument + "', too");
    }
    if (options.library.empty() && !options.help && !options.version)
      wrongUsage("expects a library: bit-run MODEL.so");
    return options;
  }

private:
  void parseOption(const std::string &argument) {
    size_t equals = argument.find('=');
    name = argument.substr(0, equals);
    hasValue = equals != std::string::npos;
    value = hasValue ? argument.substr(equals + 1) : "";
    if (!parseFlag() && !parseValue())
      wrongUsage("unknown option '" + name + "'; see --help");
  }

  bool parseFlag() {
    const std::pair<const char *, bool *> flags[] = {
        {"--random", &options.random},
        {"--bench", &options.bench},
        {"--json", &options.json},
        {"--verbose", &options.verbose},
        {"--huge-pages", &options.hugePages},
        {"--verify", &options.verify},
        {"--version", &options.version},
        {"--help", &options.help},
        {"-h", &options.help}};
    for (auto [flag, isSet] : flags)
      if (name == flag) {
        if (hasValue)
          wrongUsage("'" + name + "' takes no value, got '" + value + "'");
        return *isSet = true;
      }
    // Words of later versions: named, so that nobody looks for a typing error.
    if (name == "--profile")
      wrongUsage("'--profile' is not available: this version of libbitrt does "
                 "not time single operators");
    return false;
  }

  bool parseValue() {
    if (name == "--input")
      addPair(options.inputFiles);
    else if (name == "--inputs")
      options.inputsFile = take("FILE.npz");
    else if (name == "--expect")
      addExpected();
    else if (name == "--output-dir")
      options.outputDir = take("DIR");
    else if (name == "--dim")
      addDim();
    else if (name == "--rtol")
      options.rtol = takeReal(0);
    else if (name == "--atol")
      options.atol = takeReal(0);
    else if (name == "--seconds")
      options.seconds = takeReal(0);
    else if (name == "--seed")
      options.seed =
          static_cast<uint64_t>(parseInteger(take("N"), 0, INT64_MAX));
    else if (name == "--threads")
      options.threads = static_cast<int32_t>(parseInteger(take("N"), 1, 1024));
    else if (name == "--level")
      options.level = take("NAME");
    else if (name == "--weights")
      options.weights = take("FILE");
    else
      return false;
    return true;
  }

  std::string take(const char *what) {
    if (!hasValue && at < arguments.size()) {
      value = arguments[at++];
      hasValue = true;
    }
    if (!hasValue || value.empty())
      wrongUsage("'" + name + "' expects " + what);
    return value;
  }

  /// NAME=REST, split at the first '='.
  std::pair<std::string, std::string> takePair(const char *what) {
    std::string pair = take(what);
    size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size())
      wrongUsage("'" + name + "' expects " + what + ", got '" + pair + "'");
    return {pair.substr(0, equals), pair.substr(equals + 1)};
  }

  void addPair(std::map<std::string, std::string> &pairs) {
    auto pair = takePair("NAME=FILE");
    if (!pairs.insert(pair).second)
      wrongUsage("'" + name + "' gives '" + pair.first + "' twice");
  }

  void addExpected() {
    std::string file = take("FILE.npz or NAME=FILE");
    bool isArchive =
        file.size() > 4 && file.compare(file.size() - 4, 4, ".npz") == 0;
    if (!isArchive && file.find('=') != std::string::npos)
      addPair(options.expectFiles);
    else if (options.expectFile.empty())
      options.expectFile = file;
    else
      wrongUsage("'--expect' expects one .npz file, got '" + file + "', too");
  }

  void addDim() {
    auto [dim, size] = takePair("NAME=N");
    if (!options.dims.emplace(dim, parseInteger(size, 0, INT64_MAX)).second)
      wrongUsage("'--dim' gives '" + dim + "' twice");
  }

  int64_t parseInteger(const std::string &text, int64_t lo, int64_t hi) {
    char *end = nullptr;
    errno = 0;
    long long number = std::strtoll(text.c_str(), &end, 10);
    if (errno || *end || end == text.c_str() || number < lo || number > hi)
      wrongUsage("'" + name + "' expects a whole number of " +
                 std::to_string(lo) + " or more" +
                 (hi == INT64_MAX ? "" : " up to " + std::to_string(hi)) +
                 ", got '" + text + "'");
    return number;
  }

  double takeReal(double lo) {
    std::string text = take("a number");
    char *end = nullptr;
    double number = std::strtod(text.c_str(), &end);
    if (*end || end == text.c_str() || !std::isfinite(number) || number < lo)
      wrongUsage("'" + name + "' expects a number of 0 or more, got '" + text +
                 "'");
    return number;
  }

  const std::vector<std::string> &arguments;
  size_t at = 0;
  Options options;
  std::string name, value; ///< of the option being parsed
  bool hasValue = false;
};

} // namespace

Options parseOptions(const std::vector<std::string> &arguments) {
  return Parser(arguments).parse();
}

} // namespace bitrun
