/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "library.h"
#include "model.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

void bitrt_unload(void *library) {
  if (library != NULL)
    dlclose(library);
}

/* dlopen looks for a name without a slash in the system's folders. */
static void *load_library(const char *path) {
  if (strchr(path, '/') != NULL)
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
  size_t bytes = strlen(path) + sizeof("./");
  char *with_folder = malloc(bytes);
  if (with_folder == NULL)
    return NULL;
  memcpy(with_folder, "./", 2);
  memcpy(with_folder + 2, path, bytes - 2);
  void *library = dlopen(with_folder, RTLD_NOW | RTLD_LOCAL);
  free(with_folder);
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
