// RUN: bit-opt %s | bit-opt | FileCheck %s
// RUN: bit-opt %s --verify-roundtrip -o /dev/null
// RUN: bit-opt %s --emit-bytecode | bit-opt | FileCheck %s
// RUN: bit-opt %s --mlir-print-op-generic | bit-opt | FileCheck %s

// Every op, with and without each optional part, survives text and bytecode.

// CHECK-LABEL: @linear
func.func @linear(%x: tensor<?x3x8xf32>, %codes: tensor<4x8xi8>, %s1: tensor<1xf32>,
                  %sn: tensor<4xf32>, %sg: tensor<4x2xf32>, %bias: tensor<4xf32>)
    -> (tensor<?x3x4xf32>, tensor<?x3x4xf32>, tensor<?x3x4xf32>) {
  // CHECK: bit.linear %{{.*}}, %{{.*}}, %{{.*}} weights = ternary quantizer = <> : (
  %0 = bit.linear %x, %codes, %s1 weights = ternary quantizer = <>
      : (tensor<?x3x8xf32>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<?x3x4xf32>
  // CHECK: bit.linear %{{.*}}, %{{.*}}, %{{.*}} bias %{{.*}} weights = binary : (
  %1 = bit.linear %x, %codes, %sn bias %bias weights = binary
      : (tensor<?x3x8xf32>, tensor<4x8xi8>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x3x4xf32>
  // CHECK: weights = ternary quantizer = <bits = 4, granularity = tensor> {bit.layer = {name = "fc"}}
  %2 = bit.linear %x, %codes, %sg bias %bias weights = ternary
      quantizer = <granularity = tensor, bits = 4> {bit.layer = {name = "fc"}}
      : (tensor<?x3x8xf32>, tensor<4x8xi8>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<?x3x4xf32>
  return %0, %1, %2 : tensor<?x3x4xf32>, tensor<?x3x4xf32>, tensor<?x3x4xf32>
}

// CHECK-LABEL: @linear_half
func.func @linear_half(%x: tensor<8xbf16>, %codes: tensor<4x8xi8>, %s: tensor<1xf32>) -> tensor<4xbf16> {
  // CHECK: -> tensor<4xbf16>
  %0 = bit.linear %x, %codes, %s weights = ternary : (tensor<8xbf16>, tensor<4x8xi8>, tensor<1xf32>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// CHECK-LABEL: @quantize_weight
func.func @quantize_weight(%w: tensor<4x8xf32>) {
  // CHECK: bit.quantize_weight %{{.*}} scheme = absmean granularity = tensor : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<1xf32>
  %0:2 = bit.quantize_weight %w scheme = absmean granularity = tensor : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<1xf32>
  // CHECK: scheme = sign granularity = channel {eps = 0.000000e+00 : f32}
  %1:2 = bit.quantize_weight %w scheme = sign granularity = channel {eps = 0.0 : f32}
      : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<4xf32>
  // CHECK: scheme = fit granularity = group group = 4 :
  %2:2 = bit.quantize_weight %w scheme = fit granularity = group group = 4 : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<4x2xf32>
  return
}

// CHECK-LABEL: @absmax_quantize
func.func @absmax_quantize(%x: tensor<?x8xf32>, %c: tensor<?x8xi8>, %s: tensor<?xf32>, %u: tensor<?xi32>) -> tensor<?x8xi8> {
  // CHECK: bit.absmax_quantize ins(%{{.*}} : tensor<?x8xf32>) outs({{.*}} : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  // CHECK-SAME: quantizer = <> -> tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>
  %codes, %scale, %sum = bit.absmax_quantize ins(%x : tensor<?x8xf32>)
      outs(%c, %s, %u : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>) quantizer = <>
      -> tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>
  return %codes : tensor<?x8xi8>
}

// CHECK-LABEL: @absmax_quantize_memref
func.func @absmax_quantize_memref(%x: memref<?x8xf32>, %c: memref<?x8xi8>, %s: memref<f32>, %u: memref<?xi32>) {
  // CHECK: quantizer = <granularity = tensor>{{$}}
  bit.absmax_quantize ins(%x : memref<?x8xf32>)
      outs(%c, %s, %u : memref<?x8xi8>, memref<f32>, memref<?xi32>) quantizer = <granularity = tensor>
  return
}

// CHECK-LABEL: @ternary_matmul
func.func @ternary_matmul(%codes: tensor<?x8xi8>, %w: tensor<4x8xi8>) -> (tensor<?x4xi32>, tensor<?x4x2xi32>) {
  // CHECK: bit.ternary_matmul %{{.*}}, %{{.*}} weights = ternary range = [-128, 127] :
  %0 = bit.ternary_matmul %codes, %w weights = ternary range = [-128, 127] : tensor<?x8xi8>, tensor<4x8xi8> -> tensor<?x4xi32>
  // CHECK: weights = binary range = [-8, 7] groups = 2 : tensor<?x8xi8>, tensor<4x8xi8> -> tensor<?x4x2xi32>
  %1 = bit.ternary_matmul %codes, %w weights = binary range = [-8, 7] groups = 2
      : tensor<?x8xi8>, tensor<4x8xi8> -> tensor<?x4x2xi32>
  return %0, %1 : tensor<?x4xi32>, tensor<?x4x2xi32>
}

// CHECK-LABEL: @rescale
func.func @rescale(%acc: tensor<?x4xi32>, %accg: tensor<?x4x2xi32>, %xs: tensor<?xf32>, %x0: tensor<f32>,
                   %ws: tensor<4xf32>, %wg: tensor<4x2xf32>, %b: tensor<4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  // CHECK: bit.rescale %{{.*}}, %{{.*}}, %{{.*}} bias %{{.*}} : (tensor<?x4xi32>, tensor<?xf32>,
  %0 = bit.rescale %acc, %xs, %ws bias %b
      : (tensor<?x4xi32>, tensor<?xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: bit.rescale %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x4x2xi32>, tensor<f32>,
  %1 = bit.rescale %accg, %x0, %wg : (tensor<?x4x2xi32>, tensor<f32>, tensor<4x2xf32>) -> tensor<?x4xf32>
  return %0, %1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: @dequantize
func.func @dequantize(%codes: tensor<?x8xi8>, %row: tensor<?xf32>, %column: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: bit.dequantize %{{.*}}, %{{.*}} : tensor<?x8xi8>, tensor<?xf32> -> tensor<?x8xf32>
  %0 = bit.dequantize %codes, %row : tensor<?x8xi8>, tensor<?xf32> -> tensor<?x8xf32>
  // CHECK: bit.dequantize %{{.*}}, %{{.*}} axis = 1 :
  %1 = bit.dequantize %codes, %column axis = 1 : tensor<?x8xi8>, tensor<8xf32> -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: @code_matmul
func.func @code_matmul(%x: tensor<?x70xi8>, %p: tensor<4x18x32x4xi8>, %y: tensor<?x100xi32>, %b: tensor<70x100xi8>,
                       %mx: memref<2x70xi8>, %mp: memref<4x18x32x4xi8>, %my: memref<2x100xi32>) -> (tensor<?x100xi32>, tensor<4x18x32x4xi8>) {
  // CHECK: bit.code_matmul ins(%{{.*}}, %{{.*}} : tensor<?x70xi8>, tensor<4x18x32x4xi8>) outs(%{{.*}} : tensor<?x100xi32>) kernel = #bit.kernel<generic.codes> -> tensor<?x100xi32>
  %0 = bit.code_matmul ins(%x, %p : tensor<?x70xi8>, tensor<4x18x32x4xi8>) outs(%y : tensor<?x100xi32>)
      kernel = #bit.kernel<generic.codes> -> tensor<?x100xi32>
  // CHECK: bit.code_matmul ins(%{{.*}}, %{{.*}} : memref<2x70xi8>, memref<4x18x32x4xi8>) outs(%{{.*}} : memref<2x100xi32>) kernel = #bit.kernel<generic.codes>{{$}}
  bit.code_matmul ins(%mx, %mp : memref<2x70xi8>, memref<4x18x32x4xi8>) outs(%my : memref<2x100xi32>)
      kernel = #bit.kernel<generic.codes>
  // CHECK: bit.pack_panels ins(%{{.*}} : tensor<70x100xi8>) outs(%{{.*}} : tensor<4x18x32x4xi8>) -> tensor<4x18x32x4xi8>
  %1 = bit.pack_panels ins(%b : tensor<70x100xi8>) outs(%p : tensor<4x18x32x4xi8>) -> tensor<4x18x32x4xi8>
  return %0, %1 : tensor<?x100xi32>, tensor<4x18x32x4xi8>
}

// CHECK-LABEL: @attributes
// CHECK-SAME: q = #bit.quantizer<bits = 2, granularity = channel, eps = 9.99999997E-7, eps_mode = add, scale = div, dequant = direct, clamp = [-1, 1], rounding = half_up, overflow = clamp>
// CHECK-SAME: r = #bit.quantizer<eps_mode = none, compute = bf16>
// CHECK-SAME: tiled = #bit.kernel<x86.vnni_p2, tile = [64, 4]>
func.func private @attributes() attributes {
  q = #bit.quantizer<clamp = [-1, 1], overflow = clamp, rounding = half_up, bits = 2, dequant = direct, scale = div,
                     eps_mode = add, eps = 1.0e-6, granularity = channel>,
  r = #bit.quantizer<compute = bf16, eps_mode = none>,
  tiled = #bit.kernel<x86.vnni_p2, tile = [64, 4]>
}
