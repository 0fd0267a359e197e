// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Library.h"

using namespace llvm;

namespace bit {

static Port toPort(const bit_abi_tensor &tensor) {
  Port port;
  port.name = tensor.name;
  port.dtype = tensor.dtype;
  for (int32_t i = 0; i < tensor.rank; ++i) {
    const char *name = tensor.dim_names ? tensor.dim_names[i] : nullptr;
    port.dims.push_back(tensor.dims[i]);
    port.dimNames.push_back(name ? name : "");
  }
  return port;
}

Expected<LoadedLibrary> LoadedLibrary::load(StringRef path, const char *level) {
  bit_options options = BIT_OPTIONS_INIT;
  options.level = level;
  bit_model *model = nullptr;
  if (bit_model_load(path.str().c_str(), &options, &model) != BIT_OK)
    return createStringError(bit_last_error());
  LoadedLibrary library;
  library.model.reset(model);
  bit_session *session = nullptr;
  if (bit_session_create(model, &session) != BIT_OK)
    return createStringError(bit_last_error());
  library.session.reset(session);
  const bit_model_desc &description = library.getDescription();
  for (int32_t i = 0; i < description.n_inputs; ++i)
    library.inputs.push_back(toPort(description.inputs[i]));
  for (int32_t i = 0; i < description.n_outputs; ++i)
    library.outputs.push_back(toPort(description.outputs[i]));
  return library;
}

bit_status LoadedLibrary::run(ArrayRef<bit_tensor> tensors) {
  bit_tensor empty = {};
  empty.size = sizeof(bit_tensor);
  results.assign(outputs.size(), empty);
  return bit_session_run(session.get(), tensors.data(),
                         static_cast<int32_t>(tensors.size()), results.data(),
                         static_cast<int32_t>(results.size()));
}

} // namespace bit
