// RUN: bit-opt %s --split-input-file --verify-diagnostics

// One fault a function, whose name says which of the op's constraints.

func.func @packed_matmul_c1(%x: memref<2x8xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects positive n and k, got 0 and 8}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<2x4xf32>)
      n = 0 k = 8 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c2(%x: memref<2x9xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects x of M x K = 8, got 2x9}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x9xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c3(%x: memref<2x8xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects x_scale, sum and range with i8 codes and only there, got x of 'i8'}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xi8>, memref<64xi8>, memref<1xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c4(%x: memref<2x8xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<3xf32>, %u: memref<2xi32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects x_scale of rank 0 or of M = 2 elements, got 3}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xi8>, memref<64xi8>, memref<1xf32>) quantized(%xs, %u : memref<3xf32>, memref<2xi32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 8 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c5(%x: memref<2x8xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<2xf32>, %u: memref<3xi32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects sum of 2 elements, got 3}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xi8>, memref<64xi8>, memref<1xf32>) quantized(%xs, %u : memref<2xf32>, memref<3xi32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 8 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c6(%x: memref<2x8xf32>, %p: memref<64xi8>, %ws: memref<2xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects w_scale of 1 or N = 4 elements or of R x G x B, where R = ceil(N / B) and G divides K = 8, got 2}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, memref<64xi8>, memref<2xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c5_groups(%x: memref<2x32xi8>, %p: memref<128xi8>, %ws: memref<1x2x64xf32>, %xs: memref<2xf32>, %u: memref<2xi32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects sum of 2x2 elements, got 2}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x32xi8>, memref<128xi8>, memref<1x2x64xf32>) quantized(%xs, %u : memref<2xf32>, memref<2xi32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 32 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// -----

// As bit.linear has them: a kernel does not read this order.
func.func @packed_matmul_c6_rows(%x: memref<2x32xf32>, %p: memref<128xi8>, %ws: memref<4x2xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects w_scale of 1 or N = 4 elements or of R x G x B, where R = ceil(N / B) and G divides K = 32, got 4x2}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x32xf32>, memref<128xi8>, memref<4x2xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 32 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c6_blocks(%x: memref<2x32xf32>, %p: memref<128xi8>, %ws: memref<2x2x64xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects w_scale of 1 or N = 4 elements or of R x G x B, where R = ceil(N / B) and G divides K = 32, got 2x2x64}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x32xf32>, memref<128xi8>, memref<2x2x64xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 32 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c6_division(%x: memref<2x32xf32>, %p: memref<128xi8>, %ws: memref<1x3x64xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects w_scale of 1 or N = 4 elements or of R x G x B, where R = ceil(N / B) and G divides K = 32, got 1x3x64}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x32xf32>, memref<128xi8>, memref<1x3x64xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 32 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c7(%x: memref<2x8xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %b: memref<2xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects bias of N = 4 elements, got 2}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, memref<64xi8>, memref<1xf32>) bias(%b : memref<2xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c8(%x: memref<2x8xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<4x2xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects an init of 2x4, got 4x2}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<4x2xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c9(%x: memref<2x8xf32>, %p: tensor<64xi8>, %ws: memref<1xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects only tensors or only memrefs, got both}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, tensor<64xi8>, memref<1xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c10(%x: memref<2x8xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<2xf32>, %u: memref<2xi32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects range of [low, high] that holds 0 within [-128, 127], got [-8]}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xi8>, memref<64xi8>, memref<1xf32>) quantized(%xs, %u : memref<2xf32>, memref<2xi32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 8 weights = ternary range = [-8] kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c11(%x: memref<2x8xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects a registered kernel, got 'generic.p3'}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p3>
  return
}

// -----

