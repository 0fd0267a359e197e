/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef BITRT_MODEL_H
#define BITRT_MODEL_H

#include "error.h"
#include "memory.h"
#include <stdatomic.h>

/* External weights, mapped, or a copy of any. {NULL, 0} if embedded ones are
   used as they are. */
typedef struct bitrt_mapping {
  void *address;
  size_t bytes;
} bitrt_mapping;

struct bit_model {
  _Atomic int32_t references; /* the owner's and one a session */
  bit_allocator allocator;
  size_t bytes;               /* of this allocation */
  bit_model_desc desc;        /* a copy; fields it is too old for are 0 */
  const bit_abi_level *level; /* the chosen one */
  const uint8_t *weights;
  bitrt_mapping mapping;
  void *library; /* of dlopen, or NULL */
  int32_t threads;
  bool uses_pool;
  bit_parallel_for parallel_for; /* the host's, or NULL */
  void *parallel_for_context;
  /* All inputs' dims in a row, then all outputs': */
  const char **dim_names; /* never NULL in it */
  int32_t *symbols;       /* for inputs: number of the dim's name, or -1 */
  int32_t n_symbols;
};

/* bit_model_open; `library` (NULL: linked in) is closed with the model, and by
   this function if it fails. */
bit_status bitrt_model_open(const bit_model_desc *description, void *library,
                            const bit_options *options, bit_model **model);

void bitrt_model_release(bit_model *model);

/* Maps the model's file of external weights. */
bit_status bitrt_map_weights(const bit_model_desc *desc, const char *path,
                             const void *in_library, bitrt_mapping *mapping,
                             const uint8_t **weights, bitrt_error error);
void bitrt_unmap_weights(bitrt_mapping *mapping);

/* Compares the weights with their checksum. */
bit_status bitrt_verify_weights(const bit_model_desc *desc,
                                const uint8_t *weights, bitrt_error error);

/* Replaces the weights and their mapping by a copy in huge pages, or in normal
   ones where the system has none. On failure all stays as it was. */
bit_status bitrt_copy_to_huge_pages(const char *name, size_t bytes,
                                    bitrt_mapping *mapping,
                                    const uint8_t **weights, bitrt_error error);

/* dlclose. */
void bitrt_unload(void *library);

#endif /* BITRT_MODEL_H */
