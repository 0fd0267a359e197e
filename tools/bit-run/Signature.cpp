// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Signature.h"
#include "Json.h"
#include "Manifest.h"
#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace bitrun {

static std::string hashOf(const bit_model_desc &description) {
  char text[40];
  std::snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64,
                description.model_hash[0], description.model_hash[1]);
  return text;
}

static std::string toJson(const std::vector<Port> &ports) {
  std::vector<std::string> objects;
  for (const Port &port : ports) {
    std::vector<std::string> dims, names;
    for (size_t i = 0; i < port.dims.size(); ++i) {
      dims.push_back(json::number(port.dims[i]));
      names.push_back(json::quote(port.dimNames[i]));
    }
    objects.push_back(json::Object()
                          .add("name", json::quote(port.name))
                          .add("dtype", json::quote(bit_dtype_name(port.dtype)))
                          .add("dims", json::array(dims))
                          .add("dim_names", json::array(names))
                          .str());
  }
  return json::array(objects);
}

static void printJson(const Model &model) {
  const bit_model_desc &description = model.getDescription();
  std::vector<std::string> levels;
  for (int32_t i = 0; i < description.n_levels; ++i) {
    const bit_abi_level &level = description.levels[i];
    bool runs = (level.features & ~bit_cpu_features()) == 0;
    levels.push_back(json::Object()
                         .add("name", json::quote(level.name))
                         .add("supported", runs ? "true" : "false")
                         .str());
  }
  const char *version = description.compiler_version;
  const char *manifest = description.manifest_json;
  json::Object object;
  object.add("model", json::quote(description.name))
      .add("compiler_version", json::quote(version ? version : ""))
      .add("model_hash", json::quote(hashOf(description)))
      .add("inputs", toJson(model.getInputs()))
      .add("outputs", toJson(model.getOutputs()))
      .add("levels", json::array(levels))
      .add("level", json::quote(model.getLevel()))
      .add("threads", json::number(int64_t{model.getThreads()}))
      .add("weight_bytes", json::number(description.weights_bytes))
      .add("arena_bytes", json::number(description.arena_bytes))
      .add("manifest", manifest && *manifest ? manifest : "null");
  std::printf("%s\n", object.str().c_str());
}

static void printPorts(const char *title, const std::vector<Port> &ports,
                       int width) {
  std::printf("%s\n", title);
  for (const Port &port : ports)
    std::printf("  %-*s  %s\n", width, port.name.c_str(),
                describe(port).c_str());
}

static void printText(const Model &model) {
  const bit_model_desc &description = model.getDescription();
  const char *version = description.compiler_version;
  std::printf("model    %s (bit-mlir %s, source %s)\n", description.name,
              version ? version : "of unknown version",
              hashOf(description).c_str());
  size_t width = 0;
  for (const auto *ports : {&model.getInputs(), &model.getOutputs()})
    for (const Port &port : *ports)
      width = std::min(std::max(width, port.name.size()), size_t{40});
  printPorts("inputs", model.getInputs(), static_cast<int>(width));
  printPorts("outputs", model.getOutputs(), static_cast<int>(width));
  std::printf("levels   ");
  for (int32_t i = 0; i < description.n_levels; ++i) {
    const bit_abi_level &level = description.levels[i];
    bool runs = (level.features & ~bit_cpu_features()) == 0;
    const char *mark = model.getLevel() == level.name ? " (used)"
                       : runs                         ? ""
                                                      : " (not on this CPU)";
    std::printf("%s%s%s", i ? ", " : "", level.name, mark);
  }
  std::printf("\nthreads  %d\n", model.getThreads());
  std::printf("weights  %" PRIu64 " bytes, %s\n", description.weights_bytes,
              description.weights || !description.weights_bytes
                  ? "in the library"
                  : description.weights_file);
  if (description.arena_bytes)
    std::printf("arena    %" PRIu64 " bytes\n", description.arena_bytes);
  else
    std::printf("arena    depends on the inputs\n");
  if (description.manifest_json)
    printManifest(description.manifest_json);
}

void printSignature(const Model &model, bool asJson) {
  if (asJson)
    printJson(model);
  else
    printText(model);
}

} // namespace bitrun
