// RUN: bit-opt %s --convert-bit-to-linalg | FileCheck %s
// RUN: bit-opt %s --convert-bit-to-linalg=lower-attention=false | FileCheck %s --check-prefix=KERNEL

// Scores in memory, and heads split into those that share keys; with a kernel
// that is left to it.
// CHECK-LABEL: @fits_vectors
// CHECK-NOT: bit.attention
// CHECK: tensor.expand_shape %{{.*}} {{\[}}[0], [1, 2], [3], [4]] {{.*}} : tensor<1x8x?x64xf32> into tensor<1x2x4x?x64xf32>
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "parallel"]
// CHECK: math.fma
// CHECK: math.exp
// CHECK: tensor.collapse_shape
// KERNEL-LABEL: @fits_vectors
// KERNEL: bit.attention
func.func @fits_vectors(%q: tensor<1x8x?x64xf32>, %k: tensor<1x2x?x64xf32>, %v: tensor<1x2x?x64xf32>,
                        %y: tensor<1x8x?x64xf32>) -> tensor<1x8x?x64xf32> {
  %r = bit.attention ins(%q, %k, %v : tensor<1x8x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>)
      outs(%y : tensor<1x8x?x64xf32>) scale = 0.125 -> tensor<1x8x?x64xf32>
  return %r : tensor<1x8x?x64xf32>
}

// A size that does not fill vectors has no kernel.
// KERNEL-LABEL: @ragged
// KERNEL-NOT: bit.attention
// KERNEL: linalg.index 4
// KERNEL: arith.cmpi sge
// KERNEL: return
func.func @ragged(%q: tensor<1x1x3x20xf32>, %k: tensor<1x1x5x20xf32>, %range: tensor<1x3x2xi64>,
                  %y: tensor<1x1x3x20xf32>) -> tensor<1x1x3x20xf32> {
  %r = bit.attention ins(%q, %k, %k : tensor<1x1x3x20xf32>, tensor<1x1x5x20xf32>, tensor<1x1x5x20xf32>)
      range(%range : tensor<1x3x2xi64>) outs(%y : tensor<1x1x3x20xf32>) scale = 0.25 -> tensor<1x1x3x20xf32>
  return %r : tensor<1x1x3x20xf32>
}

// Which rows are zero: by default those whose greatest score is -inf, with
// zero_nan those whose sum is NaN or zero.
// CHECK-LABEL: @hidden_rows
// CHECK: %[[NONE:.*]] = arith.cmpf oeq, %in_{{.*}} : f32
// CHECK-NEXT: %[[Y:.*]] = arith.divf
// CHECK-NEXT: arith.select %[[NONE]], %{{.*}}, %[[Y]]
// CHECK-LABEL: @zero_nan
// CHECK: %[[NONE:.*]] = arith.cmpf ueq
// CHECK-NEXT: %[[Y:.*]] = arith.divf
// CHECK-NEXT: arith.select %[[NONE]], %{{.*}}, %[[Y]]
func.func @hidden_rows(%q: tensor<1x1x3x20xf32>, %k: tensor<1x1x5x20xf32>, %mask: tensor<1x1x3x5xf32>,
                       %y: tensor<1x1x3x20xf32>) -> tensor<1x1x3x20xf32> {
  %r = bit.attention ins(%q, %k, %k : tensor<1x1x3x20xf32>, tensor<1x1x5x20xf32>, tensor<1x1x5x20xf32>)
      mask(%mask : tensor<1x1x3x5xf32>) outs(%y : tensor<1x1x3x20xf32>) scale = 0.25 -> tensor<1x1x3x20xf32>
  return %r : tensor<1x1x3x20xf32>
}

func.func @zero_nan(%q: tensor<1x1x3x20xf32>, %k: tensor<1x1x5x20xf32>, %mask: tensor<1x1x3x5xf32>,
                    %y: tensor<1x1x3x20xf32>) -> tensor<1x1x3x20xf32> {
  %r = bit.attention ins(%q, %k, %k : tensor<1x1x3x20xf32>, tensor<1x1x5x20xf32>, tensor<1x1x5x20xf32>)
      mask(%mask : tensor<1x1x3x5xf32>) outs(%y : tensor<1x1x3x20xf32>) scale = 0.25 zero_nan -> tensor<1x1x3x20xf32>
  return %r : tensor<1x1x3x20xf32>
}
