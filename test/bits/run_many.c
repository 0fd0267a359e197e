/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * run_many LIBRARY INPUTS OUTPUTS LEVEL:THREADS...
 *
 * Runs a library on all sets of inputs of a file, twice at each level and
 * number of threads, in one process: to start qemu takes longer than most of
 * these runs. qemu.py writes INPUTS and reads OUTPUTS; numbers are
 * little-endian.
 */
#include <bit/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS = 2, MOST_DIMS = 32 };

typedef struct {
  int32_t count;
  bit_tensor *tensors;
} feed;

typedef struct {
  unsigned char *bytes;
  size_t size, capacity;
} buffer;

static void fail(const char *what) {
  fprintf(stderr, "run_many: error: %s\n", what);
  exit(1);
}

static void *allocate(size_t bytes) {
  void *memory = calloc(bytes ? bytes : 1, 1);
  if (!memory)
    fail("out of memory");
  return memory;
}

static void read_bytes(FILE *file, void *to, size_t bytes) {
  if (bytes && fread(to, 1, bytes, file) != bytes)
    fail("the file of inputs ends early");
}

static int32_t read_i32(FILE *file) {
  int32_t value;
  read_bytes(file, &value, sizeof(value));
  return value;
}

static void read_tensor(FILE *file, bit_tensor *tensor) {
  int64_t *shape, bytes;
  void *data;
  tensor->size = sizeof(*tensor);
  tensor->dtype = read_i32(file);
  tensor->rank = read_i32(file);
  shape = allocate((size_t)tensor->rank * sizeof(*shape));
  read_bytes(file, shape, (size_t)tensor->rank * sizeof(*shape));
  read_bytes(file, &bytes, sizeof(bytes));
  data = allocate((size_t)bytes);
  read_bytes(file, data, (size_t)bytes);
  tensor->shape = shape;
  tensor->data = data;
}

static feed *read_feeds(const char *path, int32_t *count) {
  FILE *file = fopen(path, "rb");
  feed *feeds;
  if (!file)
    fail("cannot open the inputs");
  *count = read_i32(file);
  feeds = allocate((size_t)*count * sizeof(*feeds));
  for (int32_t i = 0; i < *count; ++i) {
    feeds[i].count = read_i32(file);
    feeds[i].tensors = allocate((size_t)feeds[i].count * sizeof(bit_tensor));
    for (int32_t j = 0; j < feeds[i].count; ++j)
      read_tensor(file, &feeds[i].tensors[j]);
  }
  fclose(file);
  return feeds;
}

static void put(buffer *to, const void *bytes, size_t size) {
  if (to->size + size > to->capacity) {
    to->capacity = 2 * to->capacity + size;
    to->bytes = realloc(to->bytes, to->capacity);
    if (!to->bytes)
      fail("out of memory");
  }
  if (size)
    memcpy(to->bytes + to->size, bytes, size);
  to->size += size;
}

static void put_i32(buffer *to, int32_t value) {
  put(to, &value, sizeof(value));
}

static void put_output(buffer *to, const bit_tensor *tensor) {
  int64_t bytes = (int64_t)bit_dtype_bytes(tensor->dtype);
  put_i32(to, tensor->dtype);
  put_i32(to, tensor->rank);
  for (int32_t i = 0; i < tensor->rank; ++i)
    bytes *= tensor->shape[i];
  put(to, tensor->shape, (size_t)tensor->rank * sizeof(int64_t));
  put(to, &bytes, sizeof(bytes));
  put(to, tensor->data, (size_t)bytes);
}

/* One run: a status, then its message or its outputs. */
static void run(bit_session *session, const feed *inputs, int32_t n_outputs,
                buffer *to) {
  bit_tensor *outputs = allocate((size_t)n_outputs * sizeof(*outputs));
  bit_status status;
  for (int32_t i = 0; i < n_outputs; ++i)
    outputs[i].size = sizeof(*outputs);
  status = bit_session_run(session, inputs->tensors, inputs->count, outputs,
                           n_outputs);
  put_i32(to, (int32_t)status);
  if (status) {
    const char *message = bit_error_message(session);
    put_i32(to, (int32_t)strlen(message));
    put(to, message, strlen(message));
  } else {
    put_i32(to, n_outputs);
    for (int32_t i = 0; i < n_outputs; ++i)
      put_output(to, &outputs[i]);
  }
  free(outputs);
}

/* All runs at one level; a run that gives what the first one gave on the same
   inputs is only a 1. */
static void run_level(const char *path, char *level, const feed *feeds,
                      int32_t count, buffer *first, FILE *out) {
  char *colon = strchr(level, ':');
  bit_options options = {.size = sizeof(options)};
  bit_model *model;
  bit_session *session;
  if (!colon)
    fail("expects LEVEL:THREADS");
  *colon = 0;
  options.level = level;
  options.threads = atoi(colon + 1);
  if (bit_model_load(path, &options, &model) ||
      bit_session_create(model, &session))
    fail(bit_last_error());
  for (int turn = 0; turn < TURNS; ++turn)
    for (int32_t i = 0; i < count; ++i) {
      buffer got = {0};
      run(session, &feeds[i], bit_model_output_count(model), &got);
      int32_t same = first[i].size == got.size &&
                     !memcmp(first[i].bytes, got.bytes, got.size);
      fwrite(&same, sizeof(same), 1, out);
      if (!same)
        fwrite(got.bytes, 1, got.size, out);
      if (first[i].size)
        free(got.bytes);
      else
        first[i] = got;
    }
  bit_session_destroy(session);
  bit_model_close(model);
}

int main(int argc, char **argv) {
  int32_t count;
  feed *feeds;
  buffer *first;
  FILE *out;
  if (argc < 5)
    fail("expects LIBRARY INPUTS OUTPUTS LEVEL:THREADS...");
  feeds = read_feeds(argv[2], &count);
  first = allocate((size_t)count * sizeof(*first));
  out = fopen(argv[3], "wb");
  if (!out)
    fail("cannot open the outputs");
  for (int i = 4; i < argc; ++i)
    run_level(argv[1], argv[i], feeds, count, first, out);
  if (fclose(out))
    fail("cannot write the outputs");
  return 0;
}
