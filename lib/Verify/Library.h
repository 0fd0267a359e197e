// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A shared library that is loaded at one level, through bit/runtime.h.

#ifndef BIT_VERIFY_LIBRARY_H
#define BIT_VERIFY_LIBRARY_H

#include "bit/runtime.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace bit {

/// One input or output of a model.
struct Port {
  std::string name;
  int32_t dtype = 0;
  std::vector<int64_t> dims;         ///< -1 where symbolic
  std::vector<std::string> dimNames; ///< one a dim, empty where unnamed
};

class LoadedLibrary {
public:
  /// Loads `path` for runs at `level`; null: the best that the CPU has.
  static llvm::Expected<LoadedLibrary> load(llvm::StringRef path,
                                            const char *level);

  const bit_model_desc &getDescription() const {
    return *bit_model_description(model.get());
  }
  std::string getLevel() const { return bit_model_level(model.get()); }
  llvm::ArrayRef<Port> getInputs() const { return inputs; }
  llvm::ArrayRef<Port> getOutputs() const { return outputs; }

  /// Runs on `tensors`, one an input. Outputs stay until the next run.
  bit_status run(llvm::ArrayRef<bit_tensor> tensors);
  /// Returns why the last run failed.
  std::string getMessage() const { return bit_error_message(session.get()); }
  const bit_tensor &getOutput(size_t index) const { return results[index]; }

private:
  struct CloseModel {
    void operator()(bit_model *model) const { bit_model_close(model); }
  };
  struct DestroySession {
    void operator()(bit_session *session) const {
      bit_session_destroy(session);
    }
  };
  std::unique_ptr<bit_model, CloseModel> model;
  std::unique_ptr<bit_session, DestroySession> session;
  std::vector<Port> inputs, outputs;
  std::vector<bit_tensor> results;
};

} // namespace bit

#endif // BIT_VERIFY_LIBRARY_H
