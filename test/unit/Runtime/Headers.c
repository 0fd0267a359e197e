/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The public headers are C99 and stand alone; compiled as such, never run. */
#include "bit/checksum.h"
#include "bit/linear.h"
#include "bit/quant.h"
#include "bit/runtime.h"

/* The initializers, too. */
const bit_options header_options = BIT_OPTIONS_INIT;
const bit_quantizer header_quantizer = BIT_QUANTIZER_INIT;
const bit_packed header_packed = BIT_PACKED_INIT;
