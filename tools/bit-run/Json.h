// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes JSON: objects and arrays as strings put together.

#ifndef BIT_RUN_JSON_H
#define BIT_RUN_JSON_H

#include <cstdint>
#include <string>
#include <vector>

namespace bitrun::json {

std::string quote(const std::string &text);
/// Numbers that JSON does not have (nan, inf) become null.
std::string number(double value);
std::string number(uint64_t value);
std::string number(int64_t value);
std::string array(const std::vector<std::string> &values);

/// Members in the order they were added.
class Object {
public:
  Object &add(const char *key, const std::string &value);
  std::string str() const { return "{" + text + "}"; }

private:
  std::string text;
};

} // namespace bitrun::json

#endif // BIT_RUN_JSON_H
