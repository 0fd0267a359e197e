/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Classifies handwritten digits with the compiled model, in plain C99.
 *
 *   classify IMAGES LABELS [LOGITS]
 *
 * IMAGES holds 64 floats an image, LABELS one byte an image. Prints how many
 * are right and what one call takes; writes the logits to LOGITS.
 *
 * cc classify.c digits.so -lbitrt, with -I for digits.h and bit/runtime.h
 */
#define _POSIX_C_SOURCE 199309L
#include "digits.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PIXELS = 64, CLASSES = 10, CALLS = 2000 };

/* Reads a whole file; the caller frees it. NULL after a message if it cannot
   be read. */
static void *read_file(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    return NULL;
  }
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  void *data = malloc(size > 0 ? (size_t)size : 1);
  if (data && size > 0 && fread(data, 1, (size_t)size, file) != (size_t)size) {
    perror(path);
    free(data);
    data = NULL;
  }
  fclose(file);
  *bytes = data ? (size_t)size : 0;
  return data;
}

static bit_tensor describe(float *data, const int64_t *shape) {
  bit_tensor tensor = {0};
  tensor.size = sizeof(tensor);
  tensor.data = data;
  tensor.dtype = BIT_FLOAT32;
  tensor.rank = 2;
  tensor.shape = shape;
  return tensor;
}

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e6 * (double)time.tv_sec + 1e-3 * (double)time.tv_nsec;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median time of a run on the first image. */
static double time_one(bit_session *session, float *image, float *logits) {
  static double times[CALLS];
  const int64_t image_shape[] = {1, PIXELS}, logits_shape[] = {1, CLASSES};
  for (int i = 0; i < CALLS; ++i) {
    bit_tensor x = describe(image, image_shape);
    bit_tensor y = describe(logits, logits_shape);
    double start = now_us();
    bit_session_run(session, &x, 1, &y, 1);
    times[i] = now_us() - start;
  }
  qsort(times, CALLS, sizeof(times[0]), compare_doubles);
  return times[CALLS / 2];
}

static int count_right(const float *logits, const unsigned char *labels,
                       int64_t n) {
  int right = 0;
  for (int64_t i = 0; i < n; ++i) {
    int best = 0;
    for (int c = 1; c < CLASSES; ++c)
      if (logits[i * CLASSES + c] > logits[i * CLASSES + best])
        best = c;
    right += best == labels[i];
  }
  return right;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: classify IMAGES LABELS [LOGITS]\n");
    return 2;
  }
  size_t image_bytes, n_labels;
  float *images = read_file(argv[1], &image_bytes);
  unsigned char *labels = read_file(argv[2], &n_labels);
  if (!images || !labels)
    return 1;
  int64_t n = (int64_t)n_labels;
  if (n < 1 || image_bytes != n_labels * PIXELS * sizeof(float)) {
    fprintf(stderr, "%s and %s do not fit together\n", argv[1], argv[2]);
    return 1;
  }

  /* One model a process, one session a thread. */
  bit_model *model;
  bit_session *session;
  if (digits_open(NULL, &model) || bit_session_create(model, &session)) {
    fprintf(stderr, "%s\n", bit_last_error());
    return 1;
  }

  /* All images in one call: the batch is the caller's choice. */
  const int64_t image_shape[] = {n, PIXELS}, logits_shape[] = {n, CLASSES};
  float *logits = malloc((size_t)n * CLASSES * sizeof(float));
  if (!logits)
    return 1;
  bit_tensor x = describe(images, image_shape);
  bit_tensor y = describe(logits, logits_shape);
  if (bit_session_run(session, &x, 1, &y, 1)) {
    fprintf(stderr, "%s\n", bit_error_message(session));
    return 1;
  }
  int right = count_right(logits, labels, n);
  if (argc > 3) {
    FILE *file = fopen(argv[3], "wb");
    if (!file || fwrite(logits, sizeof(float), (size_t)n * CLASSES, file) !=
                     (size_t)n * CLASSES) {
      perror(argv[3]);
      return 1;
    }
    fclose(file);
  }
  printf("%d of %d images right, %.2f us a call, level %s\n", right, (int)n,
         time_one(session, images, logits), bit_model_level(model));

  bit_session_destroy(session);
  bit_model_close(model);
  free(logits);
  free(labels);
  free(images);
  return 0;
}
