/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Runs a library that is one bit.packed_matmul and compares each bit with
 * scalar loops: no layout, no tiles, no order of sums but the defined one.
 *   products LIBRARY WEIGHTS N K GROUPS BIAS FLOATS LOW HIGH LEVEL M...
 * WEIGHTS has N * K codes of a byte, N * GROUPS scales and N biases, row-major.
 * Codes of x are in LOW..HIGH; each M is run with random ones, all LOW and all
 * HIGH. Exits 1 at the first result that differs.
 */
#include "bit/runtime.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int64_t n, k, groups;
  int bias, floats, low, high;
  int8_t *weights;
  float *scales, *biases;
} product;

static uint32_t state = 1;
static uint32_t next(void) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}
static float number(void) { return (float)(next() % 4001) / 1000.0f - 2.0f; }

static void *take(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  if (!memory) {
    fprintf(stderr, "products: error: out of memory\n");
    exit(2);
  }
  return memory;
}

static float reference(const product *p, const int8_t *codes,
                       const float *values, float x_scale, int64_t row) {
  const int8_t *w = p->weights + row * p->k;
  int64_t size = p->k / p->groups;
  float y = 0;
  for (int64_t g = 0; g < p->groups; ++g) {
    float scale = p->scales[row * p->groups + g], sum = 0;
    if (p->floats) {
      for (int64_t i = g * size; i < (g + 1) * size; ++i)
        sum = fmaf(values[i], (float)w[i], sum);
    } else {
      int64_t exact = 0;
      for (int64_t i = g * size; i < (g + 1) * size; ++i)
        exact += w[i] * codes[i];
      sum = (float)exact;
      scale = x_scale * scale;
    }
    if (g == 0 && !p->bias)
      y = sum * scale;
    else
      y = fmaf(sum, scale, g == 0 ? p->biases[row] : y);
  }
  return y;
}

static int run(const product *p, bit_session *session, int64_t m, int fill) {
  int64_t k = p->k, n = p->n;
  int8_t *codes = take(m * k, 1);
  float *values = take(m * k, 4), *x_scale = take(m, 4);
  int32_t *sums = take(m * p->groups, 4);
  float *y = take(m * n, 4);
  for (int64_t i = 0; i < m * k; ++i) {
    codes[i] = (int8_t)(fill == 1 ? p->low
                        : fill == 2
                            ? p->high
                            : p->low + (int)(next() %
                                             (unsigned)(p->high - p->low + 1)));
    values[i] = number();
    sums[i / (k / p->groups)] += codes[i];
  }
  for (int64_t i = 0; i < m; ++i)
    x_scale[i] = number();
  int64_t x_shape[] = {m, k}, m_shape[] = {m}, sum_shape[] = {m, p->groups};
  int64_t y_shape[] = {m, n};
  bit_tensor inputs[] = {
      {sizeof(bit_tensor), p->floats ? (void *)values : (void *)codes,
       p->floats ? BIT_FLOAT32 : BIT_INT8, 2, x_shape, NULL},
      {sizeof(bit_tensor), x_scale, BIT_FLOAT32, 1, m_shape, NULL},
      {sizeof(bit_tensor), sums, BIT_INT32, p->groups > 1 ? 2 : 1, sum_shape,
       NULL}};
  bit_tensor output = {sizeof(bit_tensor), y, BIT_FLOAT32, 2, y_shape, NULL};
  if (bit_session_run(session, inputs, p->floats ? 1 : 3, &output, 1) !=
      BIT_OK) {
    fprintf(stderr, "products: error: %s\n", bit_error_message(session));
    return 1;
  }
  int wrong = 0;
  for (int64_t i = 0; i < m && !wrong; ++i)
    for (int64_t j = 0; j < n && !wrong; ++j) {
      float want = reference(p, codes + i * k, values + i * k, x_scale[i], j);
      if (memcmp(&want, &y[i * n + j], 4) != 0) {
        fprintf(stderr,
                "products: m = %lld, fill %d, row %lld, column %lld: %a and "
                "not %a\n",
                (long long)m, fill, (long long)i, (long long)j, y[i * n + j],
                want);
        wrong = 1;
      }
    }
  free(codes);
  free(values);
  free(x_scale);
  free(sums);
  free(y);
  return wrong;
}

static int read_weights(product *p, const char *path) {
  size_t n = (size_t)p->n, k = (size_t)p->k, groups = (size_t)p->groups;
  p->weights = take(n * k, 1);
  p->scales = take(n * groups, 4);
  p->biases = take(n, 4);
  FILE *file = fopen(path, "rb");
  if (!file)
    return 0;
  int whole = fread(p->weights, 1, n * k, file) == n * k &&
              fread(p->scales, 4, n * groups, file) == n * groups &&
              fread(p->biases, 4, n, file) == n;
  fclose(file);
  return whole;
}

int main(int argc, char **argv) {
  if (argc < 12) {
    fprintf(stderr, "usage: products LIBRARY WEIGHTS N K GROUPS BIAS FLOATS "
                    "LOW HIGH LEVEL M...\n");
    return 2;
  }
  product p = {atoll(argv[3]), atoll(argv[4]),
               atoll(argv[5]), atoi(argv[6]),
               atoi(argv[7]),  atoi(argv[8]),
               atoi(argv[9]),  NULL,
               NULL,           NULL};
  if (!read_weights(&p, argv[2])) {
    fprintf(stderr, "products: error: cannot read '%s'\n", argv[2]);
    return 2;
  }
  bit_options options = BIT_OPTIONS_INIT;
  options.threads = 2;
  options.level = argv[10];
  bit_model *model;
  bit_session *session;
  if (bit_model_load(argv[1], &options, &model) != BIT_OK ||
      bit_session_create(model, &session) != BIT_OK) {
    fprintf(stderr, "products: error: %s\n", bit_last_error());
    return 2;
  }
  int wrong = 0, runs = 0;
  for (int i = 11; i < argc; ++i)
    for (int fill = 0; fill < (p.floats ? 1 : 3); ++fill, ++runs)
      wrong |= run(&p, session, atoll(argv[i]), fill);
  bit_session_destroy(session);
  bit_model_close(model);
  free(p.weights);
  free(p.scales);
  free(p.biases);
  if (!wrong)
    printf("%d products are right\n", runs);
  return wrong;
}
