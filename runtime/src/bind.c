/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The caller's inputs and outputs, checked before the library sees them. */
#include "session.h"

#include <inttypes.h>

/* What stands for the address of nothing: not NULL, aligned for any type. */
static const _Alignas(BITRT_ALIGNMENT) int64_t nothing[1];

/* Callers' structs may be larger than ours: the array steps by their size. */
static const bit_tensor *tensor_at(const bit_tensor *tensors, int32_t index) {
  const uint8_t *first = (const uint8_t *)tensors;
  return (const void *)(first + (size_t)index * tensors->size);
}

static bit_status check_array(const bit_tensor *tensors, int32_t count,
                              int32_t expected, const char *kind,
                              bitrt_error error) {
  if (count != expected)
    return bitrt_fail(error, BIT_WRONG_COUNT, "expects %d %ss, got %d",
                      (int)expected, kind, (int)count);
  if (count > 0 && tensors == NULL)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects an array of %ss, got NULL", kind);
  for (int32_t i = 0; i < count; ++i) {
    size_t size = i == 0 ? tensors->size : tensor_at(tensors, i)->size;
    if (size < sizeof(bit_tensor) || size % _Alignof(bit_tensor) != 0 ||
        size != tensors->size)
      return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                        "%s %d: expects bit_tensor.size of %zu, got %zu", kind,
                        (int)i, i == 0 ? sizeof(bit_tensor) : tensors->size,
                        size);
  }
  return BIT_OK;
}

/* Symbolic dims of one name have one value in a run. */
static bit_status bind_symbols(bit_session *session, int32_t input,
                               const int64_t *shape, size_t first_dim) {
  const bit_model *model = session->model;
  const bit_abi_tensor *tensors = model->desc.inputs;
  for (int32_t d = 0; d < tensors[input].rank; ++d) {
    int32_t symbol = model->symbols[first_dim + (size_t)d];
    if (symbol < 0)
      continue;
    if (session->symbol_values[symbol] < 0) {
      session->symbol_values[symbol] = shape[d];
      session->symbol_sources[symbol] = input;
    } else if (session->symbol_values[symbol] != shape[d]) {
      return bitrt_fail(
          bitrt_session_error(session), BIT_WRONG_SHAPE,
          "input '%s': expects dim %d ('%s') of %" PRId64
          " as in input '%s', got %" PRId64,
          tensors[input].name, (int)d, model->dim_names[first_dim + (size_t)d],
          session->symbol_values[symbol],
          tensors[session->symbol_sources[symbol]].name, shape[d]);
    }
  }
  return BIT_OK;
}

bit_status bitrt_bind_inputs(bit_session *session, const bit_tensor *inputs,
                             int32_t count) {
  const bit_model *model = session->model;
  bitrt_error error = bitrt_session_error(session);
  bit_status status =
      check_array(inputs, count, model->desc.n_inputs, "input", error);
  for (int32_t i = 0; i < model->n_symbols; ++i)
    session->symbol_values[i] = -1;
  size_t first_dim = 0;
  for (int32_t i = 0; i < count && status == BIT_OK; ++i) {
    const bit_tensor *tensor = tensor_at(inputs, i);
    bitrt_view *view = &session->input_views[i];
    bitrt_port port = {"input", &model->desc.inputs[i],
                       model->dim_names + first_dim};
    status = bitrt_check_tensor(tensor, &port, view, error);
    if (status == BIT_OK)
      status = bind_symbols(session, i, tensor->shape, first_dim);
    if (status != BIT_OK)
      return status;
    first_dim += (size_t)port.tensor->rank;
    session->input_dims[i] = tensor->rank > 0 ? tensor->shape : nothing;
    session->inputs[i] = view->bytes > 0 ? tensor->data : nothing;
    if (view->contiguous)
      continue;
    if (!bitrt_reserve(&model->allocator, &session->copies[i], view->bytes))
      return bitrt_fail(error, BIT_OUT_OF_MEMORY,
                        "input '%s': no memory for a contiguous copy of %zu "
                        "bytes",
                        port.tensor->name, view->bytes);
    bitrt_gather(tensor, session->copies[i].data);
    session->inputs[i] = session->copies[i].data;
  }
  return status;
}

static bool overlap(const uint8_t *first_a, const uint8_t *last_a,
                    const uint8_t *first_b, const uint8_t *last_b) {
  return first_a < last_b && first_b < last_a;
}

/* The memory that output `index` is written to while the library runs; a
   strided output is written afterwards. */
static bool written_memory(const bit_session *session, int32_t index,
                           const uint8_t **first, const uint8_t **last) {
  const bitrt_output *out = &session->outputs[index];
  if (out->to_caller && out->view.contiguous) {
    *first = out->view.first;
    *last = out->view.last;
    return *first < *last;
  }
  if (out->buffer.data == NULL)
    return false;
  *first = out->buffer.data;
  *last = out->buffer.data + out->buffer.bytes;
  return true;
}

static bit_status check_overlaps(bit_session *session) {
  const bit_model_desc *desc = &session->model->desc;
  bitrt_error error = bitrt_session_error(session);
  const uint8_t *first, *last, *other_first, *other_last;
  for (int32_t i = 0; i < desc->n_outputs; ++i) {
    if (!written_memory(session, i, &first, &last))
      continue;
    for (int32_t j = 0; j < desc->n_inputs; ++j) {
      const bitrt_view *view = &session->input_views[j];
      if (view->contiguous && view->bytes > 0 &&
          overlap(first, last, view->first, view->last))
        return bitrt_fail(error, BIT_BAD_POINTER,
                          "output '%s' is written over input '%s'",
                          desc->outputs[i].name, desc->inputs[j].name);
    }
    for (int32_t j = 0; j < i; ++j)
      if (written_memory(session, j, &other_first, &other_last) &&
          overlap(first, last, other_first, other_last))
        return bitrt_fail(error, BIT_BAD_POINTER,
                          "outputs '%s' and '%s' overlap",
                          desc->outputs[j].name, desc->outputs[i].name);
  }
  return BIT_OK;
}

bit_status bitrt_bind_outputs(bit_session *session, bit_tensor *outputs,
                              int32_t count) {
  const bit_model *model = session->model;
  bitrt_error error = bitrt_session_error(session);
  bool dropped = outputs == NULL && count == 0;
  if (!dropped) {
    bit_status status =
        check_array(outputs, count, model->desc.n_outputs, "output", error);
    if (status != BIT_OK)
      return status;
  }
  const char *const *names = model->dim_names;
  for (int32_t i = 0; i < model->desc.n_inputs; ++i)
    names += model->desc.inputs[i].rank;
  for (int32_t i = 0; i < model->desc.n_outputs; ++i) {
    bitrt_output *out = &session->outputs[i];
    bitrt_port port = {"output", &model->desc.outputs[i], names};
    names += port.tensor->rank;
    out->tensor = dropped ? NULL : (bit_tensor *)tensor_at(outputs, i);
    out->computed = false;
    /* A tensor that came back from the run before is still the session's. */
    out->to_caller = out->tensor != NULL && out->tensor->data != NULL &&
                     out->tensor->data != out->buffer.data;
    if (!out->to_caller)
      continue;
    bit_status status =
        bitrt_check_tensor(out->tensor, &port, &out->view, error);
    if (status != BIT_OK)
      return status;
    if (!bitrt_is_injective(out->tensor))
      return bitrt_fail(error, BIT_WRONG_STRIDES,
                        "output '%s': expects strides whose elements do not "
                        "overlap",
                        port.tensor->name);
  }
  return check_overlaps(session);
}
