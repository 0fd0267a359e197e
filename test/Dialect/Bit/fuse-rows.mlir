// RUN: bit-opt %s --bit-fuse-rows --canonicalize --cse --split-input-file | FileCheck %s

#row = affine_map<(b, m, k) -> (b, m, k)>
#one = affine_map<(b, m, k) -> (b, m)>
#channel = affine_map<(b, m, k) -> (k)>
#number = affine_map<(b, m) -> (b, m)>

// A norm, a function, then codes: a loop over rows. What only they use is one
// row long; what is read later stays whole, and so does what all rows share.
// CHECK-LABEL: @norm
// CHECK-SAME: %[[X:[^:,]*]]: memref<2x3x70xf32>, %[[W:[^:,]*]]: memref<70xf32>
// CHECK-DAG: %[[KEPT:.*]] = memref.alloc() {{.*}}memref<2x3xf32>
// CHECK-DAG: %[[CODES:.*]] = memref.alloc() {{.*}}memref<6x70xi8>
// CHECK-NOT: alloc() {{.*}}memref<2x3x70xf32>
// CHECK: bit.group {
// CHECK-DAG: %[[ROW:.*]] = memref.alloca() {alignment = 64 : i64} : memref<70xf32>
// CHECK: scf.for %[[R:.*]] =
// CHECK-DAG: %[[M:.*]] = arith.remui %[[R]], %c3
// CHECK-DAG: %[[B:.*]] = arith.divui %[[R]], %c3
// CHECK: %[[S:.*]] = memref.subview %[[KEPT]][%[[B]], %[[M]]] [1, 1] [1, 1]
// CHECK: linalg.fill {{.*}} outs(%[[S]]
// CHECK: %[[XR:.*]] = memref.subview %[[X]][%[[B]], %[[M]], 0] [1, 1, 70] [1, 1, 1]
// CHECK: linalg.generic {{.*}}"reduction"]} ins(%[[XR]] : {{.*}}) outs(%[[S]] :
// CHECK: %[[Y:.*]] = memref.expand_shape %[[ROW]] {{\[}}[0, 1, 2]] output_shape [1, 1, 70]
// CHECK: linalg.generic {{.*}} ins(%[[XR]], %[[S]], %[[W]] : {{.*}}) outs(%[[Y]] : memref<1x1x70xf32>)
// CHECK: %[[Y2:.*]] = memref.expand_shape %[[ROW]] {{\[}}[0, 1]] output_shape [1, 70]
// CHECK: %[[C:.*]] = memref.subview %[[CODES]][%[[R]], 0] [1, 70] [1, 1]
// CHECK: bit.absmax_quantize ins(%[[Y2]] : memref<1x70xf32>) outs(%[[C]],
// CHECK-NOT: linalg
// CHECK: return
func.func @norm(%x: memref<2x3x70xf32>, %w: memref<70xf32>) -> (memref<2x3xf32>, memref<6x70xi8>, memref<6xf32>, memref<6xi32>) {
  %zero = arith.constant 0.0 : f32
  %kept = memref.alloc() : memref<2x3xf32>
  linalg.fill ins(%zero : f32) outs(%kept : memref<2x3xf32>)
  linalg.generic {indexing_maps = [#row, #one], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<2x3x70xf32>) outs(%kept : memref<2x3xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = math.fma %a, %a, %s : f32
    linalg.yield %0 : f32
  }
  %y = memref.alloc() : memref<2x3x70xf32>
  linalg.generic {indexing_maps = [#row, #one, #channel, #row], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %kept, %w : memref<2x3x70xf32>, memref<2x3xf32>, memref<70xf32>) outs(%y : memref<2x3x70xf32>) {
  ^bb0(%a: f32, %s: f32, %c: f32, %o: f32):
    %0 = arith.divf %a, %s : f32
    %1 = arith.mulf %0, %c : f32
    linalg.yield %1 : f32
  }
  %flat = memref.collapse_shape %y [[0, 1], [2]] : memref<2x3x70xf32> into memref<6x70xf32>
  %codes = memref.alloc() : memref<6x70xi8>
  %scale = memref.alloc() : memref<6xf32>
  %sum = memref.alloc() : memref<6xi32>
  bit.absmax_quantize ins(%flat : memref<6x70xf32>) outs(%codes, %scale, %sum : memref<6x70xi8>, memref<6xf32>, memref<6xi32>) quantizer = <bits = 8>
  return %kept, %codes, %scale, %sum : memref<2x3xf32>, memref<6x70xi8>, memref<6xf32>, memref<6xi32>
}

// -----

#id = affine_map<(m, k) -> (m, k)>

// Rows whose number is not known, seen through a reshape.
// CHECK-LABEL: @dynamic
// CHECK: bit.group {
// CHECK: scf.forall
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<64xf32>
// CHECK: math.tanh
// CHECK: bit.absmax_quantize
func.func @dynamic(%x: memref<?x?x64xf32>, %b: index, %m: index) -> memref<?x64xi8> {
  %y = memref.alloc(%b, %m) : memref<?x?x64xf32>
  linalg.generic {indexing_maps = [affine_map<(b, m, k) -> (b, m, k)>, affine_map<(b, m, k) -> (b, m, k)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y : memref<?x?x64xf32>) outs(%y : memref<?x?x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.tanh %a : f32
    linalg.yield %0 : f32
  }
  %rows = arith.muli %b, %m : index
  %flat = memref.collapse_shape %y [[0, 1], [2]] : memref<?x?x64xf32> into memref<?x64xf32>
  %codes = memref.alloc(%rows) : memref<?x64xi8>
  %scale = memref.alloc(%rows) : memref<?xf32>
  %sum = memref.alloc(%rows) : memref<?xi32>
  bit.absmax_quantize ins(%flat : memref<?x64xf32>) outs(%codes, %scale, %sum : memref<?x64xi8>, memref<?xf32>, memref<?xi32>) quantizer = <bits = 8>
  return %codes : memref<?x64xi8>
}

// -----

#id = affine_map<(m, k) -> (m, k)>
#swap = affine_map<(m, k) -> (k, m)>
#first = affine_map<(m, k) -> (0, k)>

// Left alone: rows that are columns of what is read and written, a row that all
// rows read while it is written, results that an input's memory has, and a
// scale for all rows.
// CHECK-LABEL: @declined
// CHECK-NOT: bit.group
func.func @declined(%x: memref<8x8xf32>, %out: memref<8x8xf32>) -> (memref<8x8xi8>, memref<8xf32>, memref<f32>, memref<8xi32>) {
  %y = memref.alloc() : memref<8x8xf32>
  %codes = memref.alloc() : memref<8x8xi8>
  %scale = memref.alloc() : memref<8xf32>
  %one = memref.alloc() : memref<f32>
  %sum = memref.alloc() : memref<8xi32>
  linalg.generic {indexing_maps = [#id, #swap], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  bit.absmax_quantize ins(%y : memref<8x8xf32>) outs(%codes, %scale, %sum : memref<8x8xi8>, memref<8xf32>, memref<8xi32>) quantizer = <bits = 8>
  %z = memref.alloc() : memref<8x8xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#first, #id], iterator_types = ["parallel", "parallel"]} ins(%z : memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  }
  bit.absmax_quantize ins(%y : memref<8x8xf32>) outs(%codes, %scale, %sum : memref<8x8xi8>, memref<8xf32>, memref<8xi32>) quantizer = <bits = 8>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x8xf32>) outs(%out : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  bit.absmax_quantize ins(%out : memref<8x8xf32>) outs(%codes, %scale, %sum : memref<8x8xi8>, memref<8xf32>, memref<8xi32>) quantizer = <bits = 8>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  bit.absmax_quantize ins(%y : memref<8x8xf32>) outs(%codes, %one, %sum : memref<8x8xi8>, memref<f32>, memref<8xi32>) quantizer = <bits = 8, granularity = tensor>
  return %codes, %scale, %one, %sum : memref<8x8xi8>, memref<8xf32>, memref<f32>, memref<8xi32>
}

// -----

#id = affine_map<(m, k) -> (m, k)>

// Two chains that take turns: what belongs to the other one is passed.
// CHECK-LABEL: @turns
// CHECK: bit.group
// CHECK: arith.negf
// CHECK-NOT: math.absf
// CHECK: bit.absmax_quantize
// CHECK: bit.group
// CHECK: math.absf
// CHECK: bit.absmax_quantize
func.func @turns(%x: memref<8x8xf32>) -> (memref<8x8xi8>, memref<8xf32>, memref<8xi32>, memref<8x8xi8>) {
  %y = memref.alloc() : memref<8x8xf32>
  %z = memref.alloc() : memref<8x8xf32>
  %codes = memref.alloc() : memref<8x8xi8>
  %others = memref.alloc() : memref<8x8xi8>
  %scale = memref.alloc() : memref<8xf32>
  %sum = memref.alloc() : memref<8xi32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.absf %a : f32
    linalg.yield %0 : f32
  }
  bit.absmax_quantize ins(%y : memref<8x8xf32>) outs(%codes, %scale, %sum : memref<8x8xi8>, memref<8xf32>, memref<8xi32>) quantizer = <bits = 8>
  bit.absmax_quantize ins(%z : memref<8x8xf32>) outs(%others, %scale, %sum : memref<8x8xi8>, memref<8xf32>, memref<8xi32>) quantizer = <bits = 8>
  return %codes, %scale, %sum, %others : memref<8x8xi8>, memref<8xf32>, memref<8xi32>, memref<8x8xi8>
}

// -----

#id = affine_map<(m, k) -> (m, k)>

// Left alone: between the two somebody else changes what the first one reads,
// or reads what it writes before the second one writes it again.
// CHECK-LABEL: @conflicts
// CHECK-NOT: bit.group
func.func @conflicts(%x: memref<8x8xf32>, %out: memref<8x8xf32>) -> (memref<8x8xi8>, memref<8xf32>, memref<8xi32>, memref<8x8xf32>) {
  %y = memref.alloc() : memref<8x8xf32>
  %z = memref.alloc() : memref<8x8xf32>
  %codes = memref.alloc() : memref<8x8xi8>
  %scale = memref.alloc() : memref<8xf32>
  %sum = memref.alloc() : memref<8xi32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  linalg.transpose ins(%z : memref<8x8xf32>) outs(%out : memref<8x8xf32>) permutation = [1, 0]
  bit.absmax_quantize ins(%y : memref<8x8xf32>) outs(%codes, %scale, %sum : memref<8x8xi8>, memref<8xf32>, memref<8xi32>) quantizer = <bits = 8>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  linalg.transpose ins(%y : memref<8x8xf32>) outs(%z : memref<8x8xf32>) permutation = [1, 0]
  bit.absmax_quantize ins(%y : memref<8x8xf32>) outs(%codes, %scale, %sum : memref<8x8xi8>, memref<8xf32>, memref<8xi32>) quantizer = <bits = 8>
  return %codes, %scale, %sum, %z : memref<8x8xi8>, memref<8xf32>, memref<8xi32>, memref<8x8xf32>
}

// -----

#all = affine_map<(b, h, s, k) -> (b, h, s, k)>

// Sizes behind a collapsed shape are those of its leading dimensions, known or
// not: the rows of both operations are the same.
// CHECK-LABEL: @collapsed
// CHECK: bit.group
// CHECK: scf.for
// CHECK: linalg.generic
// CHECK: bit.absmax_quantize {{.*}}memref<1x64xf32>
func.func @collapsed(%x: memref<?x2x?x64xf32>) -> (memref<?x64xi8>, memref<?xf32>, memref<?xi32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = memref.dim %x, %c0 : memref<?x2x?x64xf32>
  %s = memref.dim %x, %c2 : memref<?x2x?x64xf32>
  %y = memref.alloc(%b, %s) : memref<?x2x?x64xf32>
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : memref<?x2x?x64xf32>) outs(%y : memref<?x2x?x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.absf %a : f32
    linalg.yield %0 : f32
  }
  %rows = memref.collapse_shape %y [[0, 1, 2], [3]] : memref<?x2x?x64xf32> into memref<?x64xf32>
  %n = memref.dim %rows, %c0 : memref<?x64xf32>
  %codes = memref.alloc(%n) : memref<?x64xi8>
  %scale = memref.alloc(%n) : memref<?xf32>
  %sum = memref.alloc(%n) : memref<?xi32>
  bit.absmax_quantize ins(%rows : memref<?x64xf32>) outs(%codes, %scale, %sum : memref<?x64xi8>, memref<?xf32>, memref<?xi32>) quantizer = <bits = 8>
  return %codes, %scale, %sum : memref<?x64xi8>, memref<?xf32>, memref<?xi32>
}

// -----

#two = affine_map<(m, k) -> (m, k)>

// The second operation reads the last row of %y besides those of its operands:
// when row 0 has its turn it is not there yet.
// CHECK-LABEL: @captured
// CHECK-NOT: bit.group
func.func @captured(%x: memref<4x8xf32>) -> (memref<4x8xi8>, memref<4xf32>, memref<4xi32>) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %y = memref.alloc() : memref<4x8xf32>
  linalg.generic {indexing_maps = [#two, #two], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.absf %a : f32
    linalg.yield %0 : f32
  }
  %z = memref.alloc() : memref<4x8xf32>
  linalg.generic {indexing_maps = [#two, #two], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<4x8xf32>) outs(%z : memref<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = memref.load %y[%c3, %c0] : memref<4x8xf32>
    %0 = arith.addf %a, %v : f32
    linalg.yield %0 : f32
  }
  %codes = memref.alloc() : memref<4x8xi8>
  %scale = memref.alloc() : memref<4xf32>
  %sum = memref.alloc() : memref<4xi32>
  bit.absmax_quantize ins(%z : memref<4x8xf32>) outs(%codes, %scale, %sum : memref<4x8xi8>, memref<4xf32>, memref<4xi32>) quantizer = <bits = 8>
  return %codes, %scale, %sum : memref<4x8xi8>, memref<4xf32>, memref<4xi32>
}

// -----

#id = affine_map<(m, k) -> (m, k)>

// Left alone: a region reads another row of what is negated, and of what the
// first one has not yet written.
// CHECK-LABEL: @named_by_a_region
// CHECK-NOT: bit.group
func.func @named_by_a_region(%x: memref<8x8xf32>, %at: memref<8x8xindex>) -> (memref<8x8xi8>, memref<8xf32>, memref<8xi32>, memref<8x8xi8>, memref<8x8xf32>) {
  %y = memref.alloc() : memref<8x8xf32>
  %z = memref.alloc() : memref<8x8xf32>
  %out = memref.alloc() : memref<8x8xf32>
  %codes = memref.alloc() : memref<8x8xi8>
  %others = memref.alloc() : memref<8x8xi8>
  %scale = memref.alloc() : memref<8xf32>
  %sum = memref.alloc() : memref<8xi32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%at : memref<8x8xindex>) outs(%out : memref<8x8xf32>) {
  ^bb0(%i: index, %o: f32):
    %0 = memref.load %y[%i, %i] : memref<8x8xf32>
    linalg.yield %0 : f32
  }
  bit.absmax_quantize ins(%y : memref<8x8xf32>) outs(%others, %scale, %sum : memref<8x8xi8>, memref<8xf32>, memref<8xi32>) quantizer = <bits = 8>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%at : memref<8x8xindex>) outs(%z : memref<8x8xf32>) {
  ^bb0(%i: index, %o: f32):
    %0 = memref.load %y[%i, %i] : memref<8x8xf32>
    linalg.yield %0 : f32
  }
  bit.absmax_quantize ins(%z : memref<8x8xf32>) outs(%codes, %scale, %sum : memref<8x8xi8>, memref<8xf32>, memref<8xi32>) quantizer = <bits = 8>
  return %codes, %scale, %sum, %others, %out : memref<8x8xi8>, memref<8xf32>, memref<8xi32>, memref<8x8xi8>, memref<8x8xf32>
}

// -----

#id = affine_map<(m, k) -> (m, k)>

// Dimensions of what has no known rank, or not so many, are numbers of their own.
// CHECK-LABEL: @unknown_sizes
// CHECK: bit.group
func.func @unknown_sizes(%any: memref<*xf32>, %flat: memref<4xf32>) -> (memref<?x8xi8>, memref<?xf32>, memref<?xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.dim %any, %c0 : memref<*xf32>
  %b = memref.dim %flat, %c1 : memref<4xf32>
  %m = arith.muli %a, %b : index
  %x = memref.alloc(%m) : memref<?x8xf32>
  %y = memref.alloc(%m) : memref<?x8xf32>
  %codes = memref.alloc(%m) : memref<?x8xi8>
  %scale = memref.alloc(%m) : memref<?xf32>
  %sum = memref.alloc(%m) : memref<?xi32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
  ^bb0(%v: f32, %o: f32):
    %0 = arith.negf %v : f32
    linalg.yield %0 : f32
  }
  bit.absmax_quantize ins(%y : memref<?x8xf32>) outs(%codes, %scale, %sum : memref<?x8xi8>, memref<?xf32>, memref<?xi32>) quantizer = <bits = 8>
  return %codes, %scale, %sum : memref<?x8xi8>, memref<?xf32>, memref<?xi32>
}

// -----

#id = affine_map<(m, k) -> (m, k)>

// An output's memory is asked for before the rows, which pass it.
// CHECK-LABEL: @output_between
// CHECK: bit.output
// CHECK: bit.group
func.func @output_between(%call: !bit.call, %x: memref<4x8xf32>) -> (memref<4x8xi8>, memref<4xf32>, memref<4xi32>) {
  %zero = arith.constant 0.0 : f32
  %y = memref.alloc() : memref<4x8xf32>
  %codes = memref.alloc() : memref<4x8xi8>
  %scale = memref.alloc() : memref<4xf32>
  %sum = memref.alloc() : memref<4xi32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%v: f32, %o: f32):
    %0 = arith.negf %v : f32
    linalg.yield %0 : f32
  }
  %out = bit.output %call[0]() : memref<3xf32>
  linalg.fill ins(%zero : f32) outs(%out : memref<3xf32>)
  bit.absmax_quantize ins(%y : memref<4x8xf32>) outs(%codes, %scale, %sum : memref<4x8xi8>, memref<4xf32>, memref<4xi32>) quantizer = <bits = 8>
  return %codes, %scale, %sum : memref<4x8xi8>, memref<4xf32>, memref<4xi32>
}
