/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The contract between a compiled library and the runtime, in plain C99: the
 * only header that both sides know. Programs that run models include
 * bit/runtime.h instead.
 *
 * A library exports `const bit_model_desc *NAME_describe(void)` and imports
 * nothing but mem*: it reaches the runtime through bit_abi_call. The compiler
 * emits the tables as constant data field by field, so every field is
 * naturally aligned, and its offset on a 64-bit machine is asserted below.
 *
 * What may change under one BIT_ABI_VERSION: fields are added at the end of
 * bit_abi_functions and bit_model_desc, whose `size` says which are there.
 */
#ifndef BIT_ABI_H
#define BIT_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BIT_ABI_VERSION 2u

/* Types of elements; the numbers are those of ONNX's TensorProto.DataType.
   Elements of 4 and 2 bits take one byte each, sign-extended where they are
   signed; so does a bool, 0 or 1. Strings are never in a compiled model. */
enum {
  BIT_FLOAT32 = 1,
  BIT_UINT8 = 2,
  BIT_INT8 = 3,
  BIT_UINT16 = 4,
  BIT_INT16 = 5,
  BIT_INT32 = 6,
  BIT_INT64 = 7,
  BIT_STRING = 8,
  BIT_BOOL = 9,
  BIT_FLOAT16 = 10,
  BIT_FLOAT64 = 11,
  BIT_UINT32 = 12,
  BIT_UINT64 = 13,
  BIT_COMPLEX64 = 14,
  BIT_COMPLEX128 = 15,
  BIT_BFLOAT16 = 16,
  BIT_FLOAT8E4M3FN = 17,
  BIT_FLOAT8E4M3FNUZ = 18,
  BIT_FLOAT8E5M2 = 19,
  BIT_FLOAT8E5M2FNUZ = 20,
  BIT_UINT4 = 21,
  BIT_INT4 = 22,
  BIT_FLOAT4E2M1 = 23,
  BIT_FLOAT8E8M0 = 24,
  BIT_UINT2 = 25,
  BIT_INT2 = 26
};

/* Instruction-set extensions, one bit each, in a 64-bit word. A name is
   LLVM's name of the target feature in capitals: "+avx512vnni" is
   BIT_CPU_AVX512VNNI. AVX and what builds on it count only where the
   operating system saves the registers. */
#define BIT_CPU_SSE3 (UINT64_C(1) << 0)
#define BIT_CPU_SSSE3 (UINT64_C(1) << 1)
#define BIT_CPU_SSE4_1 (UINT64_C(1) << 2) /* "+sse4.1" */
#define BIT_CPU_SSE4_2 (UINT64_C(1) << 3) /* "+sse4.2" */
#define BIT_CPU_POPCNT (UINT64_C(1) << 4)
#define BIT_CPU_CX16 (UINT64_C(1) << 5)
#define BIT_CPU_AVX (UINT64_C(1) << 6)
#define BIT_CPU_AVX2 (UINT64_C(1) << 7)
#define BIT_CPU_FMA (UINT64_C(1) << 8)
#define BIT_CPU_F16C (UINT64_C(1) << 9)
#define BIT_CPU_BMI (UINT64_C(1) << 10)
#define BIT_CPU_BMI2 (UINT64_C(1) << 11)
#define BIT_CPU_LZCNT (UINT64_C(1) << 12)
#define BIT_CPU_MOVBE (UINT64_C(1) << 13)
#define BIT_CPU_AVXVNNI (UINT64_C(1) << 14)
#define BIT_CPU_AVX512F (UINT64_C(1) << 15)
#define BIT_CPU_AVX512CD (UINT64_C(1) << 16)
#define BIT_CPU_AVX512BW (UINT64_C(1) << 17)
#define BIT_CPU_AVX512DQ (UINT64_C(1) << 18)
#define BIT_CPU_AVX512VL (UINT64_C(1) << 19)
#define BIT_CPU_AVX512VNNI (UINT64_C(1) << 20)
#define BIT_CPU_AVX512VBMI (UINT64_C(1) << 21)
#define BIT_CPU_AVX512VBMI2 (UINT64_C(1) << 22)
#define BIT_CPU_GFNI (UINT64_C(1) << 23)
/* AArch64. */
#define BIT_CPU_NEON (UINT64_C(1) << 32)
#define BIT_CPU_DOTPROD (UINT64_C(1) << 33)
#define BIT_CPU_I8MM (UINT64_C(1) << 34)
#define BIT_CPU_FULLFP16 (UINT64_C(1) << 35)

/* What the x86 levels of bit-opt ask for. */
#define BIT_CPU_LEVEL_X86_64_V3                                                \
  (BIT_CPU_SSE3 | BIT_CPU_SSSE3 | BIT_CPU_SSE4_1 | BIT_CPU_SSE4_2 |            \
   BIT_CPU_POPCNT | BIT_CPU_CX16 | BIT_CPU_AVX | BIT_CPU_AVX2 | BIT_CPU_FMA |  \
   BIT_CPU_F16C | BIT_CPU_BMI | BIT_CPU_BMI2 | BIT_CPU_LZCNT | BIT_CPU_MOVBE)