func.func @packed_matmul_c12(%x: memref<2x8xf32>, %p: memref<63xi8>, %ws: memref<1xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects packed weights of 64 bytes for kernel 'generic.p2', got 63}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, memref<63xi8>, memref<1xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @packed_matmul_c12_scales(%x: memref<2x32xf32>, %p: memref<128xi8>, %ws: memref<1x2x16xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects weight scales in blocks of 64 rows for kernel 'generic.p2', got 1x2x16}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x32xf32>, memref<128xi8>, memref<1x2x16xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 32 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

// No kernel computes float activations with these features.
func.func @packed_matmul_c13(%x: memref<2x8xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<2x4xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  // expected-error @below {{'bit.packed_matmul' op expects i8 activations for kernel 'x86.avx2_p2', got f32}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<x86.avx2_p2>
  return
}

// -----

func.func @packed_matmul_c14(%x: memref<2x600000xi8>, %p: memref<2400000xi8>, %ws: memref<1xf32>, %xs: memref<2xf32>, %u: memref<2xi32>, %y: memref<2x4xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  // expected-error @below {{'bit.packed_matmul' op expects k of at most 524288 for kernel 'x86.vnni_p2' and codes in [-128, 127], got 600000}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x600000xi8>, memref<2400000xi8>, memref<1xf32>) quantized(%xs, %u : memref<2xf32>, memref<2xi32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 600000 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p2>
  return
}

// -----

// Sums of 300,000 k are exact, one of 600,000 is not.
func.func @packed_matmul_c14_groups(%x: memref<2x1200000xi8>, %p: memref<4800000xi8>, %two: memref<1x2x64xf32>, %four: memref<1x4x64xf32>,
    %xs: memref<2xf32>, %u2: memref<2x2xi32>, %u4: memref<2x4xi32>, %y: memref<2x4xf32>)
    attributes {passthrough = [["target-features", "+avx512f,+avx512bw,+avx512vl,+avx512vnni"]]} {
  bit.packed_matmul ins(%x, %p, %four : memref<2x1200000xi8>, memref<4800000xi8>, memref<1x4x64xf32>) quantized(%xs, %u4 : memref<2xf32>, memref<2x4xi32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 1200000 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p2>
  // expected-error @below {{'bit.packed_matmul' op expects k of at most 524288 for kernel 'x86.vnni_p2' and codes in [-128, 127], got 600000}}
  bit.packed_matmul ins(%x, %p, %two : memref<2x1200000xi8>, memref<4800000xi8>, memref<1x2x64xf32>) quantized(%xs, %u2 : memref<2xf32>, memref<2x2xi32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 1200000 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p2>
  return
}

// -----

// The features of another level: LLVM would abort on the instruction.
func.func @packed_matmul_c15(%x: memref<2x8xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<2xf32>, %u: memref<2xi32>, %y: memref<2x4xf32>)
    attributes {passthrough = ["noinline", ["target-features", "+avx2,-avx512vnni"]]} {
  // expected-error @below {{'bit.packed_matmul' op expects a function with the target features of kernel 'x86.vnni_p2', got one without avx512f, avx512bw, avx512vl, avx512vnni}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xi8>, memref<64xi8>, memref<1xf32>) quantized(%xs, %u : memref<2xf32>, memref<2xi32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 8 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.vnni_p2>
  return
}

// -----

// Neither of two sets of features.
func.func @packed_matmul_c15_sets(%x: memref<2x8xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<2xf32>, %u: memref<2xi32>, %y: memref<2x4xf32>)
    attributes {passthrough = [["target-features", "+avx2,+avx512vnni"]]} {
  // expected-error @below {{'bit.packed_matmul' op expects a function with the target features of kernel 'x86.avxvnni_p2', got one without avxvnni}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xi8>, memref<64xi8>, memref<1xf32>) quantized(%xs, %u : memref<2xf32>, memref<2xi32>)
      outs(%y : memref<2x4xf32>) n = 4 k = 8 weights = ternary range = [-128, 127] kernel = #bit.kernel<x86.avxvnni_p2>
  return
}
