/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "bit/linear.h"

#include "cpu.h"
#include "float_environment.h"
#include "float_math.h"
#include "linear_kernels.h"
#include "memory.h"
#include "quant_check.h"
#include <stdatomic.h>
#include <string.h>

enum { ROWS = 16, STEP = 16, GROUP_BYTES = 64, GROUPS = 4, BLOCK_ROWS = 64 };
enum { STACK_BYTES = 16 << 10 };
/* Tokens whose last, partial rows are computed at once. */
enum { SLAB = 16 };
enum { LEVEL_LIST_BYTES = 160, FEATURES_BYTES = 256 };
#define MAX_K ((size_t)1 << 19)
/* Multiplications that are worth another thread: about 1 us. */
#define PIECE_WORK ((size_t)1 << 17)

/* Everywhere and in plain C; the same bits. */
static void
multiply_portable(const bitrt_memref2 *x, const bitrt_memref1 *packed,
                  const bitrt_memref1 *sum, const bitrt_memref1 *x_scale,
                  const bitrt_memref1 *w_scale, const bitrt_memref1 *bias,
                  const bitrt_memref2 *y) {
  (void)sum; /* for kernels that sum (w + 1) * x */
  const float *scales = w_scale->aligned, *addends = bias->aligned;
  size_t rows = (size_t)w_scale->sizes[0], k = (size_t)x->sizes[1];
  for (size_t t = 0; t < (size_t)x->sizes[0]; ++t) {
    const int8_t *codes = (const int8_t *)x->aligned + t * k;
    float token_scale = ((const float *)x_scale->aligned)[t];
    float *out = (float *)(uintptr_t)y->aligned + t * (size_t)y->strides[0];
    for (size_t row = 0; row < rows; ++row) {
      const uint8_t *bytes = (const uint8_t *)packed->aligned +
                             row / ROWS * GROUP_BYTES + row % ROWS * 4;
      int32_t acc = 0;
      for (size_t i = 0; i < k; ++i) {
        const uint8_t *step = bytes + i / STEP * (rows / ROWS) * GROUP_BYTES;
        acc += ((step[i % 4] >> (i % STEP / 4 * 2) & 3) - 1) * codes[i];
      }
      out[row] = bitrt_fma((float)acc, token_scale * scales[row], addends[row]);
    }
  }
}

static const bitrt_linear_level portable = {
    "portable",
    0,
    {multiply_portable, multiply_portable, multiply_portable,
     multiply_portable}};

static const bitrt_linear_level *get_level(int32_t index) {
#if BITRT_HAS_KERNELS
  for (int32_t i = 0; bitrt_linear_levels[i].name != NULL; ++i, --index)
    if (index == 0)
      return &bitrt_linear_levels[i];
#endif
  return index == 0 ? &portable : NULL;
}

const char *bit_rt_linear_level(int32_t index) {
  const bitrt_linear_level *level = index >= 0 ? get_level(index) : NULL;
  return level != NULL ? level->name : NULL;
}

/* Features of the level that the CPU lacks. Asked once: on a virtual machine
   cpuid takes longer than a product. */
static uint64_t find_lacking(const bitrt_linear_level *level) {
  static _Atomic uint64_t known;
  if (level->features == 0)
    return 0;
  uint64_t features = atomic_load_explicit(&known, memory_order_relaxed);
  if (features == 0) {
    features = bit_cpu_features();
    atomic_store_explicit(&known, features, memory_order_relaxed);
  }
  return level->features & ~features;
}

static const char *list_levels(char list[LEVEL_LIST_BYTES]) {
  size_t used = 0;
  list[0] = '\0';
  const bitrt_linear_level *level;
  for (int32_t i = 0; (level = get_level(i)) != NULL; ++i) {
    const char *comma = i > 0 ? ", " : "";
    size_t bytes = strlen(comma) + strlen(level->name) + 1;
    if (used + bytes > LEVEL_LIST_BYTES)
      break;
    strcpy(list + used, comma);
    strcat(list + used, level->name);
    used += bytes - 1;
  }
  return list;
}

