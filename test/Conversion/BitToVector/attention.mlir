// RUN: bit-opt %s --convert-bit-to-vector | FileCheck %s

// One pass over the keys: a block's products, then its softmax, then its
// values. Without AVX-512 one row at a time, in halves of the values' size.
// CHECK-LABEL: @narrow
// CHECK: scf.forall
// CHECK: memref.alloca() : memref<4x128xf32>
// CHECK: memref.alloca() : memref<1x16xf32>
// CHECK: scf.for {{.*}} step %c16
// CHECK: vector.create_mask
// CHECK: math.exp
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK: arith.divf
func.func @narrow(%q: memref<1x20x1x128xf32>, %k: memref<1x5x?x128xf32>, %v: memref<1x5x?x128xf32>, %y: memref<1x20x1x128xf32>) {
  bit.attention ins(%q, %k, %v : memref<1x20x1x128xf32>, memref<1x5x?x128xf32>, memref<1x5x?x128xf32>)
      outs(%y : memref<1x20x1x128xf32>) scale = 0.0883883461
  return
}

// CHECK-LABEL: @wide
// CHECK: memref.alloca() : memref<2x16xf32>
// CHECK-LABEL: return
func.func @wide(%q: memref<1x20x1x128xf32>, %k: memref<1x5x?x128xf32>, %v: memref<1x5x?x128xf32>, %y: memref<1x20x1x128xf32>)
    attributes {passthrough = [["target-features", "+avx512f"]]} {
  bit.attention ins(%q, %k, %v : memref<1x20x1x128xf32>, memref<1x5x?x128xf32>, memref<1x5x?x128xf32>)
      outs(%y : memref<1x20x1x128xf32>) scale = 0.0883883461
  return
}

// Many rows share a block of keys: it is transposed, four rows at a time read it
// in the order of the partial sums, and one that has no greater score than
// before takes no second exp. A run may have few rows.
// CHECK-LABEL: @many_rows
// CHECK: memref.alloca() : memref<32x64xf32>
// CHECK: memref.alloca() : memref<4x16xf32>
// CHECK: memref.alloca() : memref<64x16xf32>
// CHECK: scf.for {{.*}} step %c16
// CHECK: scf.if
// CHECK-COUNT-64: vector.shuffle
// CHECK-NOT: vector.shuffle
// CHECK: scf.for
// CHECK-COUNT-4: arith.mulf
// CHECK-COUNT-12: math.fma
// CHECK: vector.reduction <or>
// CHECK: scf.if {{.*}} -> (vector<16xf32>, vector<16xf32>) {
// CHECK: math.exp
// CHECK: else
func.func @many_rows(%q: memref<1x4x?x64xf32>, %k: memref<1x4x?x64xf32>, %v: memref<1x4x?x64xf32>, %y: memref<1x4x?x64xf32>)
    attributes {passthrough = [["target-features", "+avx512f"]]} {
  bit.attention ins(%q, %k, %v : memref<1x4x?x64xf32>, memref<1x4x?x64xf32>, memref<1x4x?x64xf32>)
      outs(%y : memref<1x4x?x64xf32>) scale = 0.125
  return
}

// Rows of one range ask for the keys between; a mask of one head repeats.
// CHECK-LABEL: @ranges
// CHECK: memref.alloca() : memref<{{.*}}x2xindex>
// CHECK: scf.if
// CHECK: vector.maskedload %{{.*}}[%{{.*}}, %c0{{.*}}, %{{.*}}, %{{.*}}]
func.func @ranges(%q: memref<1x2x?x16xf32>, %k: memref<1x2x?x16xf32>, %range: memref<1x?x2xi64>, %mask: memref<1x1x?x?xf32>,
                  %y: memref<1x2x?x16xf32>) {
  bit.attention ins(%q, %k, %k : memref<1x2x?x16xf32>, memref<1x2x?x16xf32>, memref<1x2x?x16xf32>)
      range(%range : memref<1x?x2xi64>) mask(%mask : memref<1x1x?x?xf32>) outs(%y : memref<1x2x?x16xf32>) scale = 0.25
  return
}

// No kernel, left for the reference lowering.
// CHECK-LABEL: @ragged
// CHECK: bit.attention
func.func @ragged(%q: memref<1x1x3x20xf32>, %y: memref<1x1x3x20xf32>) {
  bit.attention ins(%q, %q, %q : memref<1x1x3x20xf32>, memref<1x1x3x20xf32>, memref<1x1x3x20xf32>)
      outs(%y : memref<1x1x3x20xf32>) scale = 0.25
  return
}

// With zero_nan the sum decides which rows are zero, and no mask is read again.
// CHECK-LABEL: @zero_nan
// CHECK: arith.cmpf ueq
// CHECK-NOT: scf.if
// CHECK: arith.divf
func.func @zero_nan(%q: memref<1x1x1x16xf32>, %mask: memref<1x1x1x1xf32>, %y: memref<1x1x1x16xf32>) {
  bit.attention ins(%q, %q, %q : memref<1x1x1x16xf32>, memref<1x1x1x16xf32>, memref<1x1x1x16xf32>)
      mask(%mask : memref<1x1x1x1xf32>) outs(%y : memref<1x1x1x16xf32>) scale = 0.25 zero_nan
  return
}
