/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#define _GNU_SOURCE
#include "library.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { OUR_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OUR_MACHINE = EM_AARCH64 };
#else
enum { OUR_MACHINE = EM_NONE };
#endif

static const char *machine_name(int machine) {
  return machine == EM_X86_64    ? "x86-64"
         : machine == EM_AARCH64 ? "AArch64"
                                 : "another machine";
}

static bool read_at(int file, void *out, size_t bytes, uint64_t offset) {
  if (offset > INT64_MAX)
    return false;
  return pread(file, out, bytes, (off_t)offset) == (ssize_t)bytes;
}

static bit_status check_segments(int file, const Elf64_Ehdr *header,
                                 uint64_t file_bytes, const char *path,
                                 bitrt_error error) {
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    Elf64_Phdr segment;
    if (header->e_phentsize != sizeof(segment) ||
        header->e_phoff > file_bytes ||
        !read_at(file, &segment, sizeof(segment),
                 header->e_phoff + i * sizeof(segment)))
      return bitrt_fail(error, BIT_BAD_LIBRARY,
                        "%s: its program headers are damaged", path);
    if (segment.p_offset > file_bytes ||
        segment.p_filesz > file_bytes - segment.p_offset)
      return bitrt_fail(error, BIT_BAD_LIBRARY,
                        "%s: truncated: a segment ends after the file's "
                        "%" PRIu64 " bytes",
                        path, file_bytes);
  }
  return BIT_OK;
}

static bit_status check_open_file(int file, const char *path,
                                  bitrt_error error) {
  struct stat info;
  Elf64_Ehdr header;
  if (fstat(file, &info) != 0)
    return bitrt_fail(error, BIT_FILE_ERROR, "%s: %s", path, strerror(errno));
  if (!S_ISREG(info.st_mode))
    return bitrt_fail(error, BIT_FILE_ERROR, "%s: expects a file", path);
  if (!read_at(file, &header, sizeof(header), 0) ||
      memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB)
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "%s: expects a 64-bit ELF shared library", path);
  if (header.e_type != ET_DYN)
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "%s: expects a shared library, got ELF type %d", path,
                      header.e_type);
  if (header.e_machine != OUR_MACHINE)
    return bitrt_fail(
        error, BIT_BAD_LIBRARY, "%s: expects a library for %s, got one for %s",
        path, machine_name(OUR_MACHINE), machine_name(header.e_machine));
  return check_segments(file, &header, (uint64_t)info.st_size, path, error);
}

bit_status bitrt_check_library_file(const char *path, bitrt_error error) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return bitrt_fail(error, BIT_FILE_ERROR, "%s: %s", path, strerror(errno));
  bit_status status = check_open_file(file, path, error);
  close(file);
  return status;
}
