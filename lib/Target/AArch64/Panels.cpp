// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How products by panels use the registers. docs/kernels.md has the figures.

#include "Intrinsics.h"
#include "Kernels.h"

// 20 sums of 32 registers: with four k of a row in one load each, 24 spill. A
// convolution's pixels are as many as lanes, so that they are stored together.
void bit::aarch64::addPanelKernels(KernelRegistry &kernels) {
  kernels.addPanel({"aarch64.neon_panel",
                    {"neon"},
                    /*lanes=*/4,
                    /*rows=*/5,
                    /*vectors=*/4,
                    /*pixels=*/4,
                    /*pixelVectors=*/4,
                    /*wholePixels=*/4,
                    /*steps=*/4,
                    /*unrollsDynamicTaps=*/true,
                    // A product by one lane costs nothing beside others, a
                    // load to all lanes takes a place among them: LLVM would
                    // choose the load.
                    pin});
  kernels.addRegisters({{"neon"},
                        /*lanes=*/4,
                        /*count=*/32,
                        /*hasMaximum=*/true,
                        /*hasMasks=*/false});
}
