// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads a library that bit-opt compiled, shows what it is, runs it, compares
// what comes out and measures how long it takes. Links libbitrt only.

#include "Failure.h"
#include "Options.h"
#include "Run.h"
#include "Signature.h"
#include <chrono>
#include <cstdio>
#include <new>

using namespace bitrun;

static ExitCode act(const Options &options) {
  auto start = std::chrono::steady_clock::now();
  Model model(options);
  if (options.verbose) {
    std::chrono::duration<double, std::milli> time =
        std::chrono::steady_clock::now() - start;
    std::fprintf(stderr,
                 "bit-run: opened '%s' in %.2f ms: level %s, %d "
                 "threads\n",
                 model.getDescription().name, time.count(),
                 model.getLevel().c_str(), model.getThreads());
  }
  if (!options.runs()) {
    printSignature(model, options.json);
    return Done;
  }
  if (options.bench && options.expectsOutputs())
    wrongUsage("'--bench' and '--expect' exclude each other");
  if (options.bench && !options.outputDir.empty())
    wrongUsage("'--bench' and '--output-dir' exclude each other");
  if (!options.bench)
    return runOnce(options, model);
  bench(options, model);
  return Done;
}

int main(int argc, char **argv) {
  std::string text;
  int code = CannotRun;
  try {
    Options options =
        parseOptions(std::vector<std::string>(argv + 1, argv + argc));
    if (options.help || options.version) {
      if (options.help)
        std::fputs(helpText, stdout);
      else
        std::printf("bit-run %s, ABI %u\n", bit_runtime_version(),
                    bit_runtime_abi_version());
      return Done;
    }
    code = act(options);
    // A full disk or a closed pipe shows at the end.
    if (std::fflush(stdout) == 0)
      return code;
    text = "cannot write to stdout";
    code = CannotRun;
  } catch (const Failure &failure) {
    text = failure.text;
    code = failure.code;
  } catch (const std::bad_alloc &) {
    text = "out of memory";
  }
  std::fprintf(stderr, "bit-run: error: %s\n", text.c_str());
  return code;
}
