// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef BIT_CONVERSION_BITTOLLVM_PASSES_TD
#define BIT_CONVERSION_BITTOLLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertBitToLLVM : Pass<"convert-bit-to-llvm", "::mlir::ModuleOp"> {
  let summary = "lower loops-free functions and runtime requests to LLVM";
  let description = [{
    One conversion for arith, math, cf, func, memref, vector and bit: each
    conversion walks the whole module, so one is cheaper than eight. Functions
    become internal and are not inlined, so that a kernel stays one function in
    the library as it is in the IR. A failing `cf.assert` ends the run with a
    message that names the ONNX node.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
  let statistics = [
    Statistic<"numFunctions", "functions", "functions lowered">,
    Statistic<"numAsserts", "asserts", "run-time checks lowered">,
  ];
}

def HoldBfloats : Pass<"bit-hold-bfloats", "::mlir::ModuleOp"> {
  let summary = "make every bf16 of the LLVM dialect an integer of 16 bits";
  let description = [{
    After the conversion to LLVM bf16 is only loaded, moved and stored: what
    computes with it does so in f32. Where a value meets another in a block
    argument, LLVM would still convert it to f32 and back, by a call of a
    library and with the bits of a NaN changed.
  }];
  let statistics = [
    Statistic<"numOps", "ops", "operations that held a bf16">,
    Statistic<"numBitcasts", "bitcasts", "casts to bits that went">,
  ];
}

#endif // BIT_CONVERSION_BITTOLLVM_PASSES_TD
