// RUN: bit-opt %s --split-input-file --verify-diagnostics

// One fault a function, whose name says which of the op's constraints.

func.func @pack_panels_c1(%b: memref<8xf32>, %p: memref<1x8x16xf32>) {
  // expected-error @below {{'bit.pack_panels' op expects b of rank 2 or 3, got 8}}
  bit.pack_panels ins(%b : memref<8xf32>) outs(%p : memref<1x8x16xf32>)
  return
}

// -----

func.func @pack_panels_c2(%b: memref<8x20xf32>, %p: memref<1x8x16xf32>) {
  // expected-error @below {{'bit.pack_panels' op expects an init of P x K x W for b of 8x20, where 16 divides W and P = ceil(N / W), got 1x8x16}}
  bit.pack_panels ins(%b : memref<8x20xf32>) outs(%p : memref<1x8x16xf32>)
  return
}

// -----

// K and N change places.
func.func @pack_panels_c2_transposed(%b: memref<8x20xf32>, %p: memref<2x8x16xf32>) {
  // expected-error @below {{'bit.pack_panels' op expects an init of P x K x W for b of 8x20, where 16 divides W and P = ceil(N / W), got 2x8x16}}
  bit.pack_panels ins(%b : memref<8x20xf32>) outs(%p : memref<2x8x16xf32>) transposed
  return
}

// -----

func.func @pack_panels_c2_width(%b: memref<8x20xf32>, %p: memref<1x8x20xf32>) {
  // expected-error @below {{'bit.pack_panels' op expects an init of P x K x W for b of 8x20, where 16 divides W and P = ceil(N / W), got 1x8x20}}
  bit.pack_panels ins(%b : memref<8x20xf32>) outs(%p : memref<1x8x20xf32>)
  return
}

// -----

func.func @pack_panels_c2_batch(%b: memref<3x8x20xf32>, %p: memref<2x1x8x32xf32>) {
  // expected-error @below {{'bit.pack_panels' op expects an init of P x K x W for b of 3x8x20, where 16 divides W and P = ceil(N / W), got 2x1x8x32}}
  bit.pack_panels ins(%b : memref<3x8x20xf32>) outs(%p : memref<2x1x8x32xf32>)
  return
}

// -----

func.func @pack_panels_c3(%b: memref<8x20xf16>, %p: memref<1x8x32xf32>) {
  // expected-error @below {{'bit.pack_panels' op expects an init of the elements of b, 'f16', got 'f32'}}
  bit.pack_panels ins(%b : memref<8x20xf16>) outs(%p : memref<1x8x32xf32>)
  return
}

// -----

func.func @pack_panels_c4(%b: memref<8x20xf32>, %p: tensor<1x8x32xf32>) {
  // expected-error @below {{'bit.pack_panels' op expects only tensors or only memrefs, got both}}
  bit.pack_panels ins(%b : memref<8x20xf32>) outs(%p : tensor<1x8x32xf32>)
  return
}

// -----

func.func @panel_matmul_c1(%x: memref<8xf32>, %p: memref<1x8x32xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects x of rank 2 or 3, got 8}}
  bit.panel_matmul ins(%x, %p : memref<8xf32>, memref<1x8x32xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_matmul_c2(%x: memref<2x9xf32>, %p: memref<1x8x32xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects panels of P x K x W, where 16 divides W, or of K x N for x of 2x9, got 1x8x32}}
  bit.panel_matmul ins(%x, %p : memref<2x9xf32>, memref<1x8x32xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_matmul_c2_unpacked(%x: memref<2x9xf32>, %b: memref<8x20xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects panels of P x K x W, where 16 divides W, or of K x N for x of 2x9, got 8x20}}
  bit.panel_matmul ins(%x, %b : memref<2x9xf32>, memref<8x20xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_matmul_c3_unpacked(%x: memref<2x8xf32>, %b: memref<8x20xf32>, %y: memref<2x21xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects an init of M x N for x of 2x8 and panels of 8x20, got 2x21}}
  bit.panel_matmul ins(%x, %b : memref<2x8xf32>, memref<8x20xf32>) outs(%y : memref<2x21xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_matmul_c3(%x: memref<2x8xf32>, %p: memref<1x8x32xf32>, %y: memref<2x33xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects an init of M x N for x of 2x8 and panels of 1x8x32, got 2x33}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xf32>) outs(%y : memref<2x33xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_matmul_c4(%x: memref<2x8xf32>, %p: memref<1x8x32xf32>, %c: memref<32xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects bias of N elements for an init of 2x20, got 32}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xf32>) bias(%c : memref<32xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_matmul_c5(%x: memref<2x8xf32>, %p: tensor<1x8x32xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects only tensors or only memrefs, got both}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, tensor<1x8x32xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_matmul_c6(%x: memref<2x8xf32>, %p: memref<1x8x32xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects a registered kernel for panels, got 'generic.p2'}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @panel_matmul_c6_tile(%x: memref<2x8xf32>, %p: memref<1x8x32xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects a tile of 1 to 96 rows that divide 96 and 1 to 32 vectors, got 7, 2}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<generic.panel, tile = [7, 2]>
  return
}

// -----

func.func @panel_matmul_c7(%x: memref<2x8xf32>, %p: memref<1x8x32xf32>, %y: memref<2x20xf32>) attributes {passthrough = [["target-features", "+avx2"]]} {
  // expected-error @below {{'bit.panel_matmul' op expects a function with the target features of panel kernel 'x86.avx2_panel', got one without fma}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<x86.avx2_panel>
  return
}

// -----

func.func @panel_matmul_c9(%x: memref<2x8xf32>, %p: memref<1x8x32xi8>, %s: memref<32xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects one scale or N of them for panels of i8 and an init of 2x20, got 32 for panels of 'i8'}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xi8>) scales(%s : memref<32xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_matmul_c9_type(%x: memref<2x8xf32>, %p: memref<1x8x32xf16>, %s: memref<20xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects one scale or N of them for panels of i8 and an init of 2x20, got 20 for panels of 'f16'}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xf16>) scales(%s : memref<20xf32>) outs(%y : memref<2x20xf32>) kernel = #bit.kernel<generic.panel>
  return
}
