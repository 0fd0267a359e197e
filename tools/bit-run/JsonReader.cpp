// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "JsonReader.h"
#include <cctype>
#include <cstdlib>
#include <cstring>

namespace bitrun::json {

const Value &Value::operator[](const char *key) const {
  static const Value none;
  for (const auto &[name, value] : members)
    if (name == key)
      return value;
  return none;
}

double Value::number() const {
  return kind == Kind::Word ? std::strtod(text.c_str(), nullptr) : 0;
}

namespace {

/// Recursive descent; every function is false where the text is not JSON.
class Reader {
public:
  explicit Reader(const char *text) : next(text) {}

  bool read(Value &value, int depth = 0);
  bool atEnd() {
    skipSpace();
    return *next == 0;
  }

private:
  void skipSpace() { next += std::strspn(next, " \t\n\r"); }
  bool take(char c) {
    skipSpace();
    if (*next != c)
      return false;
    ++next;
    return true;
  }
  bool readText(std::string &text);
  bool readEscape(std::string &text);
  bool readWord(Value &value);
  bool readArray(Value &value, int depth);
  bool readObject(Value &value, int depth);

  const char *next;
};

} // namespace

/// Appends a character of at most 16 bits as UTF-8.
static void append(std::string &text, unsigned code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    text += static_cast<char>(0xe0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  }
}

bool Reader::readEscape(std::string &text) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  char c = *next;
  if (const char *found = c ? std::strchr(letters, c) : nullptr) {
    text += meant[found - letters];
    ++next;
    return true;
  }
  if (c != 'u')
    return false;
  unsigned code = 0;
  for (int i = 1; i <= 4; ++i) {
    auto digit = static_cast<unsigned char>(next[i]);
    if (!std::isxdigit(digit))
      return false;
    code = code * 16 +
           (std::isdigit(digit) ? digit - '0' : std::tolower(digit) - 'a' + 10);
  }
  next += 5;
  append(text, code);
  return true;
}

bool Reader::readText(std::string &text) {
  if (!take('"'))
    return false;
  while (*next && *next != '"') {
    if (*next != '\\') {
      text += *next++;
      continue;
    }
    ++next;
    if (!readEscape(text))
      return false;
  }
  return take('"');
}

bool Reader::readWord(Value &value) {
  size_t length = std::strspn(next, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
  value.text.assign(next, length);
  next += length;
  value.kind = value.text == "null" ? Value::Kind::Null : Value::Kind::Word;
  return length > 0;
}

bool Reader::readArray(Value &value, int depth) {
  value.kind = Value::Kind::Array;
  ++next;
  if (take(']'))
    return true;
  do {
    value.items.emplace_back();
    if (!read(value.items.back(), depth))
      return false;
  } while (take(','));
  return take(']');
}

bool Reader::readObject(Value &value, int depth) {
  value.kind = Value::Kind::Object;
  ++next;
  if (take('}'))
    return true;
  do {
    value.members.emplace_back();
    auto &[name, member] = value.members.back();
    if (!readText(name) || !take(':') || !read(member, depth))
      return false;
  } while (take(','));
  return take('}');
}

bool Reader::read(Value &value, int depth) {
  constexpr int mostDepth = 64;
  if (depth > mostDepth)
    return false;
  skipSpace();
  switch (*next) {
  case '{':
    return readObject(value, depth + 1);
  case '[':
    return readArray(value, depth + 1);
  case '"':
    value.kind = Value::Kind::Text;
    return readText(value.text);
  default:
    return readWord(value);
  }
}

Value parse(const char *text) {
  Reader reader(text);
  Value value;
  return reader.read(value) && reader.atEnd() ? value : Value();
}

} // namespace bitrun::json