#define BIT_CPU_LEVEL_AVXVNNI (BIT_CPU_LEVEL_X86_64_V3 | BIT_CPU_AVXVNNI)
#define BIT_CPU_LEVEL_AVX512VNNI                                               \
  (BIT_CPU_LEVEL_X86_64_V3 | BIT_CPU_AVX512F | BIT_CPU_AVX512CD |              \
   BIT_CPU_AVX512BW | BIT_CPU_AVX512DQ | BIT_CPU_AVX512VL |                    \
   BIT_CPU_AVX512VNNI)
#define BIT_CPU_LEVEL_AVX512VBMI (BIT_CPU_LEVEL_AVX512VNNI | BIT_CPU_AVX512VBMI)

/* And those for AArch64. */
#define BIT_CPU_LEVEL_NEON BIT_CPU_NEON
#define BIT_CPU_LEVEL_DOTPROD (BIT_CPU_LEVEL_NEON | BIT_CPU_DOTPROD)
#define BIT_CPU_LEVEL_I8MM (BIT_CPU_LEVEL_DOTPROD | BIT_CPU_I8MM)

typedef struct bit_abi_call bit_abi_call;

/* What the runtime does for a library during one run. Only `parallel_for`
   bodies leave the calling thread, and they call none of these. */
typedef struct bit_abi_functions {
  uint32_t size; /* of this table, in bytes */
  uint32_t reserved;
  /* The arena of this run: at least `bytes`, 64-byte aligned, contents
     undefined, valid until the run returns. Called at most once, before
     anything writes. NULL where bytes is negative or memory is short: return
     nonzero at once. */
  uint8_t *(*reserve)(bit_abi_call *call, int64_t bytes);
  /* A temporary whose size depends on data: like reserve, but callable any
     number of times. */
  uint8_t *(*alloc)(bit_abi_call *call, int64_t bytes);
  /* Where the elements of output `index` go, contiguous and row-major, for
     `dims` (as many as the output's rank): aligned to its element. Called
     once an output, after which its whole contents are written. NULL where
     the caller's tensor does not take these dims or memory is short: return
     nonzero at once. */
  void *(*output)(bit_abi_call *call, int32_t index, const int64_t *dims);
  /* Calls body(context, lo, hi) for disjoint ranges that together are 0..n,
     each at least `grain` long but for the last one, perhaps at the same
     time on several threads; returns when all are done. n <= 0 calls nothing;
     grain < 1 counts as 1. Inside a body it runs in the calling thread. */
  void (*parallel_for)(bit_abi_call *call,
                       void (*body)(void *context, int64_t lo, int64_t hi),
                       void *context, int64_t n, int64_t grain);
  /* Keeps a copy of the message for bit_error_message; return nonzero then.
     NULL is allowed. The first message of a run stays. */
  void (*fail)(bit_abi_call *call, const char *message);
} bit_abi_functions;

/* One run as the library sees it. Fields of the runtime's own follow. */
struct bit_abi_call {
  const bit_abi_functions *api;
  const uint8_t *weights;           /* 64-byte aligned */
  const void *const *inputs;        /* contiguous, row-major, checked against
                                       the description; never NULL */
  const int64_t *const *input_dims; /* rank entries an input, all >= 0 */
  int64_t threads; /* that may run bodies of parallel_for, at least 1: what is
                      worth splitting depends on it, results must not */
};

/* Computes all outputs from all inputs. Returns 0, or nonzero after a failure
   that fail(), reserve(), alloc() or output() has explained. Reentrant: it
   keeps nothing between runs. */
typedef int32_t (*bit_abi_run)(bit_abi_call *call);

/* One input or output of the model. */
typedef struct bit_abi_tensor {
  const char *name;
  int32_t dtype;       /* BIT_FLOAT32 ... */
  int32_t rank;        /* 0 .. BIT_MAX_RANK of the runtime */
  const int64_t *dims; /* rank entries, -1 where symbolic; NULL if rank is 0 */
  const char *const *dim_names; /* rank entries, NULL or "" where unnamed; NULL
                                   if no dim has a name */
} bit_abi_tensor;

/* The whole model compiled for one set of instructions. */
typedef struct bit_abi_level {
  const char *name;  /* as in bit-opt's --level */
  uint64_t features; /* BIT_CPU_* that the CPU must have, all of them */
  bit_abi_run run;
} bit_abi_level;

