/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a shared library's ELF tables say. */
#ifndef BITRT_LIBRARY_H
#define BITRT_LIBRARY_H

#include "error.h"

/* Reads the file's headers: a 64-bit little-endian shared library for this
   machine, all of whose segments are in the file (dlopen would crash on one
   that is cut off). */
bit_status bitrt_check_library_file(const char *path, bitrt_error error);

/* The address of the loaded library's only exported symbol that ends in
   "_describe", or NULL. */
void *bitrt_find_describe(void *library);

#endif /* BITRT_LIBRARY_H */
