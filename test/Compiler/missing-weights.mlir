// RUN: rm -f %t.so
// RUN: not bit-opt %s -o %t.so 2>&1 | FileCheck %s
// RUN: not ls %t.so

// A resource that is there but holds no data, as one does that was released.
// CHECK: error: weights: expects the constants' data, got a model without it
func.func @main_graph() -> (tensor<512xf32> {onnx.name = "y"}) {
  %w = arith.constant dense_resource<released> : tensor<512xf32>
  return %w : tensor<512xf32>
}

{-#
  dialect_resources: {
    builtin: {
      released: "0x04000000"
    }
  }
#-}
