// RUN: bit-opt %s --convert-bit-to-linalg --split-input-file | FileCheck %s

// A chain of float steps lies between the loops over outputs: n is innermost.
// CHECK: #[[N_INNER:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-LABEL: @chain_of_k
func.func @chain_of_k(%x: tensor<?x8xf32>, %w: tensor<4x8xi8>, %s: tensor<1xf32>) -> tensor<?x4xf32> {
  // CHECK: linalg.generic {indexing_maps = [{{.*}}, #[[N_INNER]]], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
  // CHECK: math.fma
  // CHECK-NOT: bit.linear
  %y = bit.linear %x, %w, %s weights = ternary : (tensor<?x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Without bias a chain starts at -0, which fma adds without changing anything.
// CHECK-LABEL: @rescale_without_bias
func.func @rescale_without_bias(%acc: tensor<?x4xi32>, %xs: tensor<?xf32>, %ws: tensor<4xf32>) -> tensor<?x4xf32> {
  // CHECK: arith.constant -0.000000e+00 : f32
  // CHECK: arith.mulf
  // CHECK-NEXT: math.fma
  %y = bit.rescale %acc, %xs, %ws : (tensor<?x4xi32>, tensor<?xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Only a kernel can read packed weights; buffers belong to kernels, too.
// CHECK-LABEL: @left_alone
func.func @left_alone(%x: tensor<2x8xf32>, %p: tensor<64xi8>, %s: tensor<1xf32>, %y: tensor<2x4xf32>,
                      %mx: memref<2x8xf32>, %c: memref<2x8xi8>, %ms: memref<2xf32>, %u: memref<2xi32>) -> tensor<2x4xf32> {
  // CHECK: bit.packed_matmul
  %0 = bit.packed_matmul ins(%x, %p, %s : tensor<2x8xf32>, tensor<64xi8>, tensor<1xf32>)
      outs(%y : tensor<2x4xf32>) n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2> -> tensor<2x4xf32>
  // CHECK: bit.absmax_quantize
  bit.absmax_quantize ins(%mx : memref<2x8xf32>) outs(%c, %ms, %u : memref<2x8xi8>, memref<2xf32>, memref<2xi32>) quantizer = <>
  return %0 : tensor<2x4xf32>
}
