/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "model.h"

#include "description.h"
#include "pool.h"
#include <inttypes.h>
#include <string.h>

const char *bit_runtime_version(void) { return BIT_VERSION; }

uint32_t bit_runtime_abi_version(void) { return BIT_ABI_VERSION; }

static bit_status check_options(const bit_options *options, bit_options *copy,
                                bitrt_error error) {
  *copy = (bit_options)BIT_OPTIONS_INIT;
  if (options == NULL)
    return BIT_OK;
  if (options->size < sizeof(*copy))
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects bit_options.size of at least %zu, got %zu",
                      sizeof(*copy), options->size);
  *copy = *options;
  if (copy->threads < 0 || copy->threads > BITRT_MAX_THREADS)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects bit_options.threads of 0..%d, got %d",
                      BITRT_MAX_THREADS, (int)copy->threads);
  if ((copy->flags & ~(BIT_HUGE_PAGES | BIT_VERIFY_WEIGHTS)) != 0)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects bit_options.flags of BIT_HUGE_PAGES (0x%x) and "
                      "BIT_VERIFY_WEIGHTS (0x%x), got 0x%" PRIx32,
                      BIT_HUGE_PAGES, BIT_VERIFY_WEIGHTS, copy->flags);
  if (copy->allocator != NULL &&
      (copy->allocator->alloc == NULL || copy->allocator->free == NULL))
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects an allocator with alloc and free, got NULL");
  return BIT_OK;
}

static size_t count_dims(const bit_abi_tensor *tensors, int32_t count) {
  size_t dims = 0;
  for (int32_t i = 0; i < count; ++i)
    dims += (size_t)tensors[i].rank;
  return dims;
}

static void name_dims(const bit_abi_tensor *tensors, int32_t count,
                      const char **names) {
  for (int32_t i = 0; i < count; ++i)
    for (int32_t d = 0; d < tensors[i].rank; ++d) {
      const char *name =
          tensors[i].dim_names != NULL ? tensors[i].dim_names[d] : NULL;
      *names++ = name != NULL ? name : "";
    }
}

/* Gives equal names of symbolic input dims equal numbers. */
static void number_symbols(bit_model *model) {
  size_t dim = 0;
  for (int32_t i = 0; i < model->desc.n_inputs; ++i)
    for (int32_t d = 0; d < model->desc.inputs[i].rank; ++d, ++dim) {
      const char *name = model->dim_names[dim];
      model->symbols[dim] = -1;
      if (model->desc.inputs[i].dims[d] >= 0 || name[0] == '\0')
        continue;
      for (size_t before = 0; before < dim; ++before)
        if (model->symbols[before] >= 0 &&
            strcmp(model->dim_names[before], name) == 0) {
          model->symbols[dim] = model->symbols[before];
          break;
        }
      if (model->symbols[dim] < 0)
        model->symbols[dim] = model->n_symbols++;
    }
}

/* One allocation holds the model and its tables. */
static bit_model *allocate_model(const bit_allocator *allocator,
                                 const bit_model_desc *desc) {
  size_t inputs = count_dims(desc->inputs, desc->n_inputs);
  size_t outputs = count_dims(desc->outputs, desc->n_outputs);
  /* At most 2^21 tensors of 2^5 dims: no overflow. */
  size_t bytes = sizeof(bit_model) + (inputs + outputs) * sizeof(char *) +
                 inputs * sizeof(int32_t);
  bit_model *model = bitrt_allocate(allocator, bytes);
  if (model == NULL)
    return NULL;
  memset(model, 0, bytes);
  atomic_init(&model->references, 1);
  model->allocator = *allocator;
  model->bytes = bytes;
  model->desc = *desc;
  model->dim_names = (const char **)(model + 1);
  model->symbols = (int32_t *)(model->dim_names + inputs + outputs);
  name_dims(desc->inputs, desc->n_inputs, model->dim_names);
  name_dims(desc->outputs, desc->n_outputs, model->dim_names + inputs);
  number_symbols(model);
  return model;
}

