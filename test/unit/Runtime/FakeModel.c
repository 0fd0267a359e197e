/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A compiled library written by hand: what bit-opt emits, as C. It imports
 * nothing but the function table of the call.
 *
 *   y[b, c] = x[b, c] * weights[c] + bias[c]
 *   kept    = the rows of y whose index[b] is not negative
 *   level   = which level ran
 */
#include "FakeModel.h"

enum { COLUMNS = 4 };

/* What two layers of the manifest have in common. */
#define FAKE_LAYER                                                             \
  "\"k\": 4, \"n\": 64, \"weight_scheme\": \"ternary\", "                      \
  "\"bits_per_weight\": 2, \"activation_bits\": 8, "                           \
  "\"activation_granularity\": \"token\", \"levels\": ["                       \
  "{\"level\": \"future\", \"kernel\": \"f.p2\", \"layout\": \"p2\", "         \
  "\"tile_tokens\": 4, \"table_tokens\": 32}, "                                \
  "{\"level\": \"baseline\", \"kernel\": \"b.p2\", \"layout\": \"p2\"}]"

static const _Alignas(64) float weights[COLUMNS] = {1, 2, 3, 4};

typedef struct {
  const float *x, *w, *bias;
  float *y;
} row_context;

static void compute_rows(void *context, int64_t lo, int64_t hi) {
  const row_context *c = context;
  for (int64_t b = lo; b < hi; ++b)
    for (int64_t i = 0; i < COLUMNS; ++i)
      c->y[b * COLUMNS + i] = c->x[b * COLUMNS + i] * c->w[i] + c->bias[i];
}

static int32_t keep_rows(bit_abi_call *call, const float *y, int64_t batch) {
  const int64_t *index = call->inputs[2];
  int64_t count = 0;
  int64_t *rows = (int64_t *)call->api->alloc(call, batch * 8);
  if (!rows)
    return 1;
  for (int64_t b = 0; b < batch; ++b) {
    if (index[b] >= batch) {
      call->api->fail(call, "node 'pick' (ai.onnx Gather, opset 13): expects "
                            "an index below the batch");
      return 1;
    }
    if (index[b] >= 0)
      rows[count++] = index[b];
  }
  const int64_t dims[2] = {count, COLUMNS};
  float *kept = call->api->output(call, 1, dims);
  if (!kept)
    return 1;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t i = 0; i < COLUMNS; ++i)
      kept[r * COLUMNS + i] = y[rows[r] * COLUMNS + i];
  return 0;
}

static int32_t run(bit_abi_call *call, int32_t level) {
  int64_t batch = call->input_dims[0][0];
  float *arena = (float *)call->api->reserve(call, batch * COLUMNS * 4);
  if (!arena)
    return 1;
  row_context context = {call->inputs[0], (const float *)call->weights,
                         call->inputs[1], arena};
  call->api->parallel_for(call, compute_rows, &context, batch, 2);
  const int64_t dims[2] = {batch, COLUMNS};
  float *y = call->api->output(call, 0, dims);
  if (!y)
    return 1;
  for (int64_t i = 0; i < batch * COLUMNS; ++i)
    y[i] = arena[i];
  if (keep_rows(call, arena, batch))
    return 1;
  int32_t *level_out = call->api->output(call, 2, (const int64_t *)0);
  if (!level_out)
    return 1;
  *level_out = level;
  return 0;
}

static int32_t run_future(bit_abi_call *call) { return run(call, 2); }
static int32_t run_v3(bit_abi_call *call) { return run(call, 1); }
static int32_t run_baseline(bit_abi_call *call) { return run(call, 0); }

static const int64_t x_dims[] = {-1, COLUMNS};
static const int64_t bias_dims[] = {COLUMNS};
static const int64_t index_dims[] = {-1};
static const char *const x_names[] = {"batch", ""};
static const char *const index_names[] = {"batch"};
static const char *const kept_names[] = {"kept", 0};

static const bit_abi_tensor inputs[] = {
    {"x", BIT_FLOAT32, 2, x_dims, x_names},
    {"bias", BIT_FLOAT32, 1, bias_dims, 0},
    {"index", BIT_INT64, 1, index_dims, index_names}};
static const bit_abi_tensor outputs[] = {
    {"y", BIT_FLOAT32, 2, x_dims, x_names},
    {"out/kept rows", BIT_FLOAT32, 2, x_dims, kept_names},
    {"level", BIT_INT32, 0, 0, 0}};
static const bit_abi_level levels[] = {
    {"future", UINT64_C(1) << 63, run_future},
#if defined(__x86_64__)
    {"x86-64-v3", BIT_CPU_LEVEL_X86_64_V3, run_v3},
#else
    {"neon", BIT_CPU_NEON, run_v3},
#endif
    {"baseline", 0, run_baseline}};

static const bit_model_desc description = {
    .abi_version = BIT_ABI_VERSION,
    .size = sizeof(bit_model_desc),
    .name = "fake",
    .compiler_version = "0.0.0-test",
    .model_hash = {0x0123456789abcdefu, 0xfedcba9876543210u},
    .n_inputs = 3,
    .n_outputs = 3,
    .n_levels = 3,
    .inputs = inputs,
    .outputs = outputs,
    .levels = levels,
    .weights = (const uint8_t *)weights,
    .weights_bytes = sizeof(weights),
    .manifest_json =
        "{\"model\": \"fake\", \"levels\": [\"future\", \"baseline\"], "
        "\"kernels\": {\"baseline\": {\"b.p2\": 2, \"b.panel\": 1}, "
        "\"future\": {\"f.p2\": 2}}, \"bitlinear\": {\"layers\": ["
        "{\"name\": \"first\\u00e9\", " FAKE_LAYER "}, "
        "{\"name\": \"second\", " FAKE_LAYER "}, "
        "{\"name\": \"third\", \"k\": 8, \"n\": 2, "
        "\"weight_scheme\": \"ternary\", \"levels\": []}]}}"};

__attribute__((visibility("default"))) const bit_model_desc *
fake_describe(void) {
  return &description;
}
