// RUN: bit-opt %s --convert-linalg-to-vector --split-input-file | FileCheck %s

#full = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
#column = affine_map<(i, j) -> (i)>

// Vectors of 16, then one masked step; what stands still is read once a row.

// CHECK-LABEL: func @elementwise
// CHECK: %[[MASK:.*]] = vector.create_mask %{{.*}} : vector<16xi1>
// CHECK: scf.for
// CHECK: memref.load %arg1
// CHECK: scf.for
// CHECK: vector.load %arg0{{.*}} : memref<?x?xf32>, vector<16xf32>
// CHECK: vector.store
// CHECK: scf.if
// CHECK: vector.maskedstore %arg2{{.*}}, %[[MASK]]
// CHECK-NOT: linalg.generic
func.func @elementwise(%x: memref<?x?xf32>, %s: memref<?xf32>, %y: memref<?x?xf32>) {
  linalg.generic {indexing_maps = [#full, #column, #full], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<?x?xf32>, memref<?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// All dimensions as one: a last dimension of 3 fills no vector.

// CHECK-LABEL: func @flat
// CHECK: memref.collapse_shape %arg0 {{\[\[}}0, 1]] : memref<4x3xf32> into memref<12xf32>
// CHECK: vector.maskedload
#full = affine_map<(i, j) -> (i, j)>
func.func @flat(%x: memref<4x3xf32>, %y: memref<4x3xf32>) {
  linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<4x3xf32>) outs(%y : memref<4x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = math.exp %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// 64 partial sums in 4 chains; what blocks of 64 leave goes to the first chain, which then becomes the last. The tree over
// them, and the output's own value last.

// CHECK-LABEL: func @reduction
// CHECK: %[[BLOCKS:.*]]:4 = scf.for %{{.*}} step %{{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}, %[[C:.*]] = %{{.*}}, %[[D:.*]] = %{{.*}})
// CHECK: %[[NEXT_A:.*]] = math.fma {{.*}}, %[[A]]
// CHECK: %[[NEXT_B:.*]] = math.fma {{.*}}, %[[B]]
// CHECK: %[[NEXT_C:.*]] = math.fma {{.*}}, %[[C]]
// CHECK: %[[NEXT_D:.*]] = math.fma {{.*}}, %[[D]]
// CHECK: scf.yield %[[NEXT_A]], %[[NEXT_B]], %[[NEXT_C]], %[[NEXT_D]]
// CHECK: %[[VECTORS:.*]]:4 = scf.for {{.*}} iter_args(%[[A:.*]] = %[[BLOCKS]]#0, %[[B:.*]] = %[[BLOCKS]]#1, %[[C:.*]] = %[[BLOCKS]]#2, %[[D:.*]] = %[[BLOCKS]]#3)
// CHECK: %[[NEXT_A:.*]] = math.fma {{.*}}, %[[A]]
// CHECK: scf.yield %[[B]], %[[C]], %[[D]], %[[NEXT_A]]
// CHECK: %[[SUMS:.*]]:4 = scf.if
// CHECK: vector.maskedload
// CHECK: %[[OWN:.*]] = memref.load %arg1
// CHECK: %[[AC:.*]] = arith.addf %[[SUMS]]#0, %[[SUMS]]#2
// CHECK: %[[BD:.*]] = arith.addf %[[SUMS]]#1, %[[SUMS]]#3
// CHECK: %[[SUM:.*]] = arith.addf %[[AC]], %[[BD]] : vector<16xf32>
// CHECK: vector.shuffle %[[SUM]], %[[SUM]] [0, 1, 2, 3, 4, 5, 6, 7]
// CHECK: vector.shuffle %[[SUM]], %[[SUM]] [8, 9, 10, 11, 12, 13, 14, 15]
// CHECK: %[[TOTAL:.*]] = vector.extract %{{.*}}[0] : f32 from vector<1xf32>
// CHECK: arith.addf %[[OWN]], %[[TOTAL]] : f32
func.func @reduction(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = math.fma %a, %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// The rows that follow find every chain in its place: after 70 elements it has rotated by none, after 49 by three.

// CHECK-LABEL: func @nested
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[SUMS:.*]]:4 = scf.if
// CHECK: %[[ONCE:.*]] = arith.cmpi ne
// CHECK: %[[FIRST:.*]] = arith.select %[[ONCE]], %[[SUMS]]#3, %[[SUMS]]#0
// CHECK: %[[SECOND:.*]] = arith.select %[[ONCE]], %[[SUMS]]#0, %[[SUMS]]#1
// CHECK: %[[THIRD:.*]] = arith.select %[[ONCE]], %[[SUMS]]#1, %[[SUMS]]#2
// CHECK: %[[LAST:.*]] = arith.select %[[ONCE]], %[[SUMS]]#2, %[[SUMS]]#3
// CHECK: %[[TWICE:.*]] = arith.cmpi ne
// CHECK: arith.select %[[TWICE]], %[[THIRD]], %[[FIRST]]
// CHECK: arith.select %[[TWICE]], %[[LAST]], %[[SECOND]]
// CHECK: arith.select %[[TWICE]], %[[FIRST]], %[[THIRD]]
// CHECK: arith.select %[[TWICE]], %[[SECOND]], %[[LAST]]
// CHECK-NEXT: scf.yield
func.func @nested(%x: memref<?x?x?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i)>],
                  iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%x : memref<?x?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Outputs stay in registers over k.

// CHECK-LABEL: func @product
// CHECK: scf.for %{{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-NOT: vector.store
// CHECK: scf.yield
func.func @product(%a: memref<8x?xf32>, %b: memref<?x64xf32>, %c: memref<8x64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, k, n) -> (m, k)>, affine_map<(m, k, n) -> (k, n)>,
                                   affine_map<(m, k, n) -> (m, n)>],
                  iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%a, %b : memref<8x?xf32>, memref<?x64xf32>) outs(%c : memref<8x64xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %0 = math.fma %x, %y, %z : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Near misses, for convert-linalg-to-loops: a transposed operand, computed
// indices, i1 in memory, a division that may trap on the lanes outside a mask,
// a reduction that reads its sum twice.

// CHECK-LABEL: func @declined
// CHECK-COUNT-5: linalg.generic
// CHECK-NOT: vector
#id = affine_map<(i, j) -> (i, j)>
#transposed = affine_map<(i, j) -> (j, i)>
#out = affine_map<(i, j) -> (i)>
func.func @declined(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: memref<?x?xi1>, %q: memref<?x?xi32>,
                    %s: memref<?xf32>) {
  linalg.generic {indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%q : memref<?x?xi32>) {
  ^bb0(%b: i32):
    %0 = linalg.index 1 : index
    %1 = arith.index_cast %0 : index to i32
    linalg.yield %1 : i32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%p : memref<?x?xi1>) {
  ^bb0(%a: f32, %b: i1):
    %0 = arith.cmpf oeq, %a, %a : f32
    linalg.yield %0 : i1
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%q : memref<?x?xi32>) outs(%q : memref<?x?xi32>) {
  ^bb0(%a: i32, %b: i32):
    %0 = arith.divsi %b, %a : i32
    linalg.yield %0 : i32
  }
  linalg.generic {indexing_maps = [#id, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%s : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %b : f32
    linalg.yield %1 : f32
  }
  return
}