bit_status bitrt_model_open(const bit_model_desc *description, void *library,
                            const bit_options *options, bit_model **model) {
  bitrt_error error = bitrt_thread_error();
  bit_options checked;
  bit_model_desc desc = {0};
  const bit_abi_level *level = NULL;
  bitrt_mapping mapping = {NULL, 0};
  bit_status status = check_options(options, &checked, error);
  if (status == BIT_OK)
    status = bitrt_check_description(description, &desc, error);
  if (status == BIT_OK)
    status = bitrt_choose_level(&desc, checked.level, bit_cpu_features(),
                                &level, error);
  const uint8_t *weights = desc.weights;
  if (status == BIT_OK && weights == NULL && desc.weights_bytes > 0)
    status = bitrt_map_weights(&desc, checked.weights_path, description,
                               &mapping, &weights, error);
  if (status == BIT_OK && (checked.flags & BIT_VERIFY_WEIGHTS) != 0)
    status = bitrt_verify_weights(&desc, weights, error);
  if (status == BIT_OK && (checked.flags & BIT_HUGE_PAGES) != 0 &&
      desc.weights_bytes > 0)
    status = bitrt_copy_to_huge_pages(desc.name, (size_t)desc.weights_bytes,
                                      &mapping, &weights, error);
  if (status != BIT_OK) {
    bitrt_unmap_weights(&mapping);
    bitrt_unload(library);
    return status;
  }

  const bit_allocator *allocator =
      checked.allocator != NULL ? checked.allocator : &bitrt_default_allocator;
  bit_model *created = allocate_model(allocator, &desc);
  if (created == NULL) {
    bitrt_unmap_weights(&mapping);
    bitrt_unload(library);
    return bitrt_fail(error, BIT_OUT_OF_MEMORY, "no memory for a model");
  }
  created->level = level;
  created->weights = weights;
  created->mapping = mapping;
  created->library = library;
  created->threads =
      checked.threads != 0 ? checked.threads : bitrt_core_count();
  created->parallel_for = checked.parallel_for;
  created->parallel_for_context = checked.parallel_for_context;
  created->uses_pool = checked.parallel_for == NULL && created->threads > 1;
  if (created->uses_pool)
    bitrt_pool_retain(created->threads);
  *model = created;
  return BIT_OK;
}

bit_status bit_model_open(const bit_model_desc *description,
                          const bit_options *options, bit_model **model) {
  if (model == NULL)
    return bitrt_fail(bitrt_thread_error(), BIT_INVALID_ARGUMENT,
                      "expects a place for the model, got NULL");
  *model = NULL;
  return bitrt_model_open(description, NULL, options, model);
}

void bitrt_model_release(bit_model *model) {
  if (atomic_fetch_sub(&model->references, 1) != 1)
    return;
  if (model->uses_pool)
    bitrt_pool_release();
  bitrt_unmap_weights(&model->mapping);
  void *library = model->library;
  const bit_allocator allocator = model->allocator;
  bitrt_free(&allocator, model, model->bytes);
  bitrt_unload(library);
}

void bit_model_close(bit_model *model) {
  if (model != NULL)
    bitrt_model_release(model);
}

const bit_model_desc *bit_model_description(const bit_model *model) {
  return model != NULL ? &model->desc : NULL;
}

const char *bit_model_name(const bit_model *model) {
  return model != NULL ? model->desc.name : NULL;
}

const char *bit_model_level(const bit_model *model) {
  return model != NULL ? model->level->name : NULL;
}

int32_t bit_model_threads(const bit_model *model) {
  return model != NULL ? model->threads : 0;
}

int32_t bit_model_input_count(const bit_model *model) {
  return model != NULL ? model->desc.n_inputs : 0;
}

int32_t bit_model_output_count(const bit_model *model) {
  return model != NULL ? model->desc.n_outputs : 0;
}

/* Both tables share one array of names: outputs' follow inputs'. */
static bit_status tensor_info(const bit_model *model, bool output,
                              int32_t index, bit_tensor_info *info) {
  const char *kind = output ? "output" : "input";
  if (model == NULL || info == NULL || info->size < sizeof(*info))
    return bitrt_fail(bitrt_thread_error(), BIT_INVALID_ARGUMENT,
                      "expects a model and a bit_tensor_info of %zu bytes",
                      sizeof(*info));
  int32_t count = output ? model->desc.n_outputs : model->desc.n_inputs;
  if (index < 0 || index >= count)
    return bitrt_fail(bitrt_thread_error(), BIT_INVALID_ARGUMENT,
                      "expects an %s index below %d, got %d", kind, (int)count,
                      (int)index);
  const bit_abi_tensor *tensors =
      output ? model->desc.outputs : model->desc.inputs;
  size_t first = count_dims(tensors, index);
  if (output)
    first += count_dims(model->desc.inputs, model->desc.n_inputs);
  info->name = tensors[index].name;
  info->dtype = tensors[index].dtype;
  info->rank = tensors[index].rank;
  info->dims = tensors[index].dims;
  info->dim_names = model->dim_names + first;
  return BIT_OK;
}

bit_status bit_model_input_info(const bit_model *model, int32_t index,
                                bit_tensor_info *info) {
  return tensor_info(model, false, index, info);
}

bit_status bit_model_output_info(const bit_model *model, int32_t index,
                                 bit_tensor_info *info) {
  return tensor_info(model, true, index, info);
}