static bit_status find_level(const char *name,
                             const bitrt_linear_level **level) {
  char list[LEVEL_LIST_BYTES], lacking[FEATURES_BYTES];
  /* The last one, portable, lacks nothing. */
  for (int32_t i = 0; (*level = get_level(i)) != NULL; ++i)
    if (name != NULL ? strcmp((*level)->name, name) == 0
                     : find_lacking(*level) == 0)
      break;
  if (*level == NULL)
    return bitrt_fail(bitrt_thread_error(), BIT_BAD_LEVEL,
                      "expects a level of bit_rt_linear (%s), got '%s'",
                      list_levels(list), name);
  if (find_lacking(*level) == 0)
    return BIT_OK;
  bitrt_format_features(lacking, sizeof(lacking), find_lacking(*level));
  return bitrt_fail(bitrt_thread_error(), BIT_UNSUPPORTED_CPU,
                    "level '%s' needs what this CPU lacks: %s", name, lacking);
}

/* What is in the workspace, each at a multiple of 64 bytes. */
typedef struct workspace {
  int8_t *codes; /* m x k, k rounded up to whole steps */
  int32_t *sums;
  float *scales;
} workspace;

static size_t round_up(size_t value, size_t unit) {
  return (value + unit - 1) / unit * unit;
}

/* Sizes of the codes and of the m numbers behind them; false if they and what
   alignment takes exceed PTRDIFF_MAX. */
static bool measure(size_t m, size_t k, size_t *codes, size_t *numbers) {
  size_t padded, total;
  if (!bitrt_add(k, STEP - 1, &padded) ||
      !bitrt_multiply(m, padded / STEP * STEP, codes) ||
      !bitrt_multiply(m, 2 * sizeof(float), numbers) ||
      !bitrt_add(*codes, *numbers, &total) ||
      !bitrt_add(total, (size_t)8 * BITRT_ALIGNMENT, &total))
    return false;
  *codes = round_up(*codes, BITRT_ALIGNMENT);
  *numbers = round_up(m * sizeof(float), BITRT_ALIGNMENT);
  return true;
}

size_t bit_rt_linear_workspace_bytes(size_t m, size_t k) {
  size_t codes, numbers;
  return measure(m, k, &codes, &numbers)
             ? codes + 2 * numbers + BITRT_ALIGNMENT - 1
             : 0;
}

static workspace lay_out(void *memory, size_t m, size_t k) {
  size_t codes, numbers;
  measure(m, k, &codes, &numbers);
  uint8_t *first =
      (uint8_t *)memory +
      (BITRT_ALIGNMENT - (uintptr_t)memory % BITRT_ALIGNMENT) % BITRT_ALIGNMENT;
  return (workspace){(int8_t *)first, (int32_t *)(void *)(first + codes),
                     (float *)(void *)(first + codes + numbers)};
}

/* Quantizes x; rows of codes are then moved apart and padded with zeros. */
static bit_status quantize(const float *x, size_t m, size_t k,
                           const bit_quantizer *quantizer, workspace *work) {
  bit_status status = bit_rt_absmax_quantize(x, m, k, quantizer, work->codes,
                                             work->scales, work->sums);
  if (status != BIT_OK)
    return status;
  if (quantizer != NULL && quantizer->granularity == BIT_PER_TENSOR)
    for (size_t i = 1; i < m; ++i)
      work->scales[i] = work->scales[0];
  size_t padded = round_up(k, STEP);
  if (padded != k)
    for (size_t row = m; row-- > 0;) {
      memmove(work->codes + row * padded, work->codes + row * k, k);
      memset(work->codes + row * padded + k, 0, padded - k);
    }
  return BIT_OK;
}

typedef struct job {
  const bitrt_linear_level *level;
  const bit_packed *packed;
  const float *scales, *bias;
  float *y;
  workspace work;
  size_t m, padded;
} job;

