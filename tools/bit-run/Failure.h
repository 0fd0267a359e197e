// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every fault of bit-run ends in main as one line and an exit code. An
// exception carries it there: readers fail deep inside, and the standard
// library's own bad_alloc comes the same way.

#ifndef BIT_RUN_FAILURE_H
#define BIT_RUN_FAILURE_H

#include <string>

namespace bitrun {

enum ExitCode { Done = 0, CannotRun = 1, WrongUsage = 2, OutputsDiffer = 3 };

struct Failure {
  ExitCode code;
  std::string text;
};

[[noreturn]] inline void fail(const std::string &text) {
  throw Failure{CannotRun, text};
}
[[noreturn]] inline void wrongUsage(const std::string &text) {
  throw Failure{WrongUsage, text};
}

} // namespace bitrun

#endif // BIT_RUN_FAILURE_H
