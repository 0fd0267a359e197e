// RUN: bit-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize --cse | FileCheck %s

// Sizes of results are those of operands: nothing has to be computed to know
// them.

// CHECK-LABEL: func @linear
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[N:.*]] = arith.constant 2 : index
// CHECK: %[[M:.*]] = tensor.dim %arg0, %[[C0]]
// CHECK: return %[[M]], %[[N]]
func.func @linear(%x: tensor<?x4xf32>, %codes: tensor<2x4xi8>, %scale: tensor<1xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = bit.linear %x, %codes, %scale weights = ternary
      : (tensor<?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  %m = tensor.dim %y, %c0 : tensor<?x2xf32>
  %n = tensor.dim %y, %c1 : tensor<?x2xf32>
  return %m, %n : index, index
}

// CHECK-LABEL: func @batched
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[A:.*]] = tensor.dim %arg0, %[[C0]]
// CHECK-DAG: %[[B:.*]] = tensor.dim %arg0, %[[C1]]
// CHECK: return %[[A]], %[[B]]
func.func @batched(%x: tensor<?x?x4xf32>, %codes: tensor<2x4xi8>, %scale: tensor<1xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <>
      : (tensor<?x?x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<?x?x2xf32>
  %a = tensor.dim %y, %c0 : tensor<?x?x2xf32>
  %b = tensor.dim %y, %c1 : tensor<?x?x2xf32>
  return %a, %b : index, index
}

// A layer's steps, down to the buffers that it fills.
// CHECK-LABEL: func @steps
// CHECK: %[[M:.*]] = tensor.dim %arg0, %{{.*}}
// CHECK: return %[[M]], %[[M]], %[[M]]
func.func @steps(%codes: tensor<?x8xi8>, %w: tensor<4x8xi8>, %xs: tensor<?xf32>,
                 %ws: tensor<1xf32>) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %acc = bit.ternary_matmul %codes, %w weights = ternary range = [-128, 127] : tensor<?x8xi8>, tensor<4x8xi8> -> tensor<?x4xi32>
  %y = bit.rescale %acc, %xs, %ws : (tensor<?x4xi32>, tensor<?xf32>, tensor<1xf32>) -> tensor<?x4xf32>
  %x = bit.dequantize %codes, %xs : tensor<?x8xi8>, tensor<?xf32> -> tensor<?x8xf32>
  %a = tensor.dim %acc, %c0 : tensor<?x4xi32>
  %b = tensor.dim %y, %c0 : tensor<?x4xf32>
  %c = tensor.dim %x, %c0 : tensor<?x8xf32>
  return %a, %b, %c : index, index, index
}

// CHECK-LABEL: func @quantizer
// CHECK: return %arg1, %arg1
func.func @quantizer(%x: tensor<?x8xf32>, %m: index) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c = tensor.empty(%m) : tensor<?x8xi8>
  %s = tensor.empty(%m) : tensor<?xf32>
  %u = tensor.empty(%m) : tensor<?xi32>
  %codes, %scale, %sum = bit.absmax_quantize ins(%x : tensor<?x8xf32>)
      outs(%c, %s, %u : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>) quantizer = <>
      -> tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>
  %a = tensor.dim %codes, %c0 : tensor<?x8xi8>
  %b = tensor.dim %sum, %c0 : tensor<?xi32>
  return %a, %b : index, index
}

// CHECK-LABEL: func @codes
// CHECK: %[[M:.*]] = tensor.dim %arg2, %{{.*}}
// CHECK: return %[[M]]
func.func @codes(%x: tensor<?x10xi8>, %p: tensor<1x3x32x4xi8>, %init: tensor<?x20xi32>) -> index {
  %c0 = arith.constant 0 : index
  %y = bit.code_matmul ins(%x, %p : tensor<?x10xi8>, tensor<1x3x32x4xi8>) outs(%init : tensor<?x20xi32>)
      kernel = #bit.kernel<generic.codes> -> tensor<?x20xi32>
  %m = tensor.dim %y, %c0 : tensor<?x20xi32>
  return %m : index
}