/* Numbers of `rows` outputs from `first` on, padded to whole groups with
   `padding`; all `padding` where there are none, all the same where there is
   one for all. */
static void take_rows(float out[BLOCK_ROWS], const float *numbers, bool is_one,
                      size_t first, size_t rows, float padding) {
  for (size_t i = 0; i < BLOCK_ROWS; ++i)
    out[i] = numbers == NULL || i >= rows ? padding
             : is_one                     ? numbers[0]
                                          : numbers[first + i];
}

/* Tokens first .. first + count by a block, to `out`, whose rows are `stride`
   floats apart. */
static void call_kernel(const job *job, size_t block, size_t groups,
                        const float *scales, const float *bias, size_t first,
                        size_t count, float *out, size_t stride) {
  const bit_packed *packed = job->packed;
  int64_t m = (int64_t)count, k = (int64_t)job->padded;
  size_t steps = job->padded / STEP;
  const int8_t *codes = job->work.codes + first * job->padded;
  const uint8_t *bytes = packed->data + block * GROUPS * steps * GROUP_BYTES;
  const int32_t *sums = job->work.sums + first;
  const float *x_scales = job->work.scales + first;
  int64_t rows = (int64_t)(groups * ROWS);
  bitrt_memref2 x = {codes, codes, 0, {m, k}, {k, 1}};
  bitrt_memref2 y = {out, out, 0, {m, (int64_t)stride}, {(int64_t)stride, 1}};
  bitrt_memref1 data = {
      bytes, bytes, 0, {(int64_t)(groups * steps * GROUP_BYTES)}, {1}};
  bitrt_memref1 sum = {sums, sums, 0, {m}, {1}};
  bitrt_memref1 x_scale = {x_scales, x_scales, 0, {m}, {1}};
  bitrt_memref1 w_scale = {scales, scales, 0, {rows}, {1}};
  bitrt_memref1 addend = {bias, bias, 0, {rows}, {1}};
  job->level->kernels[groups - 1](&x, &data, &sum, &x_scale, &w_scale, &addend,
                                  &y);
}

static void multiply_block(const job *job, size_t block) {
  const bit_packed *packed = job->packed;
  size_t first = block * BLOCK_ROWS, rows = packed->n - first;
  if (rows > BLOCK_ROWS)
    rows = BLOCK_ROWS;
  size_t groups = (rows + ROWS - 1) / ROWS;
  _Alignas(64) float scales[BLOCK_ROWS], bias[BLOCK_ROWS];
  take_rows(scales, job->scales, packed->granularity == BIT_PER_TENSOR, first,
            rows, 0.0f);
  /* Adding -0 changes no product. */
  take_rows(bias, job->bias, false, first, rows, -0.0f);
  if (rows % ROWS == 0) {
    call_kernel(job, block, groups, scales, bias, 0, job->m, job->y + first,
                packed->n);
    return;
  }
  /* Whole groups of rows are written: somewhere else, then copied. */
  _Alignas(64) float slab[SLAB * BLOCK_ROWS];
  for (size_t token = 0; token < job->m; token += SLAB) {
    size_t count = job->m - token < SLAB ? job->m - token : SLAB;
    call_kernel(job, block, groups, scales, bias, token, count, slab,
                BLOCK_ROWS);
    for (size_t t = 0; t < count; ++t)
      memcpy(job->y + (token + t) * packed->n + first, slab + t * BLOCK_ROWS,
             rows * sizeof(float));
  }
}

static void multiply_blocks(void *context, int64_t lo, int64_t hi) {
  uint64_t environment = bitrt_enter_float();
  for (int64_t block = lo; block < hi; ++block)
    multiply_block(context, (size_t)block);
  bitrt_leave_float(environment);
}

