/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a running library calls: bit_abi_functions. */
#include "float_environment.h"
#include "pool.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>

static bit_session *session_of(bit_abi_call *call) {
  return (bit_session *)call;
}

/* Keeps the first failure of a run and its message. */
#define FAIL(session, failure, ...)                                            \
  do {                                                                         \
    if ((session)->status == BIT_OK)                                           \
      (session)->status =                                                      \
          bitrt_fail(bitrt_session_error(session), failure, __VA_ARGS__);      \
  } while (0)

static uint8_t *reserve(bit_abi_call *call, int64_t bytes) {
  bit_session *session = session_of(call);
  if (session->reserved) {
    FAIL(session, BIT_RUN_FAILED, "the library reserved its arena twice");
    return NULL;
  }
  session->reserved = true;
  if (bytes < 0 || !bitrt_reserve(&session->model->allocator, &session->arena,
                                  (size_t)bytes)) {
    FAIL(session, BIT_OUT_OF_MEMORY,
         "no memory for an arena of %" PRId64 " bytes", bytes);
    return NULL;
  }
  return session->arena.data;
}

static uint8_t *alloc(bit_abi_call *call, int64_t bytes) {
  bit_session *session = session_of(call);
  size_t total;
  bitrt_block *block = NULL;
  /* The first line of each block is the list's. */
  if (bytes >= 0 && bitrt_add((size_t)bytes, BITRT_ALIGNMENT, &total))
    block = bitrt_allocate(&session->model->allocator, total);
  if (block == NULL) {
    FAIL(session, BIT_OUT_OF_MEMORY,
         "no memory for a temporary of %" PRId64 " bytes", bytes);
    return NULL;
  }
  block->next = session->blocks;
  block->bytes = total;
  session->blocks = block;
  return (uint8_t *)block + BITRT_ALIGNMENT;
}

void bitrt_free_blocks(bit_session *session) {
  while (session->blocks != NULL) {
    bitrt_block *block = session->blocks;
    session->blocks = block->next;
    bitrt_free(&session->model->allocator, block, block->bytes);
  }
}

/* The dims of an output against the model's own word and the caller's. */
static bool takes_dims(bit_session *session, const bitrt_output *output,
                       const bit_abi_tensor *expected, const int64_t *dims) {
  char expects[BITRT_SHAPE_BYTES], got[BITRT_SHAPE_BYTES];
  for (int32_t i = 0; i < expected->rank; ++i) {
    if (dims[i] < 0 ||
        (expected->dims[i] >= 0 && dims[i] != expected->dims[i])) {
      FAIL(session, BIT_RUN_FAILED,
           "output '%s': the model declares shape %s but computed %s",
           expected->name,
           bitrt_format_shape(expects, expected->dims, expected->rank, NULL),
           bitrt_format_shape(got, dims, expected->rank, NULL));
      return false;
    }
  }
  for (int32_t i = 0; i < expected->rank; ++i) {
    if (output->to_caller && output->tensor->shape[i] != dims[i]) {
      FAIL(
          session, BIT_WRONG_SHAPE,
          "output '%s': expects shape %s in this run, got %s", expected->name,
          bitrt_format_shape(expects, dims, expected->rank, NULL),
          bitrt_format_shape(got, output->tensor->shape, expected->rank, NULL));
      return false;
    }
  }
  return true;
}

static void *output(bit_abi_call *call, int32_t index, const int64_t *dims) {
  bit_session *session = session_of(call);
  const bit_model_desc *desc = &session->model->desc;
  if (index < 0 || index >= desc->n_outputs ||
      session->outputs[index].computed ||
      (dims == NULL && desc->outputs[index].rank > 0)) {
    FAIL(session, BIT_RUN_FAILED,
         "the library asked for output %d without dims, twice, or for one that "
         "is not there",
         (int)index);
    return NULL;
  }
  bitrt_output *out = &session->outputs[index];
  const bit_abi_tensor *expected = &desc->outputs[index];
  if (!takes_dims(session, out, expected, dims))
    return NULL;
  for (int32_t i = 0; i < expected->rank; ++i)
    out->dims[i] = dims[i];
  out->computed = true;
  if (out->to_caller && out->view.contiguous) {
    out->data = out->tensor->data;
    return out->data;
  }
  char shape[BITRT_SHAPE_BYTES];
  size_t bytes;
  if (!bitrt_count_bytes(dims, expected->rank, bit_dtype_bytes(expected->dtype),
                         &bytes) ||
      !bitrt_reserve(&session->model->allocator, &out->buffer, bytes)) {
    FAIL(session, BIT_OUT_OF_MEMORY,
         "output '%s': no memory for shape %s of %s", expected->name,
         bitrt_format_shape(shape, dims, expected->rank, NULL),
         bit_dtype_name(expected->dtype));
    return NULL;
  }
  out->data = out->buffer.data;
  return out->data;
}

/* A host's threads have a float environment of their own, and its pool may not
   stand being entered twice. */
static _Thread_local bool inside_host_body;

typedef struct host_body {
  bitrt_body body;
  void *context;
} host_body;

static void run_host_body(void *context, int64_t lo, int64_t hi) {
  const host_body *wrapped = context;
  bool was_inside = inside_host_body;
  inside_host_body = true;
  uint64_t before = bitrt_enter_float();
  wrapped->body(wrapped->context, lo, hi);
  bitrt_leave_float(before);
  inside_host_body = was_inside;
}

static void parallel_for(bit_abi_call *call, bitrt_body body, void *context,
                         int64_t n, int64_t grain) {
  const bit_model *model = session_of(call)->model;
  if (n <= 0)
    return;
  if (model->uses_pool) {
    bitrt_pool_run(model->threads, body, context, n, grain);
  } else if (model->parallel_for != NULL && !inside_host_body) {
    host_body wrapped = {body, context};
    model->parallel_for(model->parallel_for_context, run_host_body, &wrapped, n,
                        grain < 1 ? 1 : grain);
  } else {
    body(context, 0, n);
  }
}

static void fail(bit_abi_call *call, const char *message) {
  FAIL(session_of(call), BIT_RUN_FAILED, "%s",
       message != NULL ? message : "the model failed without a message");
}

const bit_abi_functions bitrt_functions = {
    sizeof(bit_abi_functions), 0, reserve, alloc, output, parallel_for, fail};
