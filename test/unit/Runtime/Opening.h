// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What tests of opening share.

#ifndef BIT_TEST_OPENING_H
#define BIT_TEST_OPENING_H

#include "Fixture.h"
#include <cstdio>
#include <fstream>
#include <string>
#include <unistd.h>

inline bit_options withThreads(int32_t threads) {
  bit_options options = BIT_OPTIONS_INIT;
  options.threads = threads;
  return options;
}

/// The status of opening `desc`; the message is in bit_last_error().
inline bit_status open(const bit_model_desc &desc,
                       const bit_options &options = withThreads(1)) {
  bit_model *model = nullptr;
  bit_status status = bit_model_open(&desc, &options, &model);
  EXPECT_EQ(model != nullptr, status == BIT_OK);
  bit_model_close(model);
  return status;
}

class TemporaryFile {
public:
  explicit TemporaryFile(const std::string &bytes) {
    std::snprintf(path, sizeof(path), "./runtime-test-%d", getpid());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  ~TemporaryFile() { std::remove(path); }
  char path[64];
};

#endif // BIT_TEST_OPENING_H
