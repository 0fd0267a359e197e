// RUN: bit-opt %s --bit-pack-products --canonicalize --cse | FileCheck %s

// Integer products that stay as they are.

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
#each = ["parallel", "parallel"]

// What follows stays as it is.

// Weights that are no constant.
// CHECK-LABEL: @computed
// CHECK-NOT: bit.code_matmul
// CHECK: return
func.func @computed(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>, %w: tensor<2x8xi8>) -> tensor<?x8xi32> {
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

// A constant that takes no memory.
// CHECK-LABEL: @splat
// CHECK-NOT: bit.code_matmul
// CHECK: return
func.func @splat(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %w = arith.constant dense<1> : tensor<2x8xi8>
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

// A zero point for each k is no factor of a sum.
// CHECK-LABEL: @zero_along_k
// CHECK-NOT: bit.code_matmul
// CHECK: return
func.func @zero_along_k(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>, %z: tensor<2xi8>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = #each}
      ins(%x, %z : tensor<?x2xi8>, tensor<2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %zero: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    %point = arith.extui %zero : i8 to i32
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

// The same of weights.
// CHECK-LABEL: @weight_zero_along_k
// CHECK-NOT: bit.code_matmul
// CHECK: return
func.func @weight_zero_along_k(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>, %z: tensor<2x1xi8>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%x : tensor<?x2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = #each}
      ins(%w, %z : tensor<2x8xi8>, tensor<2x1xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %zero: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    %point = arith.extui %zero : i8 to i32
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

// Sums that do not begin at 0.
// CHECK-LABEL: @init
// CHECK-NOT: bit.code_matmul
// CHECK: return
func.func @init(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
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
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%y_init : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// Integers that are no codes.
// CHECK-LABEL: @wide
// CHECK-NOT: bit.code_matmul
// CHECK: return
func.func @wide(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [10, 20, 30, 40, 50, 60, 70, -128]]> : tensor<2x8xi8>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x8xi32>) -> tensor<?x8xi32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%w : tensor<2x8xi8>) outs(%b_init : tensor<2x8xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<2x8xi32>
  %r = linalg.generic #product ins(%a_init, %b : tensor<?x2xi32>, tensor<2x8xi32>) outs(%sums : tensor<?x8xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x8xi32>
  return %r : tensor<?x8xi32>
}

// Constants that no 256 codes hold.
// CHECK-LABEL: @far_apart
// CHECK-NOT: bit.code_matmul
// CHECK: return
func.func @far_apart(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x8xi32>, %y_init: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %b = arith.constant dense<[[-253, 3, -3, -4, -5, -6, -7, -8], [1, 0, -2, 0, 0, 0, 0, 0]]> : tensor<2x8xi32>
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

// Too few columns.
// CHECK-LABEL: @narrow
// CHECK-NOT: bit.code_matmul
// CHECK: return
func.func @narrow(%x: tensor<?x2xi8>, %a_init: tensor<?x2xi32>, %b_init: tensor<2x7xi32>, %y_init: tensor<?x7xi32>) -> tensor<?x7xi32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7], [10, 20, 30, 40, 50, 60, 70]]> : tensor<2x7xi8>
  %c0 = arith.constant 0 : i32
  %sums = linalg.fill ins(%c0 : i32) outs(%y_init : tensor<?x7xi32>) -> tensor<?x7xi32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%x : tensor<?x2xi8>) outs(%a_init : tensor<?x2xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extui %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<?x2xi32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = #each}
      ins(%w : tensor<2x7xi8>) outs(%b_init : tensor<2x7xi32>) {
  ^bb0(%code: i8, %out: i32):
    %wide = arith.extsi %code : i8 to i32
    linalg.yield %wide : i32
  } -> tensor<2x7xi32>
  %r = linalg.generic #product ins(%a, %b : tensor<?x2xi32>, tensor<2x7xi32>) outs(%sums : tensor<?x7xi32>) {
  ^bb0(%l: i32, %w_: i32, %s: i32):
    %p = arith.muli %l, %w_ : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<?x7xi32>
  return %r : tensor<?x7xi32>
}
