/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Running compiled models from C99 or C++.
 *
 *   bit_model *model;
 *   bit_session *session;
 *   bit_model_open(NAME_describe(), NULL, &model);
 *   bit_session_create(model, &session);
 *   bit_session_run(session, inputs, n_inputs, outputs, n_outputs);
 *   bit_session_destroy(session);
 *   bit_model_close(model);
 *
 * Nothing here aborts, prints or exits: every fault is a bit_status, and the
 * message that goes with it is in bit_last_error (open, load, create) or
 * bit_error_message (run). A model may be used from any number of threads; a
 * session from one thread at a time, different sessions at the same time.
 */
#ifndef BIT_RUNTIME_H
#define BIT_RUNTIME_H

#include "bit/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BIT_API __attribute__((visibility("default")))
#else
#define BIT_API
#endif

#define BIT_MAX_RANK 32

typedef enum bit_status {
  BIT_OK = 0,
  BIT_INVALID_ARGUMENT = 1, /* NULL, a wrong size field, a wrong option */
  BIT_OUT_OF_MEMORY = 2,    /* the allocator gave NULL */
  BIT_FILE_ERROR = 3,       /* a file that is missing or cannot be read */
  BIT_BAD_LIBRARY = 4,      /* not a compiled model, or a damaged one */
  BIT_ABI_MISMATCH = 5,     /* compiled for a runtime of another ABI */
  BIT_UNSUPPORTED_CPU = 6,  /* no level of the library runs on this CPU */
  BIT_BAD_LEVEL = 7,        /* the level asked for is not in the library */
  BIT_BAD_WEIGHTS = 8,      /* an external weights file that does not fit */
  BIT_WRONG_COUNT = 9,      /* of inputs or outputs */
  BIT_WRONG_DTYPE = 10,     /* of a tensor */
  BIT_WRONG_RANK = 11,      /* of a tensor */
  BIT_WRONG_SHAPE = 12,     /* a dim that differs, or is negative */
  BIT_WRONG_STRIDES = 13,   /* overflowing, or an output that overlaps */
  BIT_BAD_POINTER = 14,     /* NULL, misaligned, output over an input */
  BIT_RUN_FAILED = 15,      /* a check inside the model, e.g. an index */
  BIT_SESSION_BUSY = 16,    /* the session runs in another thread */
  BIT_RANGE = 17            /* a value outside its set (bit/quant.h) */
} bit_status;

/* The name of a status ("BIT_OK"), or "unknown status". Static text. */
BIT_API const char *bit_status_string(bit_status status);

/* What the last call in this thread that failed without a session had to say;
   "" if none did. Valid until the next failing call in this thread. */
BIT_API const char *bit_last_error(void);

/* Version of the runtime ("0.1.0"), static text, and the ABI it serves. */
BIT_API const char *bit_runtime_version(void);
BIT_API uint32_t bit_runtime_abi_version(void);

/* Bytes of one element; 0 for BIT_STRING and unknown numbers. */
BIT_API size_t bit_dtype_bytes(int32_t dtype);
/* numpy's name of the type ("float32", "bfloat16", "int4"), static text;
   "unknown" for unknown numbers. */
BIT_API const char *bit_dtype_name(int32_t dtype);

/* A tensor that the caller describes. Set `size` to sizeof(bit_tensor); all
   tensors of one array have the same size. */
typedef struct bit_tensor {
  size_t size;
  void *data;           /* element [0, ..., 0], aligned to its element (16-byte
                           elements to 8); borrowed during a run. Inputs are
                           not written. May be NULL if there are no elements */
  int32_t dtype;        /* BIT_FLOAT32 ... */
  int32_t rank;         /* 0 .. BIT_MAX_RANK */
  const int64_t *shape; /* rank entries >= 0; may be NULL if rank is 0 */
  const int64_t *strides; /* rank entries, in elements; NULL: contiguous,
                             row-major. Inputs may repeat (0) and run
                             backwards (< 0); elements of an output must not
                             overlap */
} bit_tensor;

/* What a model says of an input or output. Borrowed from the model. */
typedef struct bit_tensor_info {
  size_t size; /* set by the caller to sizeof(bit_tensor_info) */
  const char *name;
  int32_t dtype;
  int32_t rank;
  const int64_t *dims;          /* rank entries, -1 = symbolic */
  const char *const *dim_names; /* rank entries, "" = unnamed. Dims of one name
                                   must agree within a run */
} bit_tensor_info;

/* Memory for models, sessions and tensors. Both functions may be called from
   any thread that calls the runtime; `free` gets only what `alloc` gave. */
typedef struct bit_allocator {
  void *(*alloc)(void *context, size_t bytes, size_t alignment);
  void (*free)(void *context, void *memory, size_t bytes);
  void *context;
} bit_allocator;

/* Calls body(body_context, lo, hi) for disjoint ranges that together are 0..n
   (n > 0), each but the last at least `grain` >= 1 long, on any threads, whose
   stacks have 512 KiB or more; returns when all are done. */
typedef void (*bit_parallel_for)(void *context,
                                 void (*body)(void *body_context, int64_t lo,
                                              int64_t hi),
                                 void *body_context, int64_t n, int64_t grain);

/* Flag of bit_options: the weights are copied into memory of 2 MB pages, which
   the CPU reads faster than a mapped file when they are larger than its caches.
   Takes as much memory as there are weights, not from the allocator, and the
   time of reading them once. Where the system has no such pages the copy is in
   normal ones. */
