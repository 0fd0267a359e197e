// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_RUN_RUN_H
#define BIT_RUN_RUN_H

#include "Failure.h"
#include "Model.h"

namespace bitrun {

/// One array an input, from files or random; fails on names the model lacks
/// and on inputs that nothing gives.
std::vector<Array> collectInputs(const Options &options, const Model &model);

/// Runs once, writes and compares outputs as the options say.
ExitCode runOnce(const Options &options, Model &model);

/// Runs many times and prints percentiles.
void bench(const Options &options, Model &model);

} // namespace bitrun

#endif // BIT_RUN_RUN_H
