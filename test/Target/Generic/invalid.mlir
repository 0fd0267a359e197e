// RUN: bit-opt %s --split-input-file --verify-diagnostics

func.func @tile_of_half_a_group(%x: memref<1x16xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{expects a tile of 16, 32, 48 or 64 rows, 1 to 16 tokens and 16 k for kernel 'generic.p2'}}
  bit.packed_matmul ins(%x, %p, %ws : memref<1x16xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 16 weights = ternary kernel = #bit.kernel<generic.p2, tile = [8, 4, 16]>
  return
}

// -----

func.func @too_many_tokens(%x: memref<1x16xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{expects a tile of 16, 32, 48 or 64 rows, 1 to 16 tokens and 16 k for kernel 'generic.p2'}}
  bit.packed_matmul ins(%x, %p, %ws : memref<1x16xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 16 weights = ternary kernel = #bit.kernel<generic.p2, tile = [64, 17, 16]>
  return
}

// -----

func.func @tile_of_two_sizes(%x: memref<1x16xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{expects a tile of 16, 32, 48 or 64 rows, 1 to 16 tokens and 16 k for kernel 'generic.p2'}}
  bit.packed_matmul ins(%x, %p, %ws : memref<1x16xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 16 weights = ternary kernel = #bit.kernel<generic.p2, tile = [64, 4]>
  return
}

// -----

func.func @float_for_vnni(%x: memref<1x16xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{expects i8 activations for kernel 'x86.vnni_p2', got f32}}
  bit.packed_matmul ins(%x, %p, %ws : memref<1x16xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 16 weights = ternary kernel = #bit.kernel<x86.vnni_p2>
  return
}

// -----

// A step of 16 k has one scale a row.
func.func @groups(%x: memref<1x48xf32>, %p: memref<192xi8>, %ws: memref<1x2x64xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{expects weight scales of a multiple of 16 k for kernel 'generic.p2', got one for each 24}}
  bit.packed_matmul ins(%x, %p, %ws : memref<1x48xf32>, memref<192xi8>, memref<1x2x64xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 48 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

func.func @ternary_in_one_bit(%x: memref<1x16xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{expects binary weights for kernel 'generic.p1', got ternary}}
  bit.packed_matmul ins(%x, %p, %ws : memref<1x16xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 16 weights = ternary kernel = #bit.kernel<generic.p1>
  return
}

// -----

// A step of 1 bit has 32 k.
func.func @groups_in_one_bit(%x: memref<1x48xf32>, %p: memref<128xi8>, %ws: memref<1x3x64xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{expects weight scales of a multiple of 32 k for kernel 'generic.p1', got one for each 16}}
  bit.packed_matmul ins(%x, %p, %ws : memref<1x48xf32>, memref<128xi8>, memref<1x3x64xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 48 weights = binary kernel = #bit.kernel<generic.p1>
  return
}

// -----

func.func @tile_in_one_bit(%x: memref<1x16xf32>, %p: memref<64xi8>, %ws: memref<1xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{expects a tile of 16, 32, 48 or 64 rows, 1 to 16 tokens and 32 k for kernel 'generic.p1'}}
  bit.packed_matmul ins(%x, %p, %ws : memref<1x16xf32>, memref<64xi8>, memref<1xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 16 weights = binary kernel = #bit.kernel<generic.p1, tile = [16, 4, 16]>
  return
}
