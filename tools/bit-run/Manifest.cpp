// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Manifest.h"
#include "JsonReader.h"
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bitrun {

static std::string describeActivations(const json::Value &layer) {
  if (layer["activation_bits"].number() == 0)
    return "float activations";
  return layer["activation_bits"].text + "-bit activations a " +
         layer["activation_granularity"].text;
}

/// "avx512vnni x86.vnni_p2: tiles of 4 tokens, tables from 32"
static std::string describe(const json::Value &use) {
  std::string text = use["level"].text + " " + use["kernel"].text;
  const char *separator = ": ";
  if (double tokens = use["tile_tokens"].number()) {
    text += separator + ("tiles of " + use["tile_tokens"].text) +
            (tokens == 1 ? " token" : " tokens");
    separator = ", ";
  }
  if (use["table_tokens"].number() != 0)
    text += separator + ("tables from " + use["table_tokens"].text);
  return text;
}

/// Where a layer differs from others but for its name: a line, then one for
/// each level.
static std::string describeLayer(const json::Value &layer) {
  char bits[40];
  std::snprintf(bits, sizeof(bits), "%.3g", layer["bits_per_weight"].number());
  std::string text = layer["k"].text + " -> " + layer["n"].text + ", " +
                     layer["weight_scheme"].text;
  const std::vector<json::Value> &levels = layer["levels"].items;
  if (levels.empty())
    return text + ", not packed\n";
  text += std::string(", ") + bits + " bits a weight, layout " +
          levels[0]["layout"].text + ", " + describeActivations(layer) + "\n";
  for (const json::Value &use : levels)
    text += "    " + describe(use) + "\n";
  return text;
}

static void printLayers(const std::vector<json::Value> &layers) {
  if (layers.empty())
    return;
  std::printf("layers   %zu\n", layers.size());
  // In the order of the first of each kind.
  std::map<std::string, size_t> places;
  std::vector<std::pair<std::string, std::vector<std::string>>> kinds;
  for (const json::Value &layer : layers) {
    std::string text = describeLayer(layer);
    auto [place, isNew] = places.try_emplace(text, kinds.size());
    if (isNew)
      kinds.push_back({text, {}});
    kinds[place->second].second.push_back(layer["name"].text);
  }
  for (const auto &[text, names] : kinds) {
    std::printf("  %s", names.front().c_str());
    if (names.size() > 1)
      std::printf(" and %zu like it", names.size() - 1);
    std::printf(": %s", text.c_str());
  }
}

void printManifest(const char *text) {
  json::Value manifest = json::parse(text);
  printLayers(manifest["bitlinear"]["layers"].items);
  // In the order of the levels, which an object does not keep.
  const json::Value &kernels = manifest["kernels"];
  bool hasTitle = false;
  for (const json::Value &level : manifest["levels"].items) {
    const auto &counts = kernels[level.text.c_str()].members;
    if (counts.empty())
      continue;
    std::printf("%s  %s:", hasTitle ? "" : "kernels\n", level.text.c_str());
    hasTitle = true;
    const char *separator = " ";
    for (const auto &[name, count] : counts) {
      std::printf("%s%s x %s", separator, count.text.c_str(), name.c_str());
      separator = ", ";
    }
    std::printf("\n");
  }
}

} // namespace bitrun
