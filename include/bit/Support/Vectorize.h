// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops over millions of weights, compiled twice: for any x86-64 and for AVX2.
//
// A function whose loops are to be vectorized is written as an inline body and
// called in two versions of it:
//
//   BIT_INLINE_BODY void addBody(...) { ... }
//   void addBaseline(...) { addBody(...); }
//   BIT_AVX2 void addAvx2(...) { addBody(...); }
//   hasAvx2() ? addAvx2(...) : addBaseline(...);
//
// AVX2 without FMA, so that both versions round alike.

#ifndef BIT_SUPPORT_VECTORIZE_H
#define BIT_SUPPORT_VECTORIZE_H

#define BIT_INLINE_BODY __attribute__((always_inline)) inline

#ifdef __x86_64__
#define BIT_AVX2 __attribute__((target("avx2")))
#else
#define BIT_AVX2
#endif

namespace bit {

inline bool hasAvx2() {
#ifdef __x86_64__
  static const bool result = __builtin_cpu_supports("avx2");
  return result;
#else
  return false;
#endif
}

} // namespace bit

#endif // BIT_SUPPORT_VECTORIZE_H
