/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What is checked of a library before a model is made of it. */
#ifndef BITRT_DESCRIPTION_H
#define BITRT_DESCRIPTION_H

#include "error.h"

/* Checks what is only data: version, size, counts, pointers, dtypes, dims.
   Copies it to *copy. */
bit_status bitrt_check_description(const bit_model_desc *description,
                                   bit_model_desc *copy, bitrt_error error);

/* The level called `name`, or the first that `features` allow if NULL. */
bit_status bitrt_choose_level(const bit_model_desc *desc, const char *name,
                              uint64_t features, const bit_abi_level **level,
                              bitrt_error error);

#endif /* BITRT_DESCRIPTION_H */
