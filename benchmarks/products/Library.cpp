// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Library.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>

static size_t align(size_t bytes) { return (bytes + 63) / 64 * 64; }

std::vector<std::unique_ptr<Library>>
Library::open(const std::vector<Threaded> &wanted, const Opening &opening,
              std::string &error) {
  std::vector<std::unique_ptr<Library>> libraries;
  std::map<std::string, size_t> offsets;
  size_t pitch = 0, least = SIZE_MAX;
  for (const Threaded &one : wanted) {
    libraries.emplace_back(new Library());
    if (!libraries.back()->load(one, opening, error))
      return {};
    if (!offsets.emplace(one.path, pitch).second)
      continue;
    size_t stride = libraries.back()->getStride();
    pitch += stride;
    least = std::min(least, stride);
  }
  size_t copies = opening.spread / least + 1;
  auto memory = std::make_shared<Region>(copies * pitch, opening.huge);
  for (size_t i = 0; i < libraries.size(); ++i)
    if (!libraries[i]->openCopies(memory, offsets.at(wanted[i].path), pitch,
                                  error))
      return {};
  return libraries;
}

bool Library::load(const Threaded &wanted, const Opening &opening,
                   std::string &error) {
  level = opening.level;
  options.threads = wanted.threads;
  if (!level.empty())
    options.level = level.c_str();
  if (bit_model_load(wanted.path.c_str(), &options, &file) != BIT_OK) {
    error = bit_last_error();
    return false;
  }
  description = bit_model_description(file);
  if (!description->weights || description->weights_bytes == 0) {
    error = "expects a library with its weights inside";
    return false;
  }
  return true;
}

bool Library::openCopies(std::shared_ptr<Region> memory, size_t offset,
                         size_t pitch, std::string &error) {
  weights = std::move(memory);
  size_t copies = weights->size() / pitch;
  descriptions.assign(copies, *description);
  for (size_t i = 0; i < copies; ++i) {
    uint8_t *copy = weights->data() + offset + i * pitch;
    std::memcpy(copy, description->weights, getWeightBytes());
    descriptions[i].weights = copy;
    bit_model *model = nullptr;
    bit_session *session = nullptr;
    bool ok = bit_model_open(&descriptions[i], &options, &model) == BIT_OK &&
              bit_session_create(model, &session) == BIT_OK;
    if (model)
      models.push_back(model);
    if (!ok) {
      error = bit_last_error();
      return false;
    }
    sessions.push_back(session);
  }
  return true;
}

Library::~Library() {
  for (bit_session *session : sessions)
    bit_session_destroy(session);
  for (bit_model *model : models)
    bit_model_close(model);
  bit_model_close(file);
}

static int64_t getDim(const bit_abi_tensor &tensor, int32_t i, int64_t m) {
  return tensor.dims[i] < 0 ? m : tensor.dims[i];
}

static size_t countElements(const bit_abi_tensor &tensor, int64_t m) {
  size_t count = 1;
  for (int32_t i = 0; i < tensor.rank; ++i)
    count *= static_cast<size_t>(getDim(tensor, i, m));
  return count;
}

size_t Library::measure(const bit_abi_tensor &tensor, int64_t m) const {
  return align(countElements(tensor, m) * bit_dtype_bytes(tensor.dtype));
}

bit_tensor Library::place(const bit_abi_tensor &tensor, int64_t m,
                          uint8_t *&data) {
  std::vector<int64_t> shape;
  for (int32_t i = 0; i < tensor.rank; ++i)
    shape.push_back(getDim(tensor, i, m));
  shapes.push_back(std::move(shape));
  bit_tensor result = {sizeof(bit_tensor),   data,   tensor.dtype, tensor.rank,
                       shapes.back().data(), nullptr};
  data += measure(tensor, m);
  return result;
}

/// Floats around 0, whole bytes elsewhere.
static void fill(const bit_tensor &tensor, size_t count, std::mt19937 &engine) {
  if (tensor.dtype == BIT_FLOAT32) {
    auto *values = static_cast<float *>(tensor.data);
    for (size_t i = 0; i < count; ++i)
      values[i] = static_cast<float>(engine() % 2048) / 512.0f - 2.0f;
    return;
  }
  auto *bytes = static_cast<uint8_t *>(tensor.data);
  // Wider elements stay small this way: their high bytes are 0.
  size_t size = bit_dtype_bytes(tensor.dtype);
  for (size_t i = 0; i < count; ++i)
    bytes[i * size] = static_cast<uint8_t>(engine());
}

/// Writes the sum of each row of `codes`: kernels may use it or not, and the
/// result is the same only if it is right.
static void sumCodes(const bit_tensor &codes, const bit_tensor &sums) {
  const auto *code = static_cast<const int8_t *>(codes.data);
  auto *sum = static_cast<int32_t *>(sums.data);
  for (int64_t i = 0; i < codes.shape[0]; ++i) {
    sum[i] = 0;
    for (int64_t j = 0; j < codes.shape[1]; ++j)
      sum[i] += *code++;
  }
}

void Library::resize(int64_t m, size_t spread) {
  const bit_model_desc &model = *description;
  size_t bytes = 0;
  for (int32_t i = 0; i < model.n_inputs; ++i)
    bytes += measure(model.inputs[i], m);
  for (int32_t i = 0; i < model.n_outputs; ++i)
    bytes += measure(model.outputs[i], m);
  size_t copies = std::min(sessions.size(), spread / bytes + 1);
  values = std::make_unique<Region>(copies * bytes, /*huge=*/false);
  tensors.assign(copies, {});
  shapes.clear();
  shapes.reserve(copies *
                 static_cast<size_t>(model.n_inputs + model.n_outputs));
  std::mt19937 engine(2);
  uint8_t *data = values->data();
  for (Tensors &all : tensors) {
    for (int32_t i = 0; i < model.n_inputs; ++i) {
      all.inputs.push_back(place(model.inputs[i], m, data));
      fill(all.inputs.back(), countElements(model.inputs[i], m), engine);
      if (std::strcmp(model.inputs[i].name, "sum") == 0)
        sumCodes(all.inputs.front(), all.inputs.back());
    }
    for (int32_t i = 0; i < model.n_outputs; ++i)
      all.outputs.push_back(place(model.outputs[i], m, data));
  }
}

uint64_t Library::hashOutputs() {
  run(0);
  uint64_t hash = 0xcbf29ce484222325;
  for (const bit_tensor &output : tensors.front().outputs) {
    size_t count = bit_dtype_bytes(output.dtype);
    for (int32_t i = 0; i < output.rank; ++i)
      count *= static_cast<size_t>(output.shape[i]);
    const auto *bytes = static_cast<const uint8_t *>(output.data);
    for (size_t i = 0; i < count; ++i)
      hash = (hash ^ bytes[i]) * 0x100000001b3;
  }
  return hash;
}

void Library::run(int number) {
  auto turn = static_cast<size_t>(number);
  Tensors &all = tensors[turn % tensors.size()];
  bit_session *session = sessions[turn % sessions.size()];
  bit_status status = bit_session_run(
      session, all.inputs.data(), static_cast<int32_t>(all.inputs.size()),
      all.outputs.data(), static_cast<int32_t>(all.outputs.size()));
  if (status != BIT_OK) {
    std::fprintf(stderr, "bench-run: error: %s\n", bit_error_message(session));
    std::exit(1);
  }
}
