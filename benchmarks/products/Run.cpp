// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times compiled libraries beside what the machine can do, in one process.
//   bench-run [OPTION]... NAME=LIBRARY.so...
//     --levels=A,B     forced one after the other; default: the best
//     --m=1,2          rows: the value of every symbolic dimension
//     --caches=hot,cold,hot-huge,cold-huge   one copy of the weights, or so
//                      many that they are more than four times the last cache,
//                      in small or huge pages
//     --threads=1,2
//     --samples=20 --seconds=0.03   of each row, at least
//     --patience=0 --undisturbed=BYTES   of a row: seconds to wait until the
//                      probe of the L2 cache says before and after that nobody
//                      else uses it; alone it does so many bytes a second
//     --calibrate=SECONDS   of no library: the most that the probe says
//     meanwhile
//     --in-turns       libraries take turns, a sample each, on copies that lie
//                      side by side, and each but the first says what it took
//                      over the first in its turn; with
//     --in-turns=threads   the numbers of threads of each library do
// Prints one JSON object a line: quartiles in seconds a call, and the probes
// right before and right after.

#include "Library.h"
#include "Probes.h"
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

extern "C" {
#include "pool.h"
}

namespace {

struct Options {
  std::vector<std::string> levels = {""};
  std::vector<std::string> caches = {"hot"};
  std::vector<int64_t> ms = {1};
  std::vector<int64_t> threads = {1};
  std::vector<std::pair<std::string, std::string>> libraries; ///< name, path
  bool inTurns = false, threadsInTurns = false;
  double patience = 0, undisturbed = 0, calibrate = 0;
  Effort effort;
};

[[noreturn]] void fail(const std::string &message) {
  std::fprintf(stderr, "bench-run: error: %s\n", message.c_str());
  std::exit(2);
}

std::vector<std::string> split(const std::string &list) {
  std::vector<std::string> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');)
    parts.push_back(part);
  return parts;
}

std::vector<int64_t> splitNumbers(const std::string &list) {
  std::vector<int64_t> numbers;
  for (const std::string &part : split(list)) {
    numbers.push_back(std::atoll(part.c_str()));
    if (numbers.back() <= 0)
      fail("expects numbers above 0, got '" + list + "'");
  }
  return numbers;
}

void parse(Options &options, const std::string &argument) {
  if (argument == "--in-turns" || argument == "--in-turns=threads") {
    options.inTurns = true;
    options.threadsInTurns = argument != "--in-turns";
    return;
  }
  size_t equals = argument.find('=');
  if (equals == std::string::npos)
    fail("expects OPTION=VALUE or NAME=LIBRARY.so, got '" + argument + "'");
  std::string name = argument.substr(0, equals);
  std::string value = argument.substr(equals + 1);
  if (name == "--levels")
    options.levels = split(value);
  else if (name == "--caches")
    options.caches = split(value);
  else if (name == "--m")
    options.ms = splitNumbers(value);
  else if (name == "--threads")
    options.threads = splitNumbers(value);
  else if (name == "--samples")
    options.effort.samples = std::max(1, std::atoi(value.c_str()));
  else if (name == "--seconds")
    options.effort.seconds = std::atof(value.c_str());
  else if (name == "--patience")
    options.patience = std::atof(value.c_str());
  else if (name == "--calibrate")
    options.calibrate = std::atof(value.c_str());
  else if (name == "--undisturbed")
    options.undisturbed = std::atof(value.c_str());
  else if (name.compare(0, 2, "--") == 0)
    fail("unknown option '" + name + "'");
  else
    options.libraries.emplace_back(name, value);
}

/// What one row is measured with.
struct Row {
  std::string name, level, cache;
  int threads;
  int64_t m;
};

/// The probes' rates now. Reading is slow to measure, so it is left out where
/// nothing is read from memory.
std::string probe(const Row &row, const Region &memory, const Effort &effort) {
  std::string text = "{";
  for (Probe probe : {Probe::Vpdpbusd, Probe::Vpmaddubsw, Probe::Read,
                      Probe::L2, Probe::L3}) {
    if (!isSupported(probe) ||
        (probe == Probe::Read && row.cache.compare(0, 3, "hot") == 0))
      continue;
    // A pass over memory is milliseconds.
    bool multiplies = probe == Probe::Vpdpbusd || probe == Probe::Vpmaddubsw;
    Effort less = {multiplies ? effort.samples : 8, 0};
    char entry[64];
    std::snprintf(entry, sizeof(entry), "%s\"%s\": %.6g",
                  text.size() > 1 ? ", " : "", getName(probe),
                  runProbe(probe, row.threads, memory, less));
    text += entry;
  }
  return text + "}";
}

/// A row's line; `over` is the library that it took turns with, or null.
void print(Library &library, const Row &row, const Samples &samples,
           const Samples *over, unsigned long long hash,
           const std::string &before, const std::string &after) {
  std::string ratio;
  if (over) {
    // As rows are judged: one thread by its CPU time.
    const auto &own = row.threads == 1 ? samples.cpu : samples.wall;
    const auto &other = row.threads == 1 ? over->cpu : over->wall;
    std::vector<double> ratios;
    for (size_t i = 0; i < own.size(); ++i)
      ratios.push_back(own[i] / other[i]);
    ratio = "\"over\": " + toJSON(getQuartiles(ratios)) + ", ";
  }
  std::printf(
      "{\"name\": \"%s\", \"level\": \"%s\", \"cache\": \"%s\", "
      "\"threads\": %d, \"m\": %lld, \"samples\": %zu, \"copies\": "
      "%zu, \"output\": \"%016llx\", \"weight_bytes\": %llu, %s\"wall\": %s, "
      "\"cpu\": %s, "
      "\"before\": %s, \"after\": %s}\n",
      row.name.c_str(), row.level.c_str(), row.cache.c_str(), row.threads,
      static_cast<long long>(row.m), samples.wall.size(), library.countCopies(),
      hash, static_cast<unsigned long long>(library.getWeightBytes()),
      ratio.c_str(), toJSON(getQuartiles(samples.wall)).c_str(),
      toJSON(getQuartiles(samples.cpu)).c_str(), before.c_str(), after.c_str());
  std::fflush(stdout);
}

using Libraries = std::vector<std::unique_ptr<Library>>;

/// The most that one core's L2 cache does in so many seconds.
void calibrate(double seconds) {
  Region memory(1, /*huge=*/false);
  double most = 0;
  using Clock = std::chrono::steady_clock;
  auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end)
    most = std::max(most, runProbe(Probe::L2, 1, memory, {4, 0}));
  std::printf("{\"l2\": %.6g}\n", most);
}