#define BIT_HUGE_PAGES 1u

/* Flag of bit_options: reads all weights, and refuses those that are not what
   the compiler wrote (BIT_BAD_WEIGHTS). */
#define BIT_VERIFY_WEIGHTS 2u

/* Start from BIT_OPTIONS_INIT; NULL instead of options means just that. */
typedef struct bit_options {
  size_t size;     /* sizeof(bit_options) */
  int32_t threads; /* that a run uses at most, the caller's among them; 0: as
                      many as the process may use cores; up to 1024 */
  uint32_t flags;  /* BIT_HUGE_PAGES | BIT_VERIFY_WEIGHTS, or 0 */
  bit_parallel_for parallel_for; /* the host's own pool instead of the
                                    runtime's; NULL: the runtime's */
  void *parallel_for_context;
  const bit_allocator *allocator; /* copied; NULL: the C library's */
  const char *weights_path; /* where external weights are, if not beside the
                               library */
  const char *level; /* a level of the library; NULL: the best the CPU has */
} bit_options;
#define BIT_OPTIONS_INIT                                                       \
  {sizeof(bit_options), 0, 0, NULL, NULL, NULL, NULL, NULL}

typedef struct bit_model bit_model;
typedef struct bit_session bit_session;

/* Opens a model that is linked into the program. `description` is what
   NAME_describe() returned and must outlive the model. On success *model is
   the caller's, to be given to bit_model_close; else it is NULL and
   bit_last_error says why. Opening twice is fine. Thread-safe.
   BIT_INVALID_ARGUMENT, BIT_OUT_OF_MEMORY, BIT_BAD_LIBRARY, BIT_ABI_MISMATCH,
   BIT_UNSUPPORTED_CPU, BIT_BAD_LEVEL, BIT_FILE_ERROR, BIT_BAD_WEIGHTS. */
BIT_API bit_status bit_model_open(const bit_model_desc *description,
                                  const bit_options *options,
                                  bit_model **model);

/* The same for a shared library in a file, which stays loaded until the model
   is closed. Loading runs the library's code: load only what you trust. A
   path without a slash is one in the current folder. Besides the above:
   BIT_FILE_ERROR if the file cannot be read, BIT_BAD_LIBRARY if it is no
   shared library for this machine, truncated, or no compiled model. */
BIT_API bit_status bit_model_load(const char *path, const bit_options *options,
                                  bit_model **model);

/* Gives the model back; its memory goes when its last session does. NULL is
   allowed. */
BIT_API void bit_model_close(bit_model *model);

/* All borrowed from the model; a NULL model gives NULL or 0. */
BIT_API const bit_model_desc *bit_model_description(const bit_model *model);
BIT_API const char *bit_model_name(const bit_model *model);
BIT_API const char *bit_model_level(const bit_model *model); /* in use */
BIT_API int32_t bit_model_threads(const bit_model *model);   /* at most */

BIT_API int32_t bit_model_input_count(const bit_model *model);
BIT_API int32_t bit_model_output_count(const bit_model *model);

/* Fills *info (whose `size` the caller has set) for input `index` in graph
   order. BIT_INVALID_ARGUMENT if there is no such input. */
BIT_API bit_status bit_model_input_info(const bit_model *model, int32_t index,
                                        bit_tensor_info *info);
BIT_API bit_status bit_model_output_info(const bit_model *model, int32_t index,
                                         bit_tensor_info *info);

/* A session holds what one run needs: arena, copies, outputs. On success
   *session is the caller's, to be given to bit_session_destroy.
   BIT_INVALID_ARGUMENT, BIT_OUT_OF_MEMORY (bit_last_error says more). */
BIT_API bit_status bit_session_create(bit_model *model, bit_session **session);

/* Frees the session and the outputs it owns. NULL is allowed. */
BIT_API void bit_session_destroy(bit_session *session);

/* Runs the model: inputs and outputs in graph order, as many as the model has.
   An output with data gets its elements there, if dtype, rank and shape are
   what the run gives (`shape` NULL with rank > 0 is refused). An output whose
   data is NULL is owned by the session until its next run or its end: data,
   dtype, rank and shape are filled in, strides is NULL. `outputs` may be NULL
   with n_outputs 0: the outputs are computed and dropped. Outputs must not
   overlap inputs or each other. After a failure the contents of outputs are
   undefined and the session can run again.
   BIT_INVALID_ARGUMENT, BIT_OUT_OF_MEMORY, BIT_WRONG_COUNT, BIT_WRONG_DTYPE,
   BIT_WRONG_RANK, BIT_WRONG_SHAPE, BIT_WRONG_STRIDES, BIT_BAD_POINTER,
   BIT_RUN_FAILED, BIT_SESSION_BUSY; bit_error_message(session) says more. */
BIT_API bit_status bit_session_run(bit_session *session,
                                   const bit_tensor *inputs, int32_t n_inputs,
                                   bit_tensor *outputs, int32_t n_outputs);

/* Why the session's last run failed; "" if it did not. Valid until the
   session's next run. A NULL session gives bit_last_error(). */
BIT_API const char *bit_error_message(const bit_session *session);

/* Bytes of temporaries the session holds: the arena of its largest run. */
BIT_API uint64_t bit_session_arena_bytes(const bit_session *session);

/* BIT_CPU_* of the machine this runs on. */
BIT_API uint64_t bit_cpu_features(void);

#ifdef __cplusplus
}
#endif

#endif /* BIT_RUNTIME_H */
