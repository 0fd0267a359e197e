// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Eight rows and two registers: each sum is carried through one loop over k.
// CHECK-LABEL: @avx512
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-2: vector.load {{.*}} : memref<4x70x32xf32>, vector<16xf32>
// CHECK-COUNT-16: math.fma {{.*}} : vector<16xf32>
// CHECK-NOT: math.fma
// CHECK: scf.yield
// CHECK-COUNT-16: vector.store
func.func @avx512(%x: memref<8x70xf32>, %p: memref<4x70x32xf32>, %y: memref<8x128xf32>)
    attributes {passthrough = [["target-features", "+avx512f"]]} {
  bit.panel_matmul ins(%x, %p : memref<8x70xf32>, memref<4x70x32xf32>) outs(%y : memref<8x128xf32>)
      kernel = #bit.kernel<x86.avx512_panel>
  return
}

// -----

// Three rows and four registers; of the factors, x stays in registers.
// CHECK-LABEL: @avx2
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-3: memref.load
// CHECK: vector.load
// CHECK-COUNT-3: math.fma
// CHECK: vector.load
func.func @avx2(%x: memref<3x70xf32>, %p: memref<4x70x32xf32>, %y: memref<3x128xf32>)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  bit.panel_matmul ins(%x, %p : memref<3x70xf32>, memref<4x70x32xf32>) outs(%y : memref<3x128xf32>)
      kernel = #bit.kernel<x86.avx2_panel>
  return
}

// -----

// Halves are widened in the loop, and columns that pad are not stored.
// CHECK-LABEL: @ragged_halves
// CHECK: vector.create_mask
// CHECK: vector.load {{.*}} vector<16xbf16>
// CHECK: arith.extf
// CHECK: vector.maskedstore
func.func @ragged_halves(%x: memref<?x70xf32>, %p: memref<4x70x32xbf16>, %y: memref<?x100xf32>) {
  bit.panel_matmul ins(%x, %p : memref<?x70xf32>, memref<4x70x32xbf16>) outs(%y : memref<?x100xf32>)
      kernel = #bit.kernel<generic.panel>
  return
}

// -----

// A matrix as it is: nothing is read past the end of a row.
// CHECK-LABEL: @unpacked
// CHECK: vector.maskedload {{.*}} : memref<3x?x?xf32>
// CHECK: arith.addf
// CHECK: vector.maskedstore
func.func @unpacked(%x: memref<3x?x?xf32>, %b: memref<3x?x?xf32>, %c: memref<?xf32>, %y: memref<3x?x?xf32>) {
  bit.panel_matmul ins(%x, %b : memref<3x?x?xf32>, memref<3x?x?xf32>) bias(%c : memref<?xf32>) outs(%y : memref<3x?x?xf32>)
      kernel = #bit.kernel<generic.panel>
  return
}

// -----

// Codes become floats in the loop; a lane's scale is loaded before it.
// CHECK-LABEL: @codes
// CHECK: vector.maskedload {{.*}} : memref<100xf32>
// CHECK: scf.for {{.*}} iter_args
// CHECK: %[[C:.*]] = vector.load {{.*}} vector<16xi8>
// CHECK: %[[F:.*]] = arith.sitofp %[[C]]
// CHECK: %[[W:.*]] = arith.mulf %[[F]], %
// CHECK: math.fma %{{.*}}, %[[W]], %
// CHECK: scf.yield
func.func @codes(%x: memref<1x70xf32>, %p: memref<2x70x64xi8>, %s: memref<100xf32>, %y: memref<1x100xf32>) {
  bit.panel_matmul ins(%x, %p : memref<1x70xf32>, memref<2x70x64xi8>) scales(%s : memref<100xf32>) outs(%y : memref<1x100xf32>)
      kernel = #bit.kernel<generic.panel>
  return
}

// -----

// CHECK-LABEL: @one_scale
// CHECK: memref.load {{.*}} : memref<1xf32>
// CHECK: vector.broadcast
// CHECK: arith.sitofp
// CHECK: arith.mulf
func.func @one_scale(%x: memref<1x70xf32>, %p: memref<2x70x64xi8>, %s: memref<1xf32>, %y: memref<1x128xf32>) {
  bit.panel_matmul ins(%x, %p : memref<1x70xf32>, memref<2x70x64xi8>) scales(%s : memref<1xf32>) outs(%y : memref<1x128xf32>)
      kernel = #bit.kernel<generic.panel>
  return
}

// -----

// Many rows: some rows of the panel become floats at a time. The last tiles do not overlap, as
// they add to what y has.
// CHECK-LABEL: @many_rows
// CHECK: %[[F:.*]] = memref.alloca() {alignment = 64 : i64} : memref<256x32xf32>
// CHECK: arith.minui
// CHECK: arith.extf
// CHECK: vector.store %{{.*}}, %[[F]]
// CHECK: scf.if {{.*}} -> (vector<16xf32>
// CHECK: vector.load %{{.*}} : memref<29x128xf32>
// CHECK: vector.load %[[F]]
// CHECK: math.fma
// CHECK: arith.addf
// CHECK-NOT: arith.extf
func.func @many_rows(%x: memref<29x700xf32>, %p: memref<4x700x32xf16>, %c: memref<128xf32>, %y: memref<29x128xf32>) {
  bit.panel_matmul ins(%x, %p : memref<29x700xf32>, memref<4x700x32xf16>) bias(%c : memref<128xf32>) outs(%y : memref<29x128xf32>)
      kernel = #bit.kernel<generic.panel>
  return
}

// -----

// Two tiles: each converts what it reads.
// CHECK-LABEL: @few_rows
// CHECK-NOT: memref.alloca
// CHECK: arith.extf
func.func @few_rows(%x: memref<8x70xf32>, %p: memref<4x70x32xf16>, %y: memref<8x128xf32>) {
  bit.panel_matmul ins(%x, %p : memref<8x70xf32>, memref<4x70x32xf16>) outs(%y : memref<8x128xf32>)
      kernel = #bit.kernel<generic.panel>
  return
}