static bit_status check(const float *x, size_t m, const bit_packed *packed,
                        const float *scales, const float *y) {
  bitrt_error error = bitrt_thread_error();
  if (packed == NULL || packed->size < sizeof(*packed))
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects bit_packed.size of at least %zu, got %zu",
                      sizeof(*packed), packed != NULL ? packed->size : 0);
  if (packed->k > MAX_K)
    return bitrt_fail(error, BIT_RANGE, "expects k of at most %zu, got %zu",
                      MAX_K, packed->k);
  if (packed->granularity != BIT_PER_TENSOR &&
      packed->granularity != BIT_PER_ROW)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects scales per tensor or row, got granularity %d",
                      (int)packed->granularity);
  if (packed->quantizer != NULL &&
      packed->quantizer->size >= sizeof(*packed->quantizer) &&
      packed->quantizer->granularity == BIT_PER_COLUMN)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects a quantizer per tensor or row, got one per "
                      "column");
  size_t inputs, outputs, weights;
  bit_status status = bitrt_count_elements(m, packed->k, &inputs);
  if (status == BIT_OK)
    status = bitrt_count_elements(m, packed->n, &outputs);
  if (status == BIT_OK)
    status = bitrt_count_elements(packed->n, packed->k, &weights);
  if (status == BIT_OK)
    status = bitrt_check_pointer(x, inputs, "x");
  if (status == BIT_OK)
    status = bitrt_check_pointer(packed->data, weights, "packed weights");
  if (status == BIT_OK)
    status = bitrt_check_pointer(scales, packed->n, "scales");
  if (status == BIT_OK)
    status = bitrt_check_pointer(y, outputs, "y");
  return status;
}

static bit_status run(const float *x, job *job) {
  const bit_packed *packed = job->packed;
  bit_status status =
      quantize(x, job->m, packed->k, packed->quantizer, &job->work);
  if (status != BIT_OK)
    return status;
  size_t blocks = (packed->n + BLOCK_ROWS - 1) / BLOCK_ROWS;
  size_t block_work = job->m * (job->padded + 1) * BLOCK_ROWS;
  size_t grain = block_work < PIECE_WORK ? PIECE_WORK / block_work : 1;
  if (packed->parallel_for != NULL && blocks > 1)
    packed->parallel_for(packed->parallel_for_context, multiply_blocks, job,
                         (int64_t)blocks, (int64_t)grain);
  else
    multiply_blocks(job, 0, (int64_t)blocks);
  return BIT_OK;
}

bit_status bit_rt_linear(const float *x, size_t m, const bit_packed *packed,
                         const float *scales, const float *bias, float *y) {
  bitrt_error error = bitrt_thread_error();
  const bitrt_linear_level *level;
  bit_status status = check(x, m, packed, scales, y);
  if (status == BIT_OK)
    status = find_level(packed->level, &level);
  if (status != BIT_OK)
    return status;
  size_t bytes = bit_rt_linear_workspace_bytes(m, packed->k);
  if (bytes == 0)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "a workspace for %zu x %zu codes exceeds the address "
                      "space",
                      m, packed->k);
  if (packed->workspace != NULL && packed->workspace_bytes < bytes)
    return bitrt_fail(error, BIT_INVALID_ARGUMENT,
                      "expects a workspace of %zu bytes, got %zu", bytes,
                      packed->workspace_bytes);
  if (m == 0 || packed->n == 0)
    return BIT_OK;

  _Alignas(64) uint8_t stack[STACK_BYTES];
  void *memory = packed->workspace != NULL ? packed->workspace : stack;
  void *allocated = NULL;
  if (packed->workspace == NULL && bytes > sizeof(stack)) {
    memory = allocated = bitrt_allocate(&bitrt_default_allocator, bytes);
    if (allocated == NULL)
      return bitrt_fail(error, BIT_OUT_OF_MEMORY,
                        "no memory for a workspace of %zu bytes", bytes);
  }
  job job = {level,  packed,
             scales, bias,
             y,      lay_out(memory, m, packed->k),
             m,      round_up(packed->k, STEP)};
  status = run(x, &job);
  bitrt_free(&bitrt_default_allocator, allocated, bytes);
  return status;
}
