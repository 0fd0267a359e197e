/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A shared library that is no model. */
__attribute__((visibility("default"))) int plain_describes(void);

int plain_describes(void) { return 1; }
