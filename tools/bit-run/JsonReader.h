// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads JSON, as the manifests of libraries are.

#ifndef BIT_RUN_JSONREADER_H
#define BIT_RUN_JSONREADER_H

#include <string>
#include <utility>
#include <vector>

namespace bitrun::json {

/// A value of any kind; what it does not have is empty.
struct Value {
  enum class Kind { Null, Word, Text, Array, Object };

  Kind kind = Kind::Null;
  std::string text; ///< of a string; a number, true or false as written
  std::vector<Value> items;
  std::vector<std::pair<std::string, Value>> members;

  /// The member called `key`; null where there is none.
  const Value &operator[](const char *key) const;
  /// The number, 0 for anything else.
  double number() const;
};

/// Null if `text` is no JSON.
Value parse(const char *text);

} // namespace bitrun::json

#endif // BIT_RUN_JSONREADER_H
