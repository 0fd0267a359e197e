/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#define _GNU_SOURCE /* RTLD_NOLOAD, stpcpy */
#include "library.h"
#include "model.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void bitrt_unload(void *library) {
  if (library != NULL)
    dlclose(library);
}

/* A spelling of `path` that no other file has: the bits of its number as "./"
   and ".//" before the name. NULL without memory or file. */
static char *spell_by_number(const char *path) {
  struct stat file;
  if (stat(path, &file) != 0)
    return NULL;
  const char *slash = strrchr(path, '/');
  size_t folder = slash == NULL ? 0 : (size_t)(slash - path) + 1;
  char *spelled = malloc(strlen(path) + 3 * 64 + sizeof("./"));
  if (spelled == NULL)
    return NULL;
  memcpy(spelled, path, folder);
  char *end = spelled + folder;
  for (uint64_t bits = (uint64_t)file.st_ino; bits != 0; bits >>= 1)
    end = stpcpy(end, (bits & 1) != 0 ? ".//" : "./");
  strcpy(end, path + folder);
  return spelled;
}

static void *load_library(const char *path) {
  /* dlopen looks for a name without a slash in the system's folders. */
  if (strchr(path, '/') != NULL) {
    /* Under a name that it knows it returns what it loaded then, even if
       another file has taken the place since; under a new one it compares the
       files. */
    void *known = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (known == NULL)
      return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    dlclose(known);
  }
  char *spelled = spell_by_number(path);
  if (spelled == NULL)
    return NULL;
  void *library = dlopen(spelled, RTLD_NOW | RTLD_LOCAL);
  free(spelled);
  return library;
}

bit_status bit_model_load(const char *path, const bit_options *options,
                          bit_model **model) {
  bitrt_error error = bitrt_thread_error();
  if (model == NULL)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects a place for the model, got NULL");
  *model = NULL;
  if (path == NULL)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects the path of a library, got NULL");
  bit_status status = bitrt_check_library_file(path, error);
  if (status != BIT_OK)
    return status;
  void *library = load_library(path);
  if (library == NULL) {
    const char *reason = dlerror();
    return bitrt_fail(error, BIT_BAD_LIBRARY, "%s: %s", path,
                      reason != NULL ? reason : "cannot be loaded");
  }
  void *address = bitrt_find_describe(library);
  if (address == NULL) {
    dlclose(library);
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "%s: expects a compiled model, got a library that "
                      "does not export one NAME_describe",
                      path);
  }
  const bit_model_desc *(*describe)(void);
  memcpy(&describe, &address, sizeof(describe)); /* ISO C has no such cast */
  return bitrt_model_open(describe(), library, options, model);
}
