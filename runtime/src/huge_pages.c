/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights in huge pages: mappings of files cannot have them on most systems,
   so they are copied into anonymous memory. */
#define _GNU_SOURCE
#include "memory.h"
#include "model.h"

#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* `bytes`, a multiple of HUGE_PAGE, of anonymous memory that begins at a
   multiple of it; NULL if there is none. */
static uint8_t *map_aligned(size_t bytes) {
  size_t more;
  if (!bitrt_add(bytes, HUGE_PAGE, &more))
    return NULL;
  uint8_t *all = mmap(NULL, more, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED)
    return NULL;
  size_t before = (HUGE_PAGE - (uintptr_t)all % HUGE_PAGE) % HUGE_PAGE;
  if (before > 0)
    munmap(all, before);
  munmap(all + before + bytes, HUGE_PAGE - before);
  return all + before;
}

bit_status bitrt_copy_to_huge_pages(const char *name, size_t bytes,
                                    bitrt_mapping *mapping,
                                    const uint8_t **weights,
                                    bitrt_error error) {
  size_t whole;
  uint8_t *copy = NULL;
  if (bitrt_add(bytes, HUGE_PAGE - 1, &whole)) {
    whole = whole / HUGE_PAGE * HUGE_PAGE;
    copy = map_aligned(whole);
  }
  if (copy == NULL)
    return bitrt_fail(error, BIT_OUT_OF_MEMORY,
                      "no memory for a copy of the %zu bytes of weights of "
                      "model '%s'",
                      bytes, name);
  /* Refused where the system has none: the pages are normal ones then. */
  (void)madvise(copy, whole, MADV_HUGEPAGE);
  memcpy(copy, *weights, bytes);
  (void)mprotect(copy, whole, PROT_READ);
  bitrt_unmap_weights(mapping);
  *mapping = (bitrt_mapping){copy, whole};
  *weights = copy;
  return BIT_OK;
}
