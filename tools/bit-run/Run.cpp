// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Run.h"
#include "Json.h"
#include "Values.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>

namespace bitrun {

/// A tensor's name as a file name.
static std::string fileName(const std::string &name) {
  std::string out;
  for (char c : name) {
    bool isKept = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    out += isKept ? c : '_';
  }
  return out + ".npy";
}

/// Like mkdir -p.
static void makeFolder(const std::string &path) {
  for (size_t at = 1; at <= path.size(); ++at)
    if (at == path.size() || path[at] == '/')
      if (mkdir(path.substr(0, at).c_str(), 0777) != 0 && errno != EEXIST)
        fail(path + ": " + std::strerror(errno));
}

/// What --expect says, by output name.
static NamedArrays readExpected(const Options &options, const Model &model) {
  NamedArrays expected;
  if (!options.expectFile.empty())
    expected = readNpz(options.expectFile);
  for (const auto &[name, file] : options.expectFiles)
    expected[name] = readArray(file);
  for (auto &[name, array] : expected) {
    const Port *named = nullptr;
    for (const Port &port : model.getOutputs())
      if (port.name == name)
        named = &port;
    if (!named)
      wrongUsage("expects outputs of the model, got '" + name + "'");
    adoptDtype(array, named->dtype, "expected '" + name + "'");
  }
  return expected;
}

/// The first elements, for people.
static std::string preview(const Array &array) {
  constexpr size_t shown = 8;
  size_t count =
      array.data.size() / array.elementBytes * numbersPerElement(array.dtype);
  std::string text;
  for (size_t i = 0; i < count && i < shown; ++i)
    text += (i ? " " : "") + formatNumberAt(array, i);
  return text + (count > shown ? " ..." : "");
}

static std::string toJson(const Port &port, const Array &array,
                          const std::string &file, bool isCompared,
                          const std::string &difference) {
  std::vector<std::string> shape;
  for (int64_t dim : array.shape)
    shape.push_back(json::number(dim));
  json::Object object;
  object.add("name", json::quote(port.name))
      .add("dtype", json::quote(bit_dtype_name(array.dtype)))
      .add("shape", json::array(shape));
  if (!file.empty())
    object.add("file", json::quote(file));
  if (isCompared)
    object.add("difference",
               difference.empty() ? "null" : json::quote(difference));
  return object.str();
}

ExitCode runOnce(const Options &options, Model &model) {
  NamedArrays expected = readExpected(options, model);
  std::vector<Array> inputs = collectInputs(options, model);
  model.bind(inputs);
  model.run();

  if (!options.outputDir.empty())
    makeFolder(options.outputDir);
  std::vector<std::string> objects;
  bool agree = true;
  for (size_t i = 0; i < model.getOutputs().size(); ++i) {
    const Port &port = model.getOutputs()[i];
    Array array = model.copyOutput(i);
    std::string file, difference;
    if (!options.outputDir.empty()) {
      file = options.outputDir + "/" + fileName(port.name);
      writeNpy(file, array);
    }
    auto found = expected.find(port.name);
    bool isCompared = found != expected.end();
    if (isCompared)
      difference = compare(array, found->second, options.rtol, options.atol);
    agree &= difference.empty();
    objects.push_back(toJson(port, array, file, isCompared, difference));
    if (!difference.empty())
      std::fprintf(stderr, "bit-run: output '%s' differs: %s\n",
                   port.name.c_str(), difference.c_str());
    if (!options.json)
      std::printf("%s: %s %s\n", port.name.c_str(), describe(array).c_str(),
                  file.empty() ? preview(array).c_str() : file.c_str());
  }
  if (options.json) {
    json::Object object;
    object.add("model", json::quote(model.getDescription().name))
        .add("level", json::quote(model.getLevel()))
        .add("threads", json::number(int64_t{model.getThreads()}))
        .add("outputs", json::array(objects));
    if (options.expectsOutputs())
      object.add("agree", agree ? "true" : "false");
    std::printf("%s\n", object.str().c_str());
  } else if (!expected.empty() && agree) {
    std::printf("%zu outputs agree with what was expected\n", expected.size());
  }
  return agree ? Done : OutputsDiffer;
}

} // namespace bitrun
