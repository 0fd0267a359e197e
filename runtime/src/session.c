/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "session.h"

#include "float_environment.h"
#include <string.h>

/* Hands out parts of one allocation; with NULL as base it only counts. */
typedef struct layout {
  uint8_t *base;
  size_t used;
} layout;

static void *place(layout *parts, size_t count, size_t bytes) {
  size_t at = parts->used;
  /* Counts are below 2^21 (description.c): no overflow. */
  parts->used += (count * bytes + 15) / 16 * 16;
  return parts->base != NULL ? parts->base + at : NULL;
}

/* Lays the session and its tables out; returns the bytes they take. */
static size_t lay_out(const bit_model *model, bit_session *session) {
  layout parts = {(uint8_t *)session, 0};
  const bit_model_desc *desc = &model->desc;
  size_t inputs = (size_t)desc->n_inputs, outputs = (size_t)desc->n_outputs;
  size_t symbols = (size_t)model->n_symbols;
  bit_session unused;
  bit_session *s = session != NULL ? session : &unused;
  place(&parts, 1, sizeof(*s));
  s->inputs = place(&parts, inputs, sizeof(*s->inputs));
  s->input_dims = place(&parts, inputs, sizeof(*s->input_dims));
  s->input_views = place(&parts, inputs, sizeof(*s->input_views));
  s->copies = place(&parts, inputs, sizeof(*s->copies));
  s->outputs = place(&parts, outputs, sizeof(*s->outputs));
  s->symbol_values = place(&parts, symbols, sizeof(*s->symbol_values));
  s->symbol_sources = place(&parts, symbols, sizeof(*s->symbol_sources));
  for (size_t i = 0; i < outputs; ++i) {
    int64_t *dims = place(&parts, (size_t)desc->outputs[i].rank, sizeof(*dims));
    if (session != NULL)
      s->outputs[i].dims = dims;
  }
  return parts.used;
}

bit_status bit_session_create(bit_model *model, bit_session **session) {
  bitrt_error error = bitrt_thread_error();
  if (session == NULL)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects a place for the session, got NULL");
  *session = NULL;
  if (model == NULL)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT, "expects a model, got NULL");
  size_t bytes = lay_out(model, NULL);
  bit_session *created = bitrt_allocate(&model->allocator, bytes);
  if (created == NULL)
    return bitrt_fail(error, BIT_OUT_OF_MEMORY, "no memory for a session");
  memset(created, 0, bytes);
  lay_out(model, created);
  atomic_flag_clear(&created->busy);
  created->bytes = bytes;
  created->model = model;
  created->call.api = &bitrt_functions;
  created->call.weights = model->weights;
  created->call.inputs = created->inputs;
  created->call.input_dims = created->input_dims;
  created->call.threads = model->threads;
  if (model->desc.arena_bytes > 0 &&
      !bitrt_reserve(&model->allocator, &created->arena,
                     (size_t)model->desc.arena_bytes)) {
    bitrt_free(&model->allocator, created, bytes);
    return bitrt_fail(error, BIT_OUT_OF_MEMORY,
                      "no memory for an arena of %llu bytes",
                      (unsigned long long)model->desc.arena_bytes);
  }
  atomic_fetch_add(&model->references, 1);
  *session = created;
  return BIT_OK;
}

void bit_session_destroy(bit_session *session) {
  if (session == NULL)
    return;
  bit_model *model = session->model;
  for (int32_t i = 0; i < model->desc.n_inputs; ++i)
    bitrt_release(&model->allocator, &session->copies[i]);
  for (int32_t i = 0; i < model->desc.n_outputs; ++i)
    bitrt_release(&model->allocator, &session->outputs[i].buffer);
  bitrt_release(&model->allocator, &session->arena);
  bitrt_free(&model->allocator, session, session->bytes);
  bitrt_model_release(model);
}

/* Calls the library and makes a status of what it left behind. */
static bit_status call_library(bit_session *session) {
  const bit_model *model = session->model;
  bitrt_error error = bitrt_session_error(session);
  session->status = BIT_OK;
  session->reserved = false;
  uint64_t float_environment = bitrt_enter_float();
  int32_t returned = model->level->run(&session->call);
  bitrt_leave_float(float_environment);
  bitrt_free_blocks(session);
  if (session->status != BIT_OK)
    return session->status;
  if (returned != 0)
    return bitrt_fail(error, BIT_RUN_FAILED,
                      "the model's code failed with %d and no message",
                      (int)returned);
  for (int32_t i = 0; i < model->desc.n_outputs; ++i)
    if (!session->outputs[i].computed)
      return bitrt_fail(error, BIT_RUN_FAILED, "output '%s' was not computed",
                        model->desc.outputs[i].name);
  return BIT_OK;
}

static void deliver_outputs(bit_session *session) {
  for (int32_t i = 0; i < session->model->desc.n_outputs; ++i) {
    const bit_abi_tensor *declared = &session->model->desc.outputs[i];
    const bitrt_output *out = &session->outputs[i];
    if (out->tensor == NULL)
      continue;
    if (!out->to_caller) {
      out->tensor->data = out->data;
      out->tensor->dtype = declared->dtype;
      out->tensor->rank = declared->rank;
      out->tensor->shape = out->dims;
      out->tensor->strides = NULL;
    } else if (!out->view.contiguous) {
      bitrt_scatter(out->data, out->tensor);
    }
  }
}

/* A failed run may have freed what a tensor of the run before points to. */
static void forget_outputs(bit_session *session) {
  for (int32_t i = 0; i < session->model->desc.n_outputs; ++i)
    if (session->outputs[i].tensor != NULL && !session->outputs[i].to_caller)
      session->outputs[i].tensor->data = NULL;
}

bit_status bit_session_run(bit_session *session, const bit_tensor *inputs,
                           int32_t n_inputs, bit_tensor *outputs,
                           int32_t n_outputs) {
  if (session == NULL)
    return bitrt_fail(bitrt_thread_error(), BIT_INVALID_ARGUMENT,
                      "expects a session, got NULL");
  if (atomic_flag_test_and_set_explicit(&session->busy, memory_order_acquire))
    return bitrt_fail(bitrt_thread_error(), BIT_SESSION_BUSY,
                      "the session is running in another thread");
  session->message[0] = '\0';
  bit_status status = bitrt_bind_inputs(session, inputs, n_inputs);
  if (status == BIT_OK)
    status = bitrt_bind_outputs(session, outputs, n_outputs);
  if (status == BIT_OK) {
    status = call_library(session);
    if (status == BIT_OK)
      deliver_outputs(session);
    else
      forget_outputs(session);
  }
  atomic_flag_clear_explicit(&session->busy, memory_order_release);
  return status;
}

const char *bit_error_message(const bit_session *session) {
  return session != NULL ? session->message : bit_last_error();
}

uint64_t bit_session_arena_bytes(const bit_session *session) {
  return session != NULL ? session->arena.bytes : 0;
}
