/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef BITRT_SESSION_H
#define BITRT_SESSION_H

#include "model.h"
#include "tensor.h"

/* One output: the session's own memory for it and what this run does. */
typedef struct bitrt_output {
  bitrt_buffer buffer;
  int64_t *dims;
  bit_tensor *tensor; /* the caller's; NULL: dropped */
  bitrt_view view;    /* of the caller's memory, if it gave any */
  bool to_caller;     /* the caller gave memory */
  bool computed;
  void *data;
} bitrt_output;

typedef struct bitrt_block {
  struct bitrt_block *next;
  size_t bytes;
} bitrt_block;

struct bit_session {
  bit_abi_call call; /* first: the library's functions get its address */
  bit_model *model;
  size_t bytes; /* of this allocation */
  atomic_flag busy;
  bit_status status; /* the first failure of this run */
  bool reserved;
  bitrt_buffer arena;
  bitrt_block *blocks; /* temporaries of this run */
  const void **inputs;
  const int64_t **input_dims;
  bitrt_view *input_views;
  bitrt_buffer *copies; /* of strided inputs */
  bitrt_output *outputs;
  int64_t *symbol_values;  /* -1: not seen yet in this run */
  int32_t *symbol_sources; /* the input that a value comes from */
  char message[BITRT_MESSAGE_BYTES];
};

extern const bit_abi_functions bitrt_functions;

static inline bitrt_error bitrt_session_error(bit_session *session) {
  return (bitrt_error){session->message};
}

void bitrt_free_blocks(bit_session *session);

/* Before a run: checks the caller's arrays and fills in the call. */
bit_status bitrt_bind_inputs(bit_session *session, const bit_tensor *inputs,
                             int32_t count);
bit_status bitrt_bind_outputs(bit_session *session, bit_tensor *outputs,
                              int32_t count);

#endif /* BITRT_SESSION_H */