typedef struct bit_model_desc {
  uint32_t abi_version; /* BIT_ABI_VERSION of the compiler; offset 0 forever */
  uint32_t size;        /* of this struct as the compiler knew it, in bytes */
  const char *name;     /* prefix of the C symbols */
  const char *compiler_version;
  uint64_t model_hash[2]; /* of the source model; {0, 0} if unknown */
  int32_t n_inputs;
  int32_t n_outputs;
  int32_t n_levels; /* at least 1 */
  uint32_t reserved;
  const bit_abi_tensor *inputs; /* in graph order; NULL if none */
  const bit_abi_tensor *outputs;
  const bit_abi_level *levels; /* the best one first */
  const uint8_t *weights;      /* embedded, 64-byte aligned; NULL if there are
                                  none or they are in weights_file */
  uint64_t weights_bytes;
  uint64_t arena_bytes;      /* what a run reserves if that is the same for all
                                inputs (the session then has it from the
                                start); 0 if it depends on them */
  const char *weights_file;  /* base name of the file beside the library; NULL:
                                none */
  uint64_t weights_hash[2];  /* of the weights, embedded or external, by
                                bit/checksum.h; {0, 0} if unknown */
  const char *manifest_json; /* about the model, for people; NULL: none */
} bit_model_desc;

/* What a file of external weights begins with; little-endian. */
typedef struct bit_abi_weights_header {
  char magic[8]; /* BIT_ABI_WEIGHTS_MAGIC */
  uint32_t version;
  uint32_t header_bytes; /* where the weights begin: a multiple of 64 */
  uint64_t weights_bytes;
  uint64_t model_hash[2];
  uint64_t weights_hash[2];
} bit_abi_weights_header;
#define BIT_ABI_WEIGHTS_MAGIC "bit.wgt" /* with its NUL: 8 bytes */
#define BIT_ABI_WEIGHTS_VERSION 1u

/* The compiler writes these tables without seeing this header, so a change
   here must break the build. */
#if defined(__cplusplus)
#define BIT_ABI_ASSERT(condition) static_assert(condition, #condition)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define BIT_ABI_ASSERT(condition) _Static_assert(condition, #condition)
#else
#define BIT_ABI_ASSERT(condition) struct bit_abi_assert
#endif
#define BIT_ABI_AT(type, field, offset)                                        \
  BIT_ABI_ASSERT(sizeof(void *) != 8 || offsetof(type, field) == (offset))
BIT_ABI_AT(bit_abi_functions, size, 0);
BIT_ABI_AT(bit_abi_functions, reserve, 8);
BIT_ABI_AT(bit_abi_functions, alloc, 16);
BIT_ABI_AT(bit_abi_functions, output, 24);
BIT_ABI_AT(bit_abi_functions, parallel_for, 32);
BIT_ABI_AT(bit_abi_functions, fail, 40);
BIT_ABI_AT(struct bit_abi_call, api, 0);
BIT_ABI_AT(struct bit_abi_call, weights, 8);
BIT_ABI_AT(struct bit_abi_call, inputs, 16);
BIT_ABI_AT(struct bit_abi_call, input_dims, 24);
BIT_ABI_AT(struct bit_abi_call, threads, 32);
BIT_ABI_AT(bit_abi_tensor, name, 0);
BIT_ABI_AT(bit_abi_tensor, dtype, 8);
BIT_ABI_AT(bit_abi_tensor, rank, 12);
BIT_ABI_AT(bit_abi_tensor, dims, 16);
BIT_ABI_AT(bit_abi_tensor, dim_names, 24);
BIT_ABI_ASSERT(sizeof(void *) != 8 || sizeof(bit_abi_tensor) == 32);
BIT_ABI_AT(bit_abi_level, name, 0);
BIT_ABI_AT(bit_abi_level, features, 8);
BIT_ABI_AT(bit_abi_level, run, 16);
BIT_ABI_ASSERT(sizeof(void *) != 8 || sizeof(bit_abi_level) == 24);
BIT_ABI_AT(bit_model_desc, abi_version, 0);
BIT_ABI_AT(bit_model_desc, size, 4);
BIT_ABI_AT(bit_model_desc, name, 8);
BIT_ABI_AT(bit_model_desc, compiler_version, 16);
BIT_ABI_AT(bit_model_desc, model_hash, 24);
BIT_ABI_AT(bit_model_desc, n_inputs, 40);
BIT_ABI_AT(bit_model_desc, n_outputs, 44);
BIT_ABI_AT(bit_model_desc, n_levels, 48);
BIT_ABI_AT(bit_model_desc, inputs, 56);
BIT_ABI_AT(bit_model_desc, outputs, 64);
BIT_ABI_AT(bit_model_desc, levels, 72);
BIT_ABI_AT(bit_model_desc, weights, 80);
BIT_ABI_AT(bit_model_desc, weights_bytes, 88);
BIT_ABI_AT(bit_model_desc, arena_bytes, 96);
BIT_ABI_AT(bit_model_desc, weights_file, 104);
BIT_ABI_AT(bit_model_desc, weights_hash, 112);
BIT_ABI_AT(bit_model_desc, manifest_json, 128);
BIT_ABI_ASSERT(sizeof(void *) != 8 || sizeof(bit_model_desc) == 136);
BIT_ABI_ASSERT(sizeof(bit_abi_weights_header) == 56);

#ifdef __cplusplus
}
#endif

#endif /* BIT_ABI_H */
