/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A library's file may be renamed, so its NAME_describe is looked for among
 * the few symbols it exports, in the tables that the dynamic linker has
 * mapped.
 */
#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

typedef struct {
  const Elf64_Sym *symbols;
  const char *strings;
  const uint32_t *hash;     /* DT_HASH */
  const uint32_t *gnu_hash; /* DT_GNU_HASH */
} dynamic_tables;

/* glibc has relocated these addresses in place, musl has not. */
static const void *address_of(const struct link_map *map, uint64_t value) {
  return (const void *)(uintptr_t)(value < map->l_addr ? value + map->l_addr
                                                       : value);
}

static dynamic_tables find_tables(const struct link_map *map) {
  dynamic_tables tables = {NULL, NULL, NULL, NULL};
  for (const Elf64_Dyn *entry = map->l_ld; entry->d_tag != DT_NULL; ++entry) {
    const void *address = address_of(map, entry->d_un.d_ptr);
    if (entry->d_tag == DT_SYMTAB)
      tables.symbols = address;
    else if (entry->d_tag == DT_STRTAB)
      tables.strings = address;
    else if (entry->d_tag == DT_HASH)
      tables.hash = address;
    else if (entry->d_tag == DT_GNU_HASH)
      tables.gnu_hash = address;
  }
  return tables;
}

/* The symbol table does not say how long it is; the hash tables do. */
static uint32_t count_symbols(const dynamic_tables *tables) {
  if (tables->hash != NULL)
    return tables->hash[1];
  if (tables->gnu_hash == NULL)
    return 0;
  uint32_t buckets = tables->gnu_hash[0], first = tables->gnu_hash[1];
  uint32_t bloom_words = tables->gnu_hash[2];
  const uint32_t *bucket = tables->gnu_hash + 4 + 2 * (size_t)bloom_words;
  const uint32_t *chain = bucket + buckets;
  uint32_t last = 0;
  for (uint32_t i = 0; i < buckets; ++i)
    if (bucket[i] > last)
      last = bucket[i];
  if (last < first)
    return 0;
  while (!(chain[last - first] & 1)) /* set in the last of a chain */
    ++last;
  return last + 1;
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length > end_length &&
         memcmp(text + length - end_length, end, end_length) == 0;
}

void *bitrt_find_describe(void *library) {
  struct link_map *map = NULL;
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0 || map == NULL)
    return NULL;
  dynamic_tables tables = find_tables(map);
  if (tables.symbols == NULL || tables.strings == NULL)
    return NULL;
  const char *found = NULL;
  uint32_t count = count_symbols(&tables);
  for (uint32_t i = 0; i < count; ++i) {
    const Elf64_Sym *symbol = &tables.symbols[i];
    const char *name = tables.strings + symbol->st_name;
    if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC ||
        symbol->st_shndx == SHN_UNDEF || !ends_with(name, "_describe"))
      continue;
    if (found != NULL)
      return NULL;
    found = name;
  }
  return found != NULL ? dlsym(library, found) : NULL;
}
