// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Json.h"
#include <cmath>
#include <cstdio>

namespace bitrun::json {

std::string quote(const std::string &text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", c);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string number(double value) {
  if (!std::isfinite(value))
    return "null";
  char text[40];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

std::string number(uint64_t value) { return std::to_string(value); }
std::string number(int64_t value) { return std::to_string(value); }

std::string array(const std::vector<std::string> &values) {
  std::string out = "[";
  for (const std::string &value : values)
    out += (out.size() > 1 ? ", " : "") + value;
  return out + "]";
}

Object &Object::add(const char *key, const std::string &value) {
  text += (text.empty() ? "" : ", ") + quote(key) + ": " + value;
  return *this;
}

} // namespace bitrun::json
