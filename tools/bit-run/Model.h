// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loaded library with one session, through bit/runtime.h.

#ifndef BIT_RUN_MODEL_H
#define BIT_RUN_MODEL_H

#include "Array.h"
#include "Options.h"

namespace bitrun {

/// An input or output of the model.
struct Port {
  std::string name;
  int32_t dtype;
  std::vector<int64_t> dims; ///< -1: symbolic
  std::vector<std::string> dimNames;
};

/// "float32 [batch, 64]".
std::string describe(const Port &port);

class Model {
public:
  /// Fails with what the runtime says.
  explicit Model(const Options &options);
  ~Model();
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  const std::vector<Port> &getInputs() const { return inputs; }
  const std::vector<Port> &getOutputs() const { return outputs; }
  const bit_model_desc &getDescription() const {
    return *bit_model_description(model);
  }
  std::string getLevel() const { return bit_model_level(model); }
  int32_t getThreads() const { return bit_model_threads(model); }
  uint64_t getArenaBytes() const { return bit_session_arena_bytes(session); }

  /// Keeps references to the arrays, one an input, for run and getOutput.
  void bind(const std::vector<Array> &arrays);
  void run();
  /// A copy of what the last run computed.
  Array copyOutput(size_t index) const;

private:
  bit_model *model = nullptr;
  bit_session *session = nullptr;
  std::vector<Port> inputs, outputs;
  std::vector<bit_tensor> inputTensors, outputTensors;
};

} // namespace bitrun

#endif // BIT_RUN_MODEL_H
