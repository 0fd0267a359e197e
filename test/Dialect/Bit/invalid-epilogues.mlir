// RUN: bit-opt %s --split-input-file --verify-diagnostics

// One fault a function, whose name says which of the op's constraints.

func.func @panel_conv_c8(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %z: memref<7xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects an input of the epilogue of rank 0, of an element for each channel or of the shape of the init, 1x16x7, got 7}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) with(%z : memref<7xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32, %b: f32):
      bit.yield %a : f32
    }
  return
}

// -----

func.func @panel_conv_c8_shape(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %z: memref<1x16x1xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects an input of the epilogue of rank 0, of an element for each channel or of the shape of the init, 1x16x7, got 1x16x1}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) with(%z : memref<1x16x1xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32, %b: f32):
      bit.yield %a : f32
    }
  return
}

// -----

func.func @panel_conv_c8_none(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %z: memref<16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects an epilogue for its 1 inputs, got none}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) with(%z : memref<16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel>
  return
}

// -----

func.func @panel_conv_c8_arguments(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %z: memref<16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects 2 arguments of f32 of the epilogue, got 'f32'}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) with(%z : memref<16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32):
      bit.yield %a : f32
    }
  return
}

// -----

func.func @panel_conv_c8_types(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects 1 arguments of f32 of the epilogue, got 'f64'}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f64):
      %0 = arith.truncf %a : f64 to f32
      bit.yield %0 : f32
    }
  return
}

// -----

func.func @panel_conv_c8_yield(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects an epilogue that ends with bit.yield}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32):
      %0 = arith.negf %a : f32
    }
  return
}

// -----

func.func @panel_conv_c8_step(%x: memref<1x4x9xf32>, %p: memref<1x12x16xf32>, %y: memref<1x16x7xf32>) {
  // expected-error @below {{'bit.panel_conv' op expects elementwise operations in the epilogue and no division of integers, got vector.broadcast}}
  bit.panel_conv ins(%x, %p : memref<1x4x9xf32>, memref<1x12x16xf32>) outs(%y : memref<1x16x7xf32>)
      window = [3] strides = [1] dilations = [1] kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32):
      %0 = vector.broadcast %a : f32 to vector<4xf32>
      bit.yield %a : f32
    }
  return
}

// -----

func.func @panel_matmul_c8(%x: memref<2x8xf32>, %p: memref<1x8x32xf32>, %z: memref<2xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects an input of the epilogue of rank 0, of an element for each channel or of the shape of the init, 2x20, got 2}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xf32>) with(%z : memref<2xf32>) outs(%y : memref<2x20xf32>)
      kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32, %b: f32):
      bit.yield %a : f32
    }
  return
}

// -----

func.func @panel_matmul_c8_step(%x: memref<2x8xf32>, %p: memref<1x8x32xf32>, %z: memref<20xf32>, %y: memref<2x20xf32>) {
  // expected-error @below {{'bit.panel_matmul' op expects elementwise operations in the epilogue and no division of integers, got arith.divsi}}
  bit.panel_matmul ins(%x, %p : memref<2x8xf32>, memref<1x8x32xf32>) with(%z : memref<20xf32>) outs(%y : memref<2x20xf32>)
      kernel = #bit.kernel<generic.panel> epilogue {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.fptosi %a : f32 to i32
      %1 = arith.divsi %0, %0 : i32
      %2 = arith.sitofp %1 : i32 to f32
      bit.yield %2 : f32
    }
  return
}

// -----

func.func @packed_matmul_c16(%x: memref<2x8xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %z: memref<2x1xf32>, %y: memref<2x4xf32>) {
  // expected-error @below {{'bit.packed_matmul' op expects an input of the epilogue of rank 0, of an element for each channel or of the shape of the init, 2x4, got 2x1}}
  bit.packed_matmul ins(%x, %p, %ws : memref<2x8xf32>, memref<64xi8>, memref<1xf32>) with(%z : memref<2x1xf32>) outs(%y : memref<2x4xf32>)
      n = 4 k = 8 weights = ternary kernel = #bit.kernel<generic.p2> epilogue {
    ^bb0(%a: f32, %b: f32):
      bit.yield %a : f32
    }
  return
}

// -----

func.func @yield(%x: f32) {
  // expected-error @below {{'bit.yield' op expects parent op to be one of 'bit.packed_matmul, bit.panel_conv, bit.panel_matmul'}}
  bit.yield %x : f32
}
