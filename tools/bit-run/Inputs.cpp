// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Failure.h"
#include "Run.h"
#include "Values.h"
#include <algorithm>

namespace bitrun {

static std::string listNames(const std::vector<Port> &ports) {
  std::string text;
  for (const Port &port : ports)
    text += (text.empty() ? "" : ", ") + port.name;
  return text;
}

static void checkName(const std::string &name, const Model &model) {
  for (const Port &port : model.getInputs())
    if (port.name == name)
      return;
  wrongUsage("expects an input of the model (" + listNames(model.getInputs()) +
             "), got '" + name + "'");
}

/// --dim must name dims that there are.
static void checkDims(const Options &options, const Model &model) {
  std::vector<std::string> known;
  for (const Port &port : model.getInputs())
    for (size_t i = 0; i < port.dims.size(); ++i)
      if (port.dims[i] < 0 && !port.dimNames[i].empty() &&
          std::find(known.begin(), known.end(), port.dimNames[i]) ==
              known.end())
        known.push_back(port.dimNames[i]);
  std::string list;
  for (const std::string &name : known)
    list += (list.empty() ? "" : ", ") + name;
  for (const auto &[name, size] : options.dims)
    if (std::find(known.begin(), known.end(), name) == known.end())
      wrongUsage("'--dim' expects a symbolic dim of the inputs (" +
                 (list.empty() ? "there is none" : list) + "), got '" + name +
                 "'");
}

using Sizes = std::map<std::string, int64_t>;

/// Random inputs take the size of a named dim from inputs that files give.
static void learnSizes(const Port &port, const Array &array, Sizes &sizes) {
  if (array.shape.size() != port.dims.size())
    return;
  for (size_t i = 0; i < port.dims.size(); ++i)
    if (port.dims[i] < 0 && !port.dimNames[i].empty())
      sizes.emplace(port.dimNames[i], array.shape[i]);
}

static std::vector<int64_t> chooseShape(const Port &port, const Sizes &sizes) {
  std::vector<int64_t> shape = port.dims;
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] < 0) {
      auto found = sizes.find(port.dimNames[i]);
      shape[i] = found != sizes.end() ? found->second : 1;
    }
  return shape;
}

std::vector<Array> collectInputs(const Options &options, const Model &model) {
  NamedArrays given;
  if (!options.inputsFile.empty())
    given = readNpz(options.inputsFile);
  for (const auto &[name, array] : given)
    checkName(name, model);
  for (const auto &[name, file] : options.inputFiles) {
    checkName(name, model);
    given[name] = readArray(file);
  }
  checkDims(options, model);

  Sizes sizes = options.dims;
  for (const Port &port : model.getInputs())
    if (auto found = given.find(port.name); found != given.end())
      learnSizes(port, found->second, sizes);
  std::mt19937_64 generator(options.seed);
  std::vector<Array> arrays;
  for (const Port &port : model.getInputs()) {
    auto found = given.find(port.name);
    if (found != given.end()) {
      adoptDtype(found->second, port.dtype, "input '" + port.name + "'");
      arrays.push_back(std::move(found->second));
    } else if (options.random || options.bench) {
      arrays.push_back(makeRandom(port, chooseShape(port, sizes), generator));
    } else {
      wrongUsage("nothing gives input '" + port.name +
                 "': use --input, --inputs or --random");
    }
  }
  return arrays;
}

} // namespace bitrun
