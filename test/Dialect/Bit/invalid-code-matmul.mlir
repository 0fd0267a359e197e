// RUN: bit-opt %s --split-input-file --verify-diagnostics

// One fault a function, whose name says which of the op's constraints.

// Three quads hold 10 k.
func.func @pack_panels_c2_quads(%b: memref<10x20xi8>, %p: memref<1x2x32x4xi8>) {
  // expected-error @below {{'bit.pack_panels' op expects an init of P x ceil(K / 4) x W x 4 for b of i8 and 10x20, where 16 divides W and P = ceil(N / W), got 1x2x32x4}}
  bit.pack_panels ins(%b : memref<10x20xi8>) outs(%p : memref<1x2x32x4xi8>)
  return
}

// -----

func.func @pack_panels_c2_quads_size(%b: memref<10x20xi8>, %p: memref<1x3x32x2xi8>) {
  // expected-error @below {{'bit.pack_panels' op expects an init of P x ceil(K / 4) x W x 4 for b of i8 and 10x20, where 16 divides W and P = ceil(N / W), got 1x3x32x2}}
  bit.pack_panels ins(%b : memref<10x20xi8>) outs(%p : memref<1x3x32x2xi8>)
  return
}

// -----

func.func @pack_panels_c2_quads_type(%b: memref<10x20xf32>, %p: memref<1x3x32x4xf32>) {
  // expected-error @below {{'bit.pack_panels' op expects an init of P x ceil(K / 4) x W x 4 for b of i8 and 10x20, where 16 divides W and P = ceil(N / W), got 1x3x32x4}}
  bit.pack_panels ins(%b : memref<10x20xf32>) outs(%p : memref<1x3x32x4xf32>)
  return
}

// -----

// Neither panels nor quads.
func.func @pack_panels_c2_rank(%b: memref<10x20xi8>, %p: memref<10x32xi8>) {
  // expected-error @below {{'bit.pack_panels' op expects an init of P x K x W for b of 10x20, where 16 divides W and P = ceil(N / W), got 10x32}}
  bit.pack_panels ins(%b : memref<10x20xi8>) outs(%p : memref<10x32xi8>)
  return
}

// -----

func.func @code_matmul_c1(%x: memref<2x?xi8>, %p: memref<1x3x32x4xi8>, %y: memref<2x20xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects x of M x K, K static, got 2x?}}
  bit.code_matmul ins(%x, %p : memref<2x?xi8>, memref<1x3x32x4xi8>) outs(%y : memref<2x20xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// -----

func.func @code_matmul_c1_rank(%x: memref<10xi8>, %p: memref<1x3x32x4xi8>, %y: memref<2x20xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects x of M x K, K static, got 10}}
  bit.code_matmul ins(%x, %p : memref<10xi8>, memref<1x3x32x4xi8>) outs(%y : memref<2x20xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// -----

func.func @code_matmul_c2(%x: memref<2x10xi8>, %p: memref<1x2x32x4xi8>, %y: memref<2x20xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects panels of P x ceil(K / 4) x W x 4, where 16 divides W, for x of 2x10, got 1x2x32x4}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x2x32x4xi8>) outs(%y : memref<2x20xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// -----

func.func @code_matmul_c2_width(%x: memref<2x10xi8>, %p: memref<1x3x20x4xi8>, %y: memref<2x20xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects panels of P x ceil(K / 4) x W x 4, where 16 divides W, for x of 2x10, got 1x3x20x4}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x3x20x4xi8>) outs(%y : memref<2x20xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// -----

// Panels without quads.
func.func @code_matmul_c2_rank(%x: memref<2x10xi8>, %p: memref<1x10x32xi8>, %y: memref<2x20xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects panels of P x ceil(K / 4) x W x 4, where 16 divides W, for x of 2x10, got 1x10x32}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x10x32xi8>) outs(%y : memref<2x20xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// -----

func.func @code_matmul_c3(%x: memref<2x10xi8>, %p: memref<1x3x32x4xi8>, %y: memref<3x20xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects an init of M x N, N static, for x of 2x10 and panels of 1x3x32x4, got 3x20}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x3x32x4xi8>) outs(%y : memref<3x20xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// -----

func.func @code_matmul_c3_columns(%x: memref<2x10xi8>, %p: memref<1x3x32x4xi8>, %y: memref<2x33xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects an init of M x N, N static, for x of 2x10 and panels of 1x3x32x4, got 2x33}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x3x32x4xi8>) outs(%y : memref<2x33xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// -----

func.func @code_matmul_c3_dynamic(%x: memref<2x10xi8>, %p: memref<1x3x32x4xi8>, %y: memref<2x?xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects an init of M x N, N static, for x of 2x10 and panels of 1x3x32x4, got 2x?}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x3x32x4xi8>) outs(%y : memref<2x?xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// -----

func.func @code_matmul_c4(%x: memref<2x10xi8>, %p: memref<1x3x32x4xi8>, %y: tensor<2x20xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects only tensors or only memrefs, got both}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x3x32x4xi8>) outs(%y : tensor<2x20xi32>) kernel = #bit.kernel<generic.codes>
  return
}

// -----

func.func @code_matmul_c5(%x: memref<2x10xi8>, %p: memref<1x3x32x4xi8>, %y: memref<2x20xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects a registered kernel for codes without a tile, got #bit.kernel<generic.panel>}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x3x32x4xi8>) outs(%y : memref<2x20xi32>) kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @code_matmul_c5_tile(%x: memref<2x10xi8>, %p: memref<1x3x32x4xi8>, %y: memref<2x20xi32>) {
  // expected-error @below {{'bit.code_matmul' op expects a registered kernel for codes without a tile, got #bit.kernel<generic.codes, tile = [4, 2]>}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x3x32x4xi8>) outs(%y : memref<2x20xi32>) kernel = #bit.kernel<generic.codes, tile = [4, 2]>
  return
}

// -----

// The other set of features of this kernel is not there, either.
func.func @code_matmul_c6(%x: memref<2x10xi8>, %p: memref<1x3x32x4xi8>, %y: memref<2x20xi32>) attributes {passthrough = [["target-features", "+avx2"]]} {
  // expected-error @below {{'bit.code_matmul' op expects a function with the target features of kernel 'x86.avxvnni_codes', got one without avxvnni}}
  bit.code_matmul ins(%x, %p : memref<2x10xi8>, memref<1x3x32x4xi8>) outs(%y : memref<2x20xi32>) kernel = #bit.kernel<x86.avxvnni_codes>
  return
}
