// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How products by panels use the registers. docs/kernels.md has the figures.

#include "Kernels.h"

// 12 sums of 16 registers of 256 bits, 16 of 32 of 512 bits. Convolutions have
// more pixels, as those are what is transposed before it is stored.
void bit::x86::addPanelKernels(KernelRegistry &kernels) {
  kernels.addPanel({"x86.avx2_panel",
                    {"avx2", "fma"},
                    /*lanes=*/8,
                    /*rows=*/3,
                    /*vectors=*/4,
                    /*pixels=*/6,
                    /*pixelVectors=*/2,
                    // Measured: LLVM then shares elements of x between
                    // neighbouring taps, whose registers more pixels do not
                    // leave.
                    /*wholePixels=*/4});
  kernels.addPanel({"x86.avx512_panel",
                    {"avx512f"},
                    /*lanes=*/16,
                    /*rows=*/8,
                    /*vectors=*/2,
                    /*pixels=*/8,
                    /*pixelVectors=*/2,
                    /*wholePixels=*/8,
                    /*steps=*/1,
                    // Measured: LLVM loads what all taps of a row need at
                    // once and spills it.
                    /*unrollsDynamicTaps=*/false});
  kernels.addRegisters({{"avx2"}, /*lanes=*/8, /*count=*/16});
  kernels.addRegisters({{"avx512f"}, /*lanes=*/16, /*count=*/32});
}
