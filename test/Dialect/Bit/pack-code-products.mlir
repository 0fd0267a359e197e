// RUN: bit-opt %s --bit-pack-products --canonicalize --cse | FileCheck %s

// Products of codes, which the graph widens and takes zero points from.

#id = affine_map<(d0, d1) -> (d0, d1)>
#swap = affine_map<(d0, d1) -> (d1, d0)>
#row = affine_map<(d0, d1) -> (d0, 0)>
#column = affine_map<(d0, d1) -> (d1)>
#one = affine_map<(d0, d1) -> ()>
#a = affine_map<(m, k, n) -> (m, k)>
#b = affine_map<(m, k, n) -> (k, n)>
#bt = affine_map<(m, k, n) -> (n, k)>
#c = affine_map<(m, k, n) -> (m, n)>
#product = {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "reduction", "parallel"]}
#product_t = {indexing_maps = [#a, #bt, #c], iterator_types = ["parallel", "reduction", "parallel"]}
#cube = affine_map<(i, m, k) -> (i, m, k)>
#each = ["parallel", "parallel"]

// Without zero points nothing is left of widening.
// CHECK-LABEL: @plain
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x2xi8>, {{.*}} %[[INIT:[^:]*]]: tensor<?x8xi32>)
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<2x8xi8>
// CHECK: %[[P:.*]] = bit.pack_panels ins(%[[W]] : tensor<2x8xi8>) outs(%{{.*}} : tensor<1x1x16x4xi8>) -> tensor<1x1x16x4xi8>
// CHECK: %[[R:.*]] = bit.code_matmul ins(%[[X]], %[[P]] : tensor<?x2xi8>, tensor<1x1x16x4xi8>) outs(%[[INIT]] : tensor<?x8xi32>) kernel = #bit.kernel<generic.codes>
// CHECK-NEXT: return %[[R]]
func.func @plain(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%x : tensor<?x2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%w : tensor<2x8xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<2x8xi32>
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// Of each sum, the zero point times the column's codes.
// CHECK-LABEL: @zero_point
// CHECK-DAG: %[[Z:.*]] = arith.constant 3 : i32
// CHECK-DAG: %[[SUMS:.*]] = arith.constant dense<[11, 22, 33, 44, 55, 66, 77, -120]> : tensor<8xi32>
// CHECK: %[[Y:.*]] = bit.code_matmul
// CHECK: linalg.generic {{.*}} ins(%[[Y]], %[[SUMS]] : tensor<?x8xi32>, tensor<8xi32>)
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: i32, %[[OF:.*]]: i32, %{{.*}}: i32):
// CHECK-NEXT: %[[T:.*]] = arith.muli %[[OF]], %[[Z]]
// CHECK-NEXT: %[[D:.*]] = arith.subi %[[SUM]], %[[T]]
// CHECK-NEXT: linalg.yield %[[D]]
func.func @zero_point(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c3 = arith.constant 3 : i32
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%x : tensor<?x2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    %y = arith.subi %wide, %c3 : i32
    linalg.yield %y : i32
  } -> tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%w : tensor<2x8xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<2x8xi32>
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// Signed codes become unsigned ones, 128 more.
// CHECK-LABEL: @signed
// CHECK-DAG: %[[TOP:.*]] = arith.constant -128 : i8
// CHECK-DAG: %[[Z:.*]] = arith.constant 128 : i32
// CHECK: %[[U:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<?x2xi8>) outs(%{{.*}} : tensor<?x2xi8>)
// CHECK: arith.xori %{{.*}}, %[[TOP]] : i8
// CHECK: bit.code_matmul ins(%[[U]],
// CHECK: arith.muli %{{.*}}, %[[Z]]
func.func @signed(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%x : tensor<?x2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%w : tensor<2x8xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<2x8xi32>
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// A zero point for each row, which the model computes.
// CHECK-LABEL: @rows
// CHECK-SAME: %[[ZERO:[^:]*]]: tensor<?x1xi8>
// CHECK: %[[Y:.*]] = bit.code_matmul
// CHECK: linalg.generic {{.*}} ins(%[[Y]], %{{.*}}, %[[ZERO]] : tensor<?x8xi32>, tensor<8xi32>, tensor<?x1xi8>)
// CHECK: %[[W:.*]] = arith.extsi %{{.*}} : i8 to i32
// CHECK: %[[M:.*]] = arith.addi %[[W]], %{{.*}} : i32
// CHECK: arith.muli %[[M]]
func.func @rows(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>, %z: tensor<?x1xi8>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = #each}
      ins(%x, %z : tensor<?x2xi8>, tensor<?x1xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %zero: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    %point = arith.extsi %zero : i8 to i32
    %y = arith.subi %wide, %point : i32
    linalg.yield %y : i32
  } -> tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%w : tensor<2x8xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<2x8xi32>
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// A zero point for each column: it takes the sums of rows.
// CHECK-LABEL: @columns
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x2xi8>
// CHECK-SAME: %[[ZERO:[^:]*]]: tensor<8xi8>
// CHECK: %[[Y:.*]] = bit.code_matmul
// CHECK: %[[ROWS:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[X]] : tensor<?x2xi8>) outs(%{{.*}} : tensor<?xi32>)
// CHECK: arith.extui
// CHECK: arith.addi
// CHECK: linalg.generic {{.*}} ins(%[[Y]], %{{.*}}, %[[ZERO]], %[[ROWS]] : tensor<?x8xi32>, tensor<8xi32>, tensor<8xi8>, tensor<?xi32>)
func.func @columns(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>, %z: tensor<8xi8>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%x : tensor<?x2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = #each}
      ins(%w, %z : tensor<2x8xi8>, tensor<8xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %zero: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    %point = arith.extsi %zero : i8 to i32
    %y = arith.subi %wide, %point : i32
    linalg.yield %y : i32
  } -> tensor<2x8xi32>
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// Unsigned weights around 128 are signed ones; nothing is subtracted.
// CHECK-LABEL: @half
// CHECK-NOT: iterator_types
// CHECK: %[[R:.*]] = bit.code_matmul
// CHECK-NEXT: return %[[R]]
func.func @half(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c128 = arith.constant 128 : i32
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%x : tensor<?x2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%w : tensor<2x8xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    %y = arith.subi %wide, %c128 : i32
    linalg.yield %y : i32
  } -> tensor<2x8xi32>
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// The columns of an N x K matrix are its rows.
// CHECK-LABEL: @transposed
// CHECK: arith.constant dense<[11, 22, 33, 44, 55, 66, 77, -120]> : tensor<8xi32>
// CHECK: bit.pack_panels ins(%{{.*}} : tensor<8x2xi8>) outs(%{{.*}} : tensor<1x1x16x4xi8>) transposed
// CHECK: bit.code_matmul
func.func @transposed(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 10], [2, 20], [3, 30], [4, 40], [5, 50], [6, 60], [7, 70], [8, -128]]> : tensor<8x2xi8>
  %c3 = arith.constant 3 : i32
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%x : tensor<?x2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    %y = arith.subi %wide, %c3 : i32
    linalg.yield %y : i32
  } -> tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#swap, #id], iterator_types = #each}
      ins(%w : tensor<8x2xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<2x8xi32>
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// Codes of constants that were folded: no two of these are 256 apart.
// CHECK-LABEL: @folded
// CHECK: bit.pack_panels ins(%{{.*}} : tensor<2x8xi8>)
// CHECK: bit.code_matmul
func.func @folded(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %b = arith.constant dense<[[-253, 2, -3, -4, -5, -6, -7, -8], [1, 0, -2, 0, 0, 0, 0, 0]]> : tensor<2x8xi32>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%x : tensor<?x2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<?x2xi32>
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// Rows of a batch; what changes signs knows its shape.
// CHECK-LABEL: @rows_of_batches
// CHECK: %[[U:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<3x?x2xi8>)
// CHECK: %[[C:.*]] = tensor.collapse_shape %[[U]] {{\[\[}}0, 1], [2]] : tensor<3x?x2xi8> into tensor<?x2xi8>
// CHECK: bit.code_matmul ins(%[[C]],
func.func @rows_of_batches(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>, %batch: tensor<3x?x2xi8>, %wide_batch: tensor<3x?x2xi32>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#cube, #cube], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%batch : tensor<3x?x2xi8>) outs(%wide_batch : tensor<3x?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<3x?x2xi32>
  %flat = tensor.collapse_shape %a [[0, 1], [2]] : tensor<3x?x2xi32> into tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%w : tensor<2x8xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<2x8xi32>
  %r = linalg.generic #product ins(%flat, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}
