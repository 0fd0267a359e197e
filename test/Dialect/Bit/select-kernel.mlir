// RUN: bit-opt %s --bit-select-kernel | FileCheck %s

// CHECK-LABEL: @avx512
// CHECK: kernel = #bit.kernel<x86.vnni_p2>
func.func @avx512(%x: memref<?x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// One feature short of the best kernel.
// CHECK-LABEL: @avx2
// CHECK: kernel = #bit.kernel<x86.avx2_p2>
func.func @avx2(%x: memref<?x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// CHECK-LABEL: @avxvnni
// CHECK: kernel = #bit.kernel<x86.avxvnni_p2>
func.func @avxvnni(%x: memref<?x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avxvnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// The same instruction in its other encoding.
// CHECK-LABEL: @evex
// CHECK: kernel = #bit.kernel<x86.avxvnni_p2>
func.func @evex(%x: memref<?x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// CHECK-LABEL: @baseline
// CHECK: kernel = #bit.kernel<generic.p2>
func.func @baseline(%x: memref<?x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>) {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// Only the generic kernel takes float activations.
// CHECK-LABEL: @float
// CHECK: kernel = #bit.kernel<generic.p2>
func.func @float(%x: memref<?x16xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x16xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 16 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// 524,304 products of full range could overflow the planes of vpdpbusd, whose
// limit is 524,288; narrower codes could not.
// CHECK-LABEL: @long_k
// CHECK: kernel = #bit.kernel<x86.avx2_p2>
// CHECK: kernel = #bit.kernel<x86.vnni_p2>
func.func @long_k(%x: memref<?x524304xi8>, %p: memref<2097216xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x524304xi8>, memref<2097216xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 524304 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  bit.packed_matmul ins(%x, %p, %ws : memref<?x524304xi8>, memref<2097216xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 524304 weights = ternary range = [-8, 7] kernel = #bit.kernel<generic.p2>
  return
}

// 524,288 products are the limit of one sum: twice as many have two scales.
// CHECK-LABEL: @group_scales
// CHECK: kernel = #bit.kernel<x86.vnni_p2>
func.func @group_scales(%x: memref<?x1048576xi8>, %p: memref<4194304xi8>, %ws: memref<1x2x64xf32>, %xs: memref<?xf32>, %sum: memref<?x2xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x1048576xi8>, memref<4194304xi8>, memref<1x2x64xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?x2xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 1048576 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// Weights of 1 bit have kernels of their own.
// CHECK-LABEL: @binary_avx512
// CHECK: kernel = #bit.kernel<x86.vnni_p1>
func.func @binary_avx512(%x: memref<?x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 16 weights = binary range = [-128, 127] kernel = #bit.kernel<generic.p1>
  return
}

// CHECK-LABEL: @binary_avx2
// CHECK: kernel = #bit.kernel<x86.avx2_p1>
func.func @binary_avx2(%x: memref<?x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 16 weights = binary range = [-128, 127] kernel = #bit.kernel<generic.p1>
  return
}

// Planes of 8 times the weight add 4 products for each 16 k: 8,388,608 is the
// limit of vpdpbusd.
// CHECK-LABEL: @long_binary_k
// CHECK: kernel = #bit.kernel<x86.vnni_p1>
// CHECK: kernel = #bit.kernel<x86.avx2_p1>
func.func @long_binary_k(%x: memref<?x8388608xi8>, %p: memref<16777216xi8>, %z: memref<?x8388609xi8>, %q: memref<16777280xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x8388608xi8>, memref<16777216xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 8388608 weights = binary range = [-128, 127] kernel = #bit.kernel<generic.p1>
  bit.packed_matmul ins(%z, %q, %ws : memref<?x8388609xi8>, memref<16777280xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 8388609 weights = binary range = [-128, 127] kernel = #bit.kernel<generic.p1>
  return
}

// Products by panels: all kernels read the same ones.
// CHECK-LABEL: @panels_avx512
// CHECK: kernel = #bit.kernel<x86.avx512_panel>
func.func @panels_avx512(%x: memref<?x16xf32>, %p: memref<1x16x16xf32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f"]]} {
  bit.panel_matmul ins(%x, %p : memref<?x16xf32>, memref<1x16x16xf32>) outs(%y : memref<?x8xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// CHECK-LABEL: @panels_avx2
// CHECK: kernel = #bit.kernel<x86.avx2_panel>
func.func @panels_avx2(%x: memref<?x16xf32>, %p: memref<1x16x16xf32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  bit.panel_matmul ins(%x, %p : memref<?x16xf32>, memref<1x16x16xf32>) outs(%y : memref<?x8xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// CHECK-LABEL: @panels_baseline
// CHECK: kernel = #bit.kernel<generic.panel>
func.func @panels_baseline(%x: memref<?x16xf32>, %p: memref<1x16x16xf32>, %y: memref<?x8xf32>) {
  bit.panel_matmul ins(%x, %p : memref<?x16xf32>, memref<1x16x16xf32>) outs(%y : memref<?x8xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// CHECK-LABEL: @codes_avx512
// CHECK: kernel = #bit.kernel<x86.vnni_codes>
func.func @codes_avx512(%x: memref<?x16xi8>, %p: memref<1x4x16x4xi8>, %y: memref<?x8xi32>)
    attributes {passthrough = [["target-features", "+avx2,+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.code_matmul ins(%x, %p : memref<?x16xi8>, memref<1x4x16x4xi8>) outs(%y : memref<?x8xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// CHECK-LABEL: @codes_avxvnni
// CHECK: kernel = #bit.kernel<x86.avxvnni_codes>
func.func @codes_avxvnni(%x: memref<?x16xi8>, %p: memref<1x4x16x4xi8>, %y: memref<?x8xi32>)
    attributes {passthrough = [["target-features", "+avx2,+avxvnni"]]} {
  bit.code_matmul ins(%x, %p : memref<?x16xi8>, memref<1x4x16x4xi8>) outs(%y : memref<?x8xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// CHECK-LABEL: @codes_evex
// CHECK: kernel = #bit.kernel<x86.avxvnni_codes>
func.func @codes_evex(%x: memref<?x16xi8>, %p: memref<1x4x16x4xi8>, %y: memref<?x8xi32>)
    attributes {passthrough = [["target-features", "+avx2,+avx512f,+avx512vl,+avx512vnni"]]} {
  bit.code_matmul ins(%x, %p : memref<?x16xi8>, memref<1x4x16x4xi8>) outs(%y : memref<?x8xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// CHECK-LABEL: @codes_avx2
// CHECK: kernel = #bit.kernel<x86.avx2_codes>
func.func @codes_avx2(%x: memref<?x16xi8>, %p: memref<1x4x16x4xi8>, %y: memref<?x8xi32>)
    attributes {passthrough = [["target-features", "+avx2"]]} {
  bit.code_matmul ins(%x, %p : memref<?x16xi8>, memref<1x4x16x4xi8>) outs(%y : memref<?x8xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// CHECK-LABEL: @codes_baseline
// CHECK: kernel = #bit.kernel<generic.codes>
func.func @codes_baseline(%x: memref<?x16xi8>, %p: memref<1x4x16x4xi8>, %y: memref<?x8xi32>) {
  bit.code_matmul ins(%x, %p : memref<?x16xi8>, memref<1x4x16x4xi8>) outs(%y : memref<?x8xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// CHECK-LABEL: @convolution
// CHECK: kernel = #bit.kernel<x86.avx2_panel>
func.func @convolution(%x: memref<1x16x?xf32>, %p: memref<1x16x16xf32>, %y: memref<1x16x?xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  bit.panel_conv ins(%x, %p : memref<1x16x?xf32>, memref<1x16x16xf32>) outs(%y : memref<1x16x?xf32>)
      window = [1] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel>
  return
}

// A kernel of the layout that the weights have.
// CHECK-LABEL: @dense
// CHECK: kernel = #bit.kernel<x86.vnni_t5>
func.func @dense(%x: memref<?x20xi8>, %p: memref<256xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x20xi8>, memref<256xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 20 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.t5>
  return
}

// CHECK-LABEL: @dense_vbmi
// CHECK: kernel = #bit.kernel<x86.vbmi_t5>
func.func @dense_vbmi(%x: memref<?x20xi8>, %p: memref<256xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>, %sum: memref<?xi32>, %y: memref<?x8xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl,+avx512vnni,+avx512vbmi"]]} {
  bit.packed_matmul ins(%x, %p, %ws : memref<?x20xi8>, memref<256xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) outs(%y : memref<?x8xf32>)
      n = 8 k = 20 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.t5>
  return
}
