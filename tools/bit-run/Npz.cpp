// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of the zip format that numpy.savez writes: stored members, 64-bit
// sizes where they are needed.

#include "Array.h"
#include "Failure.h"
#include <array>
#include <cstring>

namespace bitrun {

namespace {

/// Reads little-endian numbers of an archive; beyond its end is a failure.
class Archive {
public:
  explicit Archive(const std::string &path)
      : path(path), bytes(readFile(path)) {}

  uint64_t number(uint64_t at, size_t count) const {
    const uint8_t *first = range(at, count);
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i)
      value |= static_cast<uint64_t>(first[i]) << (8 * i);
    return value;
  }
  const uint8_t *range(uint64_t at, uint64_t count) const {
    if (at > bytes.size() || count > bytes.size() - at)
      damaged();
    return bytes.data() + at;
  }
  size_t size() const { return bytes.size(); }
  [[noreturn]] void damaged() const {
    fail(path + ": the archive is damaged or truncated");
  }

private:
  std::string path;
  std::vector<uint8_t> bytes;
};

/// Where the list of members is.
struct Directory {
  uint64_t offset, count;
};

/// A member as the directory describes it.
struct Member {
  std::string name;
  uint64_t method, crc, packedBytes, bytes, offset;
};

} // namespace

static uint32_t crc32(const uint8_t *bytes, size_t size) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> entries;
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
      entries[i] = value;
    }
    return entries;
  }();
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; ++i)
    crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

static Directory findDirectory(const Archive &archive) {
  // The last record: 22 bytes and a comment of up to 65,535.
  constexpr uint64_t endBytes = 22;
  if (archive.size() < endBytes)
    archive.damaged();
  uint64_t last = archive.size() - endBytes;
  uint64_t lowest = last > 65535 ? last - 65535 : 0;
  uint64_t at = last + 1;
  do {
    if (at-- == lowest)
      archive.damaged();
  } while (archive.number(at, 4) != 0x06054b50);
  Directory directory{archive.number(at + 16, 4), archive.number(at + 10, 2)};
  if (directory.offset != 0xffffffff && directory.count != 0xffff)
    return directory;
  // Larger ones have a 64-bit record, whose place stands before this one.
  if (at < 20 || archive.number(at - 20, 4) != 0x07064b50)
    archive.damaged();
  uint64_t large = archive.number(at - 12, 8);
  if (archive.number(large, 4) != 0x06064b50)
    archive.damaged();
  // `large` was just read there, so it is small enough to add to.
  return {archive.number(large + 48, 8), archive.number(large + 32, 8)};
}

/// Replaces sizes that do not fit 32 bits by those of the 64-bit extra field.
static void readExtra(const Archive &archive, uint64_t at, uint64_t size,
                      Member &member) {
  for (uint64_t end = at + size; at + 4 <= end;) {
    uint64_t id = archive.number(at, 2), bytes = archive.number(at + 2, 2);
    at += 4;
    if (id == 1) {
      uint64_t field = at;
      for (uint64_t *value :
           {&member.bytes, &member.packedBytes, &member.offset}) {
        if (*value != 0xffffffff)
          continue;
        *value = archive.number(field, 8);
        field += 8;
      }
    }
    at += bytes;
  }
}

/// Reads the entry at `at` and moves on to the next one.
static Member readEntry(const Archive &archive, uint64_t &at) {
  if (archive.number(at, 4) != 0x02014b50)
    archive.damaged();
  Member member;
  member.method = archive.number(at + 10, 2);
  member.crc = archive.number(at + 16, 4);
  member.packedBytes = archive.number(at + 20, 4);
  member.bytes = archive.number(at + 24, 4);
  member.offset = archive.number(at + 42, 4);
  uint64_t nameBytes = archive.number(at + 28, 2);
  uint64_t extraBytes = archive.number(at + 30, 2);
  uint64_t commentBytes = archive.number(at + 32, 2);
  const uint8_t *name = archive.range(at + 46, nameBytes);
  member.name.assign(name, name + nameBytes);
  readExtra(archive, at + 46 + nameBytes, extraBytes, member);
  at += 46 + nameBytes + extraBytes + commentBytes;
  return member;
}

NamedArrays readNpz(const std::string &path) {
  Archive archive(path);
  Directory directory = findDirectory(archive);
  NamedArrays arrays;
  uint64_t at = directory.offset, total = 0;
  for (uint64_t i = 0; i < directory.count; ++i) {
    Member member = readEntry(archive, at);
    std::string what = path + ": " + member.name;
    if (member.method != 0)
      fail(what + ": is compressed: save it with numpy.savez");
    if (archive.number(member.offset, 4) != 0x04034b50 ||
        member.bytes != member.packedBytes)
      archive.damaged();
    // Members that share bytes would make a small file a large memory.
    total += member.bytes;
    if (member.bytes > archive.size() || total > archive.size())
      archive.damaged();
    uint64_t data = member.offset + 30 + archive.number(member.offset + 26, 2) +
                    archive.number(member.offset + 28, 2);
    const uint8_t *bytes = archive.range(data, member.bytes);
    if (crc32(bytes, member.bytes) != member.crc)
      fail(what + ": its checksum is wrong");
    std::string name = member.name;
    if (name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0)
      name.resize(name.size() - 4);
    if (!arrays.emplace(name, parseNpy(bytes, member.bytes, what)).second)
      fail(what + ": is in the archive twice");
  }
  return arrays;
}

} // namespace bitrun
