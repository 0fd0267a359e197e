/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef BIT_TEST_FAKEMODEL_H
#define BIT_TEST_FAKEMODEL_H

#include "bit/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

const bit_model_desc *fake_describe(void);

#ifdef __cplusplus
}
#endif

#endif /* BIT_TEST_FAKEMODEL_H */
