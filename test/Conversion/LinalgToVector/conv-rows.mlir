// RUN: bit-opt %s --convert-linalg-to-vector --split-input-file | FileCheck %s

#y = affine_map<(n, r, o, i, p, q, c) -> (n, o, r, c)>
#w = affine_map<(n, r, o, i, p, q, c) -> (o, i, p, q)>
#x = affine_map<(n, r, o, i, p, q, c) -> (n, i, r + p, c + q)>

// Pixels of a flattened plane of 18 columns in lanes: taps are loads at 0, 1,
// 18 and 19; each output is loaded and stored in two parts, the end of a row and
// the start of the next.

// CHECK-LABEL: func @flat
// CHECK: %[[X:.*]] = memref.collapse_shape %arg0 {{\[\[}}0], [1], [2, 3]] : memref<?x4x17x18xf32> into memref<?x4x306xf32>
// CHECK: arith.divui
// CHECK: vector.maskedload
// CHECK: vector.maskedload
// CHECK: %[[SUM:.*]]:6 = scf.for
// CHECK-COUNT-4: vector.load %[[X]]
// CHECK: scf.yield
// CHECK: vector.maskedstore
// CHECK: vector.maskedstore
// CHECK-NOT: linalg.generic
func.func @flat(%x: memref<?x4x17x18xf32>, %w: memref<12x4x2x2xf32>, %y: memref<?x12x16x17xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction", "parallel"]}
      ins(%x, %w : memref<?x4x17x18xf32>, memref<12x4x2x2xf32>) outs(%y : memref<?x12x16x17xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = math.fma %b, %a, %c : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Without gaps vectors are whole; the channels that are left are a lower tile.

#y = affine_map<(n, r, o, i, p, q, c) -> (n, o, r, c)>
#w = affine_map<(n, r, o, i, p, q, c) -> (o, i, p, q)>
#x = affine_map<(n, r, o, i, p, q, c) -> (n, i, r + p, c + q)>

// CHECK-LABEL: func @pointwise
// CHECK-NOT: vector.masked
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>) {
// CHECK-NOT: vector.masked
func.func @pointwise(%x: memref<1x4x8x8xf32>, %w: memref<8x4x1x1xf32>, %y: memref<1x8x8x8xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction", "parallel"]}
      ins(%x, %w : memref<1x4x8x8xf32>, memref<8x4x1x1xf32>) outs(%y : memref<1x8x8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = math.fma %b, %a, %c : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Sizes that only the run shows: rows of outputs, taps as loops.

#y = affine_map<(n, r, o, i, p, q, c) -> (n, o, r, c)>
#w = affine_map<(n, r, o, i, p, q, c) -> (o, i, p, q)>
#x = affine_map<(n, r, o, i, p, q, c) -> (n, i, r + p, c + q)>

// CHECK-LABEL: func @dynamic
// CHECK-NOT: memref.collapse_shape
// CHECK: affine.apply
// CHECK: vector.load %arg0
// CHECK-NOT: linalg.generic
func.func @dynamic(%x: memref<1x4x?x?xf32>, %w: memref<8x4x3x3xf32>, %y: memref<1x8x?x?xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction", "parallel"]}
      ins(%x, %w : memref<1x4x?x?xf32>, memref<8x4x3x3xf32>) outs(%y : memref<1x8x?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = math.fma %b, %a, %c : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Every second column is no vector.

#y = affine_map<(n, r, o, i, p, q, c) -> (n, o, r, c)>
#w = affine_map<(n, r, o, i, p, q, c) -> (o, i, p, q)>
#x = affine_map<(n, r, o, i, p, q, c) -> (n, i, r * 2 + p, c * 2 + q)>

// CHECK-LABEL: func @strided
// CHECK: linalg.generic
func.func @strided(%x: memref<1x4x33x33xf32>, %w: memref<8x4x1x1xf32>, %y: memref<1x8x17x17xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction", "parallel"]}
      ins(%x, %w : memref<1x4x33x33xf32>, memref<8x4x1x1xf32>) outs(%y : memref<1x8x17x17xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = math.fma %b, %a, %c : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Every second column in a plane of its own: the taps of a row of three are at 0
// and 1 of the first plane and at 0 of the second.

#y = affine_map<(n, r, o, i, p, q, c) -> (n, o, r, c)>
#w = affine_map<(n, r, o, i, p, q, c) -> (o, i, p, q)>
#x = affine_map<(n, r, o, i, p, q, c) -> (n, i, 0, q mod 2, r, c + q floordiv 2)>

// CHECK-LABEL: func @phases
// CHECK: memref.collapse_shape %arg0 {{\[\[}}0], [1], [2, 3, 4, 5]] : memref<1x3x1x2x8x9xf32> into memref<1x3x144xf32>
// CHECK: arith.constant 72 : index
// CHECK: arith.constant 1 : index
// CHECK-NOT: linalg.generic
func.func @phases(%x: memref<1x3x1x2x8x9xf32>, %w: memref<8x3x1x3xf32>, %y: memref<1x8x8x8xf32>) {
  linalg.generic {indexing_maps = [#x, #w, #y],
                  iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction", "parallel"]}
      ins(%x, %w : memref<1x3x1x2x8x9xf32>, memref<8x3x1x3xf32>) outs(%y : memref<1x8x8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = math.fma %b, %a, %c : f32
    linalg.yield %0 : f32
  }
  return
}