/// Whether no other program has a share of the caches of this many cores: one
/// on a core's other hardware thread halves what its L2 cache does, but not
/// what its multipliers do.
bool isUndisturbed(const Options &options, int threads, const Region &memory) {
  // On a virtual machine some other is nearly always beside one of two cores.
  double share = threads == 1 ? 0.9 : 0.65;
  return runProbe(Probe::L2, threads, memory, {4, 0}) >=
         share * options.undisturbed * threads;
}

/// Rows of libraries that take turns.
void measure(const Libraries &libraries, const std::vector<Row> &rows,
             size_t spread, const Options &options) {
  const Effort &effort = options.effort;
  std::vector<Call> calls;
  std::vector<unsigned long long> hashes;
  for (size_t i = 0; i < libraries.size(); ++i) {
    Library &library = *libraries[i];
    library.resize(rows[i].m, spread);
    hashes.push_back(library.hashOutputs());
    calls.push_back([&library](int number) { library.run(number); });
  }
  const Region &memory = libraries.front()->getWeights();
  auto probeAll = [&] {
    std::vector<std::string> rates;
    for (const Row &row : rows)
      rates.push_back(!rates.empty() && row.threads == rows.front().threads
                          ? rates.front()
                          : probe(row, memory, effort));
    return rates;
  };
  int threads = rows.back().threads;
  using Clock = std::chrono::steady_clock;
  auto end = Clock::now() + std::chrono::duration<double>(options.patience);
  std::vector<std::string> before, after;
  std::vector<Samples> samples;
  do {
    while (Clock::now() < end && !isUndisturbed(options, threads, memory))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    before = probeAll();
    samples = sample(calls, effort);
    after = probeAll();
  } while (Clock::now() < end && !isUndisturbed(options, threads, memory));
  for (size_t i = 0; i < libraries.size(); ++i)
    print(*libraries[i], rows[i], samples[i],
          i > 0 ? &samples.front() : nullptr, hashes[i], before[i], after[i]);
}

using Named = std::pair<std::string, std::string>; ///< and the path

/// All rows of libraries that take turns, each for each of `threads`.
void measureAll(const Options &options, const std::vector<Named> &wanted,
                const std::vector<int64_t> &threads) {
  std::vector<Threaded> threaded;
  std::vector<Row> rows;
  for (const auto &[name, path] : wanted)
    for (int64_t count : threads) {
      threaded.push_back({path, static_cast<int>(count)});
      rows.push_back({name, "", "", static_cast<int>(count), 0});
    }
  for (const std::string &level : options.levels)
    for (const std::string &cache : options.caches) {
      bool cold = cache.compare(0, 4, "cold") == 0;
      bool huge = cache.find("huge") != std::string::npos;
      size_t spread = cold ? 4 * getLastCacheBytes() : 0;
      std::string error;
      Libraries libraries =
          Library::open(threaded, {level, huge, spread}, error);
      if (libraries.empty()) {
        for (const Row &row : rows)
          std::printf("{\"name\": \"%s\", \"level\": \"%s\", \"error\": "
                      "\"cannot be opened\"}\n",
                      row.name.c_str(), level.c_str());
        std::fprintf(stderr, "bench-run: %s\n", error.c_str());
        continue;
      }
      for (int64_t m : options.ms) {
        for (Row &row : rows)
          row = {row.name, level, cache, row.threads, m};
        measure(libraries, rows, spread, options);
      }
    }
}

/// All rows: what takes turns is measured together.
void measureAll(const Options &options) {
  std::vector<std::vector<Named>> libraries = {options.libraries};
  if (!options.inTurns || options.threadsInTurns) {
    libraries.clear();
    for (const Named &library : options.libraries)
      libraries.push_back({library});
  }
  for (const std::vector<Named> &together : libraries) {
    if (options.threadsInTurns) {
      measureAll(options, together, options.threads);
      continue;
    }
    for (int64_t threads : options.threads)
      measureAll(options, together, {threads});
  }
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i)
    parse(options, argv[i]);
  if (options.calibrate > 0) {
    calibrate(options.calibrate);
    return 0;
  }
  if (options.libraries.empty())
    fail("expects NAME=LIBRARY.so");
  int64_t most = 1;
  for (int64_t threads : options.threads)
    most = std::max(most, threads);
  // Held, so that threads do not start anew for each library.
  bitrt_pool_retain(static_cast<int32_t>(most));
  measureAll(options);
  bitrt_pool_release();
  return 0;
}
