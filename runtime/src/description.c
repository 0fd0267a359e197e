/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Is a description sound? A library is trusted code, but a damaged or a
   foreign one gives a message instead of a crash where that can be seen. */
#include "description.h"

#include "cpu.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* More is a damaged table: ONNX models have a few hundred at most. */
enum { MOST_TENSORS = 1 << 20, MOST_LEVELS = 64 };

static bit_status check_tensor(const bit_abi_tensor *tensor, const char *kind,
                               int32_t index, bitrt_error error) {
  if (tensor->name == NULL)
    return bitrt_fail(error, BIT_BAD_LIBRARY, "%s %d has no name", kind,
                      (int)index);
  if (bit_dtype_bytes(tensor->dtype) == 0)
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "%s '%s': this runtime has no dtype %d", kind,
                      tensor->name, (int)tensor->dtype);
  if (tensor->rank < 0 || tensor->rank > BIT_MAX_RANK)
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "%s '%s': expects a rank of 0..%d, got %d", kind,
                      tensor->name, BIT_MAX_RANK, (int)tensor->rank);
  if (tensor->rank > 0 && tensor->dims == NULL)
    return bitrt_fail(error, BIT_BAD_LIBRARY, "%s '%s' has no dims", kind,
                      tensor->name);
  for (int32_t i = 0; i < tensor->rank; ++i)
    if (tensor->dims[i] < -1)
      return bitrt_fail(error, BIT_BAD_LIBRARY, "%s '%s': dim %d is %" PRId64,
                        kind, tensor->name, (int)i, tensor->dims[i]);
  return BIT_OK;
}

static bit_status check_tensors(const bit_abi_tensor *tensors, int32_t count,
                                const char *kind, bitrt_error error) {
  if (count < 0 || count > MOST_TENSORS || (count > 0 && tensors == NULL))
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "the table of %ss is damaged (%d entries)", kind,
                      (int)count);
  for (int32_t i = 0; i < count; ++i) {
    bit_status status = check_tensor(&tensors[i], kind, i, error);
    if (status != BIT_OK)
      return status;
  }
  return BIT_OK;
}

bit_status bitrt_check_description(const bit_model_desc *description,
                                   bit_model_desc *copy, bitrt_error error) {
  if (description == NULL)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects a model description, got NULL");
  if (description->abi_version != BIT_ABI_VERSION)
    return bitrt_fail(
        error, BIT_ABI_MISMATCH,
        "the library has ABI version %" PRIu32 ", this runtime (%s) serves %u",
        description->abi_version, bit_runtime_version(), BIT_ABI_VERSION);
  if (description->size < sizeof(*description))
    return bitrt_fail(
        error, BIT_BAD_LIBRARY,
        "expects a description of at least %zu bytes, got %" PRIu32,
        sizeof(*description), description->size);
  *copy = *description;
  if (copy->name == NULL)
    return bitrt_fail(error, BIT_BAD_LIBRARY, "the library has no name");
  bit_status status =
      check_tensors(copy->inputs, copy->n_inputs, "input", error);
  if (status == BIT_OK)
    status = check_tensors(copy->outputs, copy->n_outputs, "output", error);
  if (status != BIT_OK)
    return status;

  if (copy->n_levels < 1 || copy->n_levels > MOST_LEVELS ||
      copy->levels == NULL)
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "the table of levels is damaged (%d entries)",
                      (int)copy->n_levels);
  for (int32_t i = 0; i < copy->n_levels; ++i)
    if (copy->levels[i].name == NULL || copy->levels[i].run == NULL)
      return bitrt_fail(error, BIT_BAD_LIBRARY,
                        "level %d has no name or no code", (int)i);
  if ((uintptr_t)copy->weights % BITRT_ALIGNMENT != 0)
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "expects weights aligned to %d bytes, got %p",
                      BITRT_ALIGNMENT, (const void *)copy->weights);
  if (copy->weights == NULL && copy->weights_bytes > 0 &&
      copy->weights_file == NULL)
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "the library has neither weights nor the name of a file "
                      "with them");
  if (copy->arena_bytes > PTRDIFF_MAX || copy->weights_bytes > PTRDIFF_MAX)
    return bitrt_fail(error, BIT_BAD_LIBRARY,
                      "arena (%" PRIu64 " bytes) or weights (%" PRIu64
                      " bytes) exceed the address space",
                      copy->arena_bytes, copy->weights_bytes);
  return BIT_OK;
}

enum { LIST_BYTES = 200 };

/* "a, b": all levels of the library. */
static const char *list_levels(char text[LIST_BYTES],
                               const bit_model_desc *desc) {
  size_t used = 0;
  text[0] = '\0';
  for (int32_t i = 0; i < desc->n_levels && used < LIST_BYTES; ++i) {
    int n = snprintf(text + used, LIST_BYTES - used, "%s%s", used ? ", " : "",
                     desc->levels[i].name);
    used += n > 0 ? (size_t)n : 0;
  }
  return text;
}

bit_status bitrt_choose_level(const bit_model_desc *desc, const char *name,
                              uint64_t features, const bit_abi_level **level,
                              bitrt_error error) {
  char list[LIST_BYTES], lacking[LIST_BYTES];
  const bit_abi_level *named = NULL;
  for (int32_t i = 0; i < desc->n_levels; ++i) {
    const bit_abi_level *candidate = &desc->levels[i];
    if (name != NULL && strcmp(candidate->name, name) != 0)
      continue;
    named = candidate;
    if ((candidate->features & ~features) == 0) {
      *level = candidate;
      return BIT_OK;
    }
  }
  if (named == NULL)
    return bitrt_fail(error, BIT_BAD_LEVEL,
                      "expects a level of the library (%s), got '%s'",
                      list_levels(list, desc), name);
  bitrt_format_features(lacking, sizeof(lacking), named->features & ~features);
  if (name != NULL)
    return bitrt_fail(error, BIT_UNSUPPORTED_CPU,
                      "level '%s' needs what this CPU lacks: %s", name,
                      lacking);
  return bitrt_fail(error, BIT_UNSUPPORTED_CPU,
                    "none of the library's levels (%s) runs on this CPU; '%s' "
                    "needs what it lacks: %s",
                    list_levels(list, desc), named->name, lacking);
}
