// RUN: bit-opt %s --split-input-file --verify-diagnostics

// One fault a function, whose name says which of the op's constraints.

func.func @panel_conv_c1(%x: memref<1x4xf32>, %p: memref<1x4x16xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects 1 to 3 numbers in window and x of two dims more, got 1 and 1x4}}
  bit.panel_conv ins(%x, %p : memref<1x4xf32>, memref<1x4x16xf32>) outs(%y : memref<1x16xf32>)
      window = [1] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_conv_c1_strides(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects 1 positive numbers in window, strides and dilations, got 0}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [0] dilations = [1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_conv_c2(%x: memref<1x4x9xf32>, %p: memref<1x4x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects panels of P x K x W, where 16 divides W and K is C x 3, for x of 1x4x9, got 1x4x16}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x4x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_conv_c3(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects an init of N x C_out x the positions of the window for x of 1x4x9 and panels of 1x12x16, got 1x16x7}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [2] dilations = [1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_conv_c3_channels(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %y: memref<1x17x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects an init of N x C_out x the positions of the window for x of 1x4x9 and panels of 1x12x16, got 1x17x7}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) outs(%y : memref<1x17x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_conv_c4(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %b: memref<7xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects bias of N elements for an init of 1x16x7, got 7}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) bias(%b : memref<7xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_conv_c5(%x: memref<1x4x9xf32>, %p: tensor<1x12x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects only tensors or only memrefs, got both}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, tensor<1x12x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_conv_c6(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects a registered kernel for panels, got 'generic.p2'}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @panel_conv_c6_tile(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects a tile of 1 to 8 pixels and 1 to 32 vectors, got 9, 2}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel, tile = [9, 2]>
  return
}

// -----

func.func @panel_conv_c7(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects a function with the target features of panel kernel 'x86.avx512_panel', got one without avx512f}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<x86.avx512_panel>
  return
}
