/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A compiled library written by hand, and what may be wrong with it: VARIANT.
 *
 *   y[b, c]   = 2 * x[b, c]
 *   picked[b] = index[b], which must be in 0 .. LIMIT - 1
 */
#include "bit/abi.h"

enum { COLUMNS = 4 };
enum {
  RIGHT,
  OTHER_NAN,     /* the same but for the payload of a NaN */
  ONE_ULP,       /* one element one ulp off, where the batch is 17 */
  NEGATIVE_ZERO, /* -0 where the batch is 17 */
  FAILS,         /* where the batch is 3 */
  OTHER_SHAPE,   /* an output without its last row */
  OTHER_NAME,    /* of an output */
  WRONG_LEVEL,   /* right but for its lower level */
  STRICT,        /* takes no index but 0 */
  REFUSES        /* takes no index */
};
/* An enumerator: no #if. */
enum { LIMIT = VARIANT == STRICT ? 1 : VARIANT == REFUSES ? 0 : 2 };

static uint32_t spoil(uint32_t bits, int64_t batch, int64_t at, int level) {
  int is_nan = (bits & 0x7fffffff) > 0x7f800000;
  if (VARIANT == OTHER_NAN && is_nan)
    return bits ^ 0x80000001;
  if (VARIANT == ONE_ULP && batch == 17 && at == 16 * COLUMNS + 3)
    return bits + 1;
  if (VARIANT == NEGATIVE_ZERO && batch == 17 && at == 5)
    return 0x80000000;
  if (VARIANT == WRONG_LEVEL && level == 0 && at == 0)
    return 0;
  return bits;
}

static int32_t run(bit_abi_call *call, int level) {
  int64_t batch = call->input_dims[0][0];
  const int64_t *index = call->inputs[1];
  if (VARIANT == FAILS && batch == 3) {
    call->api->fail(call, "three is too many");
    return 1;
  }
  int64_t dims[2] = {batch - (VARIANT == OTHER_SHAPE), COLUMNS};
  float *y = call->api->output(call, 0, dims);
  int64_t *picked = call->api->output(call, 1, &batch);
  if (!y || !picked)
    return 1;
  for (int64_t i = 0; i < dims[0] * COLUMNS; ++i) {
    union {
      float value;
      uint32_t bits;
    } number;
    /* One element is 0, so that there is a sign to lose. */
    number.value = i == 5 ? 0 : 2 * ((const float *)call->inputs[0])[i];
    number.bits = spoil(number.bits, batch, i, level);
    y[i] = number.value;
  }
  for (int64_t b = 0; b < batch; ++b) {
    if (index[b] < 0 || index[b] >= LIMIT) {
      call->api->fail(call, "index out of range");
      return 1;
    }
    picked[b] = index[b];
  }
  return 0;
}

static int32_t run_best(bit_abi_call *call) { return run(call, 1); }
static int32_t run_baseline(bit_abi_call *call) { return run(call, 0); }

static const int64_t x_dims[] = {-1, COLUMNS};
static const char *const x_names[] = {"batch", ""};
static const bit_abi_tensor inputs[] = {
    {"x", BIT_FLOAT32, 2, x_dims, x_names},
    {"index", BIT_INT64, 1, x_dims, x_names}};
static const int64_t y_dims[] = {-1, -1};
static const bit_abi_tensor outputs[] = {
    {VARIANT == OTHER_NAME ? "z" : "y", BIT_FLOAT32, 2, y_dims, 0},
    {"picked", BIT_INT64, 1, x_dims, x_names}};
static const bit_abi_level levels[] = {{"future", UINT64_C(1) << 63, run_best},
                                       {"best", 0, run_best},
                                       {"baseline", 0, run_baseline}};
static const bit_model_desc description = {.abi_version = BIT_ABI_VERSION,
                                           .size = sizeof(bit_model_desc),
                                           .name = "variant",
                                           .compiler_version = "0.0.0-test",
                                           .n_inputs = 2,
                                           .n_outputs = 2,
                                           .n_levels = 3,
                                           .inputs = inputs,
                                           .outputs = outputs,
                                           .levels = levels};

__attribute__((visibility("default"))) const bit_model_desc *
variant_describe(void) {
  return &description;
}
