// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes protobuf messages field by field.

#ifndef BIT_TEST_UNIT_IMPORT_WIRE_H
#define BIT_TEST_UNIT_IMPORT_WIRE_H

#include "llvm/Support/LEB128.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

inline std::string varint(uint64_t value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::encodeULEB128(value, os);
  return text;
}

inline std::string varintField(uint64_t number, uint64_t value) {
  return varint(number << 3) + varint(value);
}

inline std::string bytesField(uint64_t number, const std::string &payload) {
  return varint(number << 3 | 2) + varint(payload.size()) + payload;
}

#endif // BIT_TEST_UNIT_IMPORT_WIRE_H
