/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* External weights: a file beside the library, mapped read-only. */
#define _GNU_SOURCE
#include "bit/checksum.h"
#include "model.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* The file beside the library (or program) that holds `in_library`. */
static bool path_beside(char out[PATH_BYTES], const void *in_library,
                        const char *file) {
  Dl_info info;
  const char *slash = NULL;
  if (dladdr(in_library, &info) != 0 && info.dli_fname != NULL)
    slash = strrchr(info.dli_fname, '/');
  size_t folder = slash != NULL ? (size_t)(slash + 1 - info.dli_fname) : 0;
  size_t name = strlen(file) + 1;
  if (folder > PATH_BYTES || name > PATH_BYTES - folder)
    return false;
  if (folder > 0)
    memcpy(out, info.dli_fname, folder);
  memcpy(out + folder, file, name);
  return true;
}

static bit_status check_header(const bit_abi_weights_header *header,
                               const bit_model_desc *desc, uint64_t file_bytes,
                               const char *path, bitrt_error error) {
  if (memcmp(header->magic, BIT_ABI_WEIGHTS_MAGIC, sizeof(header->magic)) != 0)
    return bitrt_fail(error, BIT_BAD_WEIGHTS, "%s: expects a weights file",
                      path);
  if (header->version != BIT_ABI_WEIGHTS_VERSION)
    return bitrt_fail(error, BIT_BAD_WEIGHTS,
                      "%s: expects version %u of weights, got %" PRIu32, path,
                      BIT_ABI_WEIGHTS_VERSION, header->version);
  if (memcmp(header->model_hash, desc->model_hash,
             sizeof(header->model_hash)) != 0 ||
      memcmp(header->weights_hash, desc->weights_hash,
             sizeof(header->weights_hash)) != 0)
    return bitrt_fail(error, BIT_BAD_WEIGHTS,
                      "%s: holds the weights of another model than '%s'", path,
                      desc->name);
  if (header->weights_bytes != desc->weights_bytes)
    return bitrt_fail(error, BIT_BAD_WEIGHTS,
                      "%s: expects %" PRIu64 " bytes of weights, got %" PRIu64,
                      path, desc->weights_bytes, header->weights_bytes);
  if (header->header_bytes % BITRT_ALIGNMENT != 0 ||
      header->header_bytes < sizeof(*header))
    return bitrt_fail(error, BIT_BAD_WEIGHTS, "%s: its header is damaged",
                      path);
  if (header->header_bytes > file_bytes ||
      header->weights_bytes > file_bytes - header->header_bytes)
    return bitrt_fail(error, BIT_BAD_WEIGHTS,
                      "%s: truncated: weights end after the file's %" PRIu64
                      " bytes",
                      path, file_bytes);
  return BIT_OK;
}

static bit_status map_file(int file, const bit_model_desc *desc,
                           const char *path, bitrt_mapping *mapping,
                           const uint8_t **weights, bitrt_error error) {
  struct stat info;
  bit_abi_weights_header header;
  if (fstat(file, &info) != 0)
    return bitrt_fail(error, BIT_FILE_ERROR, "%s: %s", path, strerror(errno));
  if (pread(file, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
    return bitrt_fail(error, BIT_BAD_WEIGHTS,
                      "%s: too short for a weights file", path);
  bit_status status =
      check_header(&header, desc, (uint64_t)info.st_size, path, error);
  if (status != BIT_OK)
    return status;
  size_t bytes = (size_t)(header.header_bytes + header.weights_bytes);
  void *address = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  if (address == MAP_FAILED)
    return bitrt_fail(error, BIT_FILE_ERROR, "%s: %s", path, strerror(errno));
  *mapping = (bitrt_mapping){address, bytes};
  *weights = (const uint8_t *)address + header.header_bytes;
  return BIT_OK;
}

bit_status bitrt_map_weights(const bit_model_desc *desc, const char *path,
                             const void *in_library, bitrt_mapping *mapping,
                             const uint8_t **weights, bitrt_error error) {
  char beside[PATH_BYTES];
  if (path == NULL) {
    if (!path_beside(beside, in_library, desc->weights_file))
      return bitrt_fail(error, BIT_FILE_ERROR, "the path of '%s' is too long",
                        desc->weights_file);
    path = beside;
  }
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return bitrt_fail(error, BIT_FILE_ERROR,
                      "%s: %s (the weights of model '%s')", path,
                      strerror(errno), desc->name);
  bit_status status = map_file(file, desc, path, mapping, weights, error);
  close(file);
  return status;
}

bit_status bitrt_verify_weights(const bit_model_desc *desc,
                                const uint8_t *weights, bitrt_error error) {
  const uint64_t *expected = desc->weights_hash;
  if (desc->weights_bytes == 0)
    return BIT_OK;
  if (expected[0] == 0 && expected[1] == 0)
    return bitrt_fail(error, BIT_BAD_WEIGHTS,
                      "model '%s' has no checksum of its weights", desc->name);
  bit_checksum sum = {{0}, {0}, 0};
  uint64_t got[2];
  bit_checksum_add(&sum, weights, (size_t)desc->weights_bytes);
  bit_checksum_finish(&sum, got);
  if (got[0] != expected[0] || got[1] != expected[1])
    return bitrt_fail(error, BIT_BAD_WEIGHTS,
                      "the weights of model '%s' are damaged: expects checksum "
                      "%016" PRIx64 "%016" PRIx64 ", got %016" PRIx64
                      "%016" PRIx64,
                      desc->name, expected[0], expected[1], got[0], got[1]);
  return BIT_OK;
}

void bitrt_unmap_weights(bitrt_mapping *mapping) {
  if (mapping->address != NULL)
    munmap(mapping->address, mapping->bytes);
  *mapping = (bitrt_mapping){NULL, 0};
}
