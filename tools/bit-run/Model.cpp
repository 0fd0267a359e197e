// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Model.h"
#include "Failure.h"

namespace bitrun {

std::string describe(const Port &port) {
  std::string text = std::string(bit_dtype_name(port.dtype)) + " [";
  for (size_t i = 0; i < port.dims.size(); ++i) {
    text += i ? ", " : "";
    if (port.dims[i] >= 0)
      text += std::to_string(port.dims[i]);
    else
      text += port.dimNames[i].empty() ? "?" : port.dimNames[i];
  }
  return text + "]";
}

using InfoFunction = bit_status (*)(const bit_model *, int32_t,
                                    bit_tensor_info *);

static std::vector<Port> readPorts(const bit_model *model, int32_t count,
                                   InfoFunction getInfo) {
  std::vector<Port> ports;
  for (int32_t i = 0; i < count; ++i) {
    bit_tensor_info info{};
    info.size = sizeof(info);
    if (getInfo(model, i, &info) != BIT_OK)
      fail(bit_last_error());
    Port port{info.name, info.dtype, {}, {}};
    for (int32_t d = 0; d < info.rank; ++d) {
      port.dims.push_back(info.dims[d]);
      port.dimNames.push_back(info.dim_names[d]);
    }
    ports.push_back(std::move(port));
  }
  return ports;
}

Model::Model(const Options &options) {
  bit_options settings = BIT_OPTIONS_INIT;
  settings.threads = options.threads;
  settings.flags = (options.hugePages ? BIT_HUGE_PAGES : 0) |
                   (options.verify ? BIT_VERIFY_WEIGHTS : 0);
  settings.level = options.level.empty() ? nullptr : options.level.c_str();
  settings.weights_path =
      options.weights.empty() ? nullptr : options.weights.c_str();
  bit_status status =
      bit_model_load(options.library.c_str(), &settings, &model);
  if (status == BIT_BAD_LEVEL)
    wrongUsage(bit_last_error());
  if (status != BIT_OK)
    fail(bit_last_error());
  if (bit_session_create(model, &session) != BIT_OK) {
    bit_model_close(model);
    fail(bit_last_error());
  }
  inputs = readPorts(model, bit_model_input_count(model), bit_model_input_info);
  outputs =
      readPorts(model, bit_model_output_count(model), bit_model_output_info);
}

Model::~Model() {
  bit_session_destroy(session);
  bit_model_close(model);
}

void Model::bind(const std::vector<Array> &arrays) {
  inputTensors.clear();
  for (const Array &array : arrays)
    // The runtime does not write to inputs.
    inputTensors.push_back(
        {sizeof(bit_tensor), const_cast<uint8_t *>(array.data.data()),
         array.dtype, static_cast<int32_t>(array.shape.size()),
         array.shape.data(), nullptr});
}

void Model::run() {
  outputTensors.assign(outputs.size(),
                       {sizeof(bit_tensor), nullptr, 0, 0, nullptr, nullptr});
  bit_status status = bit_session_run(
      session, inputTensors.data(), static_cast<int32_t>(inputTensors.size()),
      outputTensors.data(), static_cast<int32_t>(outputTensors.size()));
  if (status != BIT_OK)
    fail(bit_error_message(session));
}

Array Model::copyOutput(size_t index) const {
  const bit_tensor &tensor = outputTensors[index];
  Array array;
  array.dtype = tensor.dtype;
  array.elementBytes = bit_dtype_bytes(tensor.dtype);
  array.shape.assign(tensor.shape, tensor.shape + tensor.rank);
  const auto *data = static_cast<const uint8_t *>(tensor.data);
  array.data.assign(
      data, data + countBytes(array.shape, array.elementBytes, "output"));
  return array;
}

} // namespace bitrun
