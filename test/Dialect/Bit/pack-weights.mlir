// RUN: bit-opt %s --bit-pack-weights --split-input-file --verify-diagnostics | FileCheck %s

// One group of 16 rows and one step; rows past the second and k past the third
// hold code 1 (85). Row 0 is -1, 0, 1, row 1 is 1, 1, -1.
// CHECK-LABEL: @quantized
// CHECK-SAME: %[[X:.*]]: tensor<?x3xf32>, %[[WS:.*]]: tensor<1xf32>, %[[B:.*]]: tensor<2xf32>
func.func @quantized(%x: tensor<?x3xf32>, %ws: tensor<1xf32>, %b: tensor<2xf32>, %c: tensor<?x3xi8>,
                     %s: tensor<?xf32>, %u: tensor<?xi32>) -> tensor<?x2xf32> {
  // CHECK: %[[Q:.*]], %[[XS:.*]], %[[SUM:.*]] = bit.absmax_quantize
  %codes, %xs, %sum = bit.absmax_quantize ins(%x : tensor<?x3xf32>)
      outs(%c, %s, %u : tensor<?x3xi8>, tensor<?xf32>, tensor<?xi32>)
      quantizer = <> -> tensor<?x3xi8>, tensor<?xf32>, tensor<?xi32>
  %w = arith.constant dense<[[-1, 0, 1], [1, 1, -1]]> : tensor<2x3xi8>
  // CHECK: %[[P:.*]] = arith.constant dense<[84, 85, 86, 85, 86, 86, 84, 85, 85, {{.*}} : tensor<64xi8>
  // CHECK: %[[M:.*]] = tensor.dim %[[Q]]
  // CHECK: %[[INIT:.*]] = tensor.empty(%[[M]]) : tensor<?x2xf32>
  // CHECK: %[[Y:.*]] = bit.packed_matmul ins(%[[Q]], %[[P]], %[[WS]] {{.*}} quantized(%[[XS]], %[[SUM]] {{.*}} bias(%[[B]]
  // CHECK-SAME: outs(%[[INIT]] : tensor<?x2xf32>) n = 2 k = 3 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2> {bit.layer = {name = "fc"}}
  %acc = bit.ternary_matmul %codes, %w weights = ternary range = [-128, 127]
      : tensor<?x3xi8>, tensor<2x3xi8> -> tensor<?x2xi32>
  %y = bit.rescale %acc, %xs, %ws bias %b {bit.layer = {name = "fc"}}
      : (tensor<?x2xi32>, tensor<?xf32>, tensor<1xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Float activations. Layers of equal codes share their bytes, and the memory of
// the codes is released: the file has no resource left.
// CHECK-LABEL: @float
func.func @float(%x: tensor<4x3xf32>, %ws: tensor<2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %w = arith.constant dense_resource<codes> : tensor<2x3xi8>
  // CHECK-COUNT-2: bit.packed_matmul ins({{.*}}) outs({{.*}}) n = 2 k = 3 weights = binary kernel = #bit.kernel<generic.p1>{{.*}} -> tensor<4x2xf32>
  %y = bit.linear %x, %w, %ws weights = binary : (tensor<4x3xf32>, tensor<2x3xi8>, tensor<2xf32>) -> tensor<4x2xf32>
  %z = bit.linear %x, %w, %ws weights = binary {other} : (tensor<4x3xf32>, tensor<2x3xi8>, tensor<2xf32>) -> tensor<4x2xf32>
  return %y, %z : tensor<4x2xf32>, tensor<4x2xf32>
}
// CHECK-NOT: codes

{-#
  dialect_resources: {
    builtin: {
      codes: "0x0100000001FF0101FFFF"
    }
  }
#-}

// -----

// A product of a product.
// CHECK-LABEL: @chain
func.func @chain(%x: tensor<4x2xf32>, %ws: tensor<1xf32>) -> tensor<4x2xf32> {
  // CHECK: %[[Y:.*]] = bit.packed_matmul
  // CHECK: bit.packed_matmul ins(%[[Y]],
  // CHECK-NOT: bit.linear
  %w = arith.constant dense<[[-1, 0], [1, -1]]> : tensor<2x2xi8>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<4x2xf32>, tensor<2x2xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  %z = bit.linear %y, %w, %ws weights = ternary : (tensor<4x2xf32>, tensor<2x2xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  return %z : tensor<4x2xf32>
}

// -----

// One group along k is a scale for each output.
// CHECK-LABEL: @one_group
func.func @one_group(%x: tensor<4x3xf32>, %ws: tensor<2x1xf32>) -> tensor<4x2xf32> {
  // CHECK: %[[WS:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1]] : tensor<2x1xf32> into tensor<2xf32>
  // CHECK: bit.packed_matmul ins(%{{.*}}, %{{.*}}, %[[WS]] :
  %w = arith.constant dense<[[-1, 0, 1], [1, 1, -1]]> : tensor<2x3xi8>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<4x3xf32>, tensor<2x3xi8>, tensor<2x1xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// Floats become packed bytes at once, whoever computes them; two layers share
// them, and nothing of the weight is left.
// CHECK-LABEL: @quantized_weight
// CHECK-NOT: onnx
// CHECK-DAG: %[[P:.*]] = arith.constant dense<[84, 85, 86, 85, {{.*}} : tensor<64xi8>
// CHECK-DAG: %[[WS:.*]] = arith.constant dense<5.000000e-01> : tensor<1xf32>
// CHECK: bit.packed_matmul ins(%{{.*}}, %{{.*}}, %[[WS]] : {{.*}} {bit.layer = {name = "a", weight_error = 0.000000e+00 : f64}}
// CHECK: bit.packed_matmul ins(%{{.*}}, %{{.*}}, %[[WS]] : {{.*}} {bit.layer = {name = "b", weight_error = 0.000000e+00 : f64}}
func.func @quantized_weight(%x: tensor<4x3xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %c = onnx.Constant dense<[[-0.5, 0.5], [0.0, 0.0], [0.5, 0.0]]> : tensor<3x2xf32>
  %t = onnx.Transpose %c {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %w, %ws = bit.quantize_weight %t scheme = fit granularity = tensor : tensor<2x3xf32> -> tensor<2x3xi8>, tensor<1xf32>
  %y = bit.linear %x, %w, %ws weights = ternary {bit.layer = {name = "a"}} : (tensor<4x3xf32>, tensor<2x3xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  %z = bit.linear %x, %w, %ws weights = ternary {bit.layer = {name = "b"}} : (tensor<4x3xf32>, tensor<2x3xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  return %y, %z : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// More than a kilobyte becomes a resource, 64-byte aligned.
// CHECK-LABEL: @large
func.func @large(%x: tensor<1x100xf32>, %ws: tensor<1xf32>) -> tensor<1x100xf32> {
  // CHECK: arith.constant dense_resource<packed> : tensor<3136xi8>
  %w = arith.constant dense<0> : tensor<100x100xi8>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x100xf32>, tensor<100x100xi8>, tensor<1xf32>) -> tensor<1x100xf32>
  return %y : tensor<1x100xf32>
}
// CHECK: packed: "0x40000000

// -----

// CHECK-LABEL: @not_constant
// CHECK: bit.linear
func.func @not_constant(%x: tensor<1x4xf32>, %w: tensor<2x4xi8>, %ws: tensor<1xf32>) -> tensor<1x2xf32> {
  // expected-remark @below {{left to the reference lowering: its weights are not constant}}
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x4xf32>, tensor<2x4xi8>, tensor<1xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// Constant scales along k become blocks of 64 rows, and the sums of the codes
// those of each group.
// CHECK-LABEL: @group_scales
// CHECK-SAME: %[[X:[^,]*]]: tensor<?x32xf32>
func.func @group_scales(%x: tensor<?x32xf32>, %c: tensor<?x32xi8>, %s: tensor<?xf32>, %u: tensor<?xi32>) -> tensor<?x2xf32> {
  // CHECK: %[[Q:.*]], %[[XS:.*]], %{{.*}} = bit.absmax_quantize
  %codes, %xs, %sum = bit.absmax_quantize ins(%x : tensor<?x32xf32>)
      outs(%c, %s, %u : tensor<?x32xi8>, tensor<?xf32>, tensor<?xi32>)
      quantizer = <> -> tensor<?x32xi8>, tensor<?xf32>, tensor<?xi32>
  // Floats 1, 3, 62 zeros, 2, 4, 62 zeros.
  // CHECK: %[[WS:.*]] = arith.constant dense<"0x0000803F00004040{{0+}}4000008040{{0+}}"> : tensor<1x2x64xf32>
  // CHECK: %[[GROUPS:.*]] = tensor.expand_shape %[[Q]] {{.*}} : tensor<?x32xi8> into tensor<?x2x16xi8>
  // CHECK: %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[GROUPS]] : tensor<?x2x16xi8>)
  // CHECK: bit.packed_matmul ins(%[[Q]], %{{.*}}, %[[WS]] : {{.*}}) quantized(%[[XS]], %[[SUM]] : tensor<?xf32>, tensor<?x2xi32>)
  %w = arith.constant dense<1> : tensor<2x32xi8>
  %ws = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %acc = bit.ternary_matmul %codes, %w weights = ternary range = [-128, 127] groups = 2 : tensor<?x32xi8>, tensor<2x32xi8> -> tensor<?x2x2xi32>
  %y = bit.rescale %acc, %xs, %ws : (tensor<?x2x2xi32>, tensor<?xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// The scales of a weight that is evaluated only now, and no sums for floats.
// CHECK-LABEL: @group_scales_of_a_weight
// CHECK-DAG: arith.constant dense<"0x0000003F{{[0F3]+}}"> : tensor<1x2x64xf32>
// CHECK-NOT: linalg.generic
// CHECK: bit.packed_matmul
func.func @group_scales_of_a_weight(%x: tensor<1x32xf32>) -> tensor<1x2xf32> {
  %f = arith.constant dense<0.5> : tensor<2x32xf32>
  %w, %ws = bit.quantize_weight %f scheme = absmean granularity = group group = 16 : tensor<2x32xf32> -> tensor<2x32xi8>, tensor<2x2xf32>
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x32xf32>, tensor<2x32xi8>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// Multiples of the scales are folded with them, for every layer that has some.
// CHECK-LABEL: @multiples_of_group_scales
// CHECK-DAG: %[[TWICE:.*]] = arith.constant dense<"0x0000803F{{[0F38]+}}"> : tensor<1x2x64xf32>
// CHECK-DAG: %[[HALF:.*]] = arith.constant dense<"0x0000803E{{[0E38]+}}"> : tensor<1x2x64xf32>
// CHECK-DAG: bit.packed_matmul ins(%{{.*}}, %{{.*}}, %[[TWICE]] :
// CHECK-DAG: bit.packed_matmul ins(%{{.*}}, %{{.*}}, %[[HALF]] :
func.func @multiples_of_group_scales(%x: tensor<1x32xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %f = arith.constant dense<0.5> : tensor<2x32xf32>
  %two = arith.constant dense<2.0> : tensor<2x2xf32>
  %four = arith.constant dense<4.0> : tensor<2x2xf32>
  %w, %ws = bit.quantize_weight %f scheme = absmean granularity = group group = 16 : tensor<2x32xf32> -> tensor<2x32xi8>, tensor<2x2xf32>
  %twice = arith.mulf %ws, %two : tensor<2x2xf32>
  %half = arith.divf %twice, %four : tensor<2x2xf32>
  %y = bit.linear %x, %w, %twice weights = ternary : (tensor<1x32xf32>, tensor<2x32xi8>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %z = bit.linear %x, %w, %half weights = ternary : (tensor<1x32xf32>, tensor<2x32xi8>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y, %z : tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// CHECK-LABEL: @small_groups
// CHECK: bit.linear
func.func @small_groups(%x: tensor<1x16xf32>) -> tensor<1x2xf32> {
  %w = arith.constant dense<1> : tensor<2x16xi8>
  %ws = arith.constant dense<2.0> : tensor<2x2xf32>
  // expected-remark @below {{left to the reference lowering: expects weight scales of a multiple of 16 k for kernel 'generic.p2', got one for each 8}}
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x16xf32>, tensor<2x16xi8>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// CHECK-LABEL: @variable_group_scales
// CHECK: bit.linear
func.func @variable_group_scales(%x: tensor<1x32xf32>, %ws: tensor<2x2xf32>) -> tensor<1x2xf32> {
  %w = arith.constant dense<1> : tensor<2x32xi8>
  // expected-remark @below {{left to the reference lowering: its weight scales are not constant}}
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x32xf32>, tensor<2x32xi8>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// Without the sums of the codes a kernel could not correct for code + 1.
// CHECK-LABEL: @foreign_codes
// CHECK: bit.ternary_matmul
func.func @foreign_codes(%codes: tensor<1x4xi8>, %xs: tensor<1xf32>, %ws: tensor<1xf32>) -> tensor<1x2xf32> {
  %w = arith.constant dense<1> : tensor<2x4xi8>
  %acc = bit.ternary_matmul %codes, %w weights = ternary range = [-128, 127] : tensor<1x4xi8>, tensor<2x4xi8> -> tensor<1x2xi32>
  // expected-remark @below {{left to the reference lowering: its codes are not from bit.absmax_quantize}}
  %y = bit.rescale %acc, %xs, %ws : (tensor<1x2xi32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// A product whose sums are used elsewhere, too, is no product of this form.
// CHECK-LABEL: @two_uses
// CHECK: bit.ternary_matmul
// CHECK: bit.rescale
func.func @two_uses(%codes: tensor<1x4xi8>, %xs: tensor<1xf32>, %ws: tensor<1xf32>) -> (tensor<1x2xf32>, tensor<1x2xi32>) {
  %w = arith.constant dense<1> : tensor<2x4xi8>
  %acc = bit.ternary_matmul %codes, %w weights = ternary range = [-128, 127] : tensor<1x4xi8>, tensor<2x4xi8> -> tensor<1x2xi32>
  %y = bit.rescale %acc, %xs, %ws : (tensor<1x2xi32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2xf32>
  return %y, %acc : tensor<1x2xf32>, tensor<1x2xi32>
}

// -----

// A constant of a few bytes that claims terabytes.
// CHECK-LABEL: @huge_splat
// CHECK: bit.linear
func.func @huge_splat(%x: tensor<1x2000000xf32>, %ws: tensor<1xf32>) -> tensor<1x2000000xf32> {
  %w = arith.constant dense<1> : tensor<2000000x2000000xi8>
  // expected-remark @below {{left to the reference lowering: it has 4000000000000 weights of one value}}
  %y = bit.linear %x, %w, %ws weights = ternary : (tensor<1x2000000xf32>, tensor<2000000x2000000xi8>, tensor<1xf32>) -> tensor<1x2000000xf32>
  return %y : tensor<1x2000000xf32>
}

// -----

// Binary weights: one bit each. Row 0 is -1, 1, -1, row 1 is 1, 1, -1; what pads is 0.
// As ternary ones the same codes have bytes of their own.
// CHECK-LABEL: @binary
func.func @binary(%x: tensor<4x3xf32>, %ws: tensor<1xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  // CHECK: %[[ONE:.*]] = arith.constant dense<[0, 1, 0, 0, 1, 1, 0, 0, 0, {{[0 ,]+}}]> : tensor<64xi8>
  // CHECK: bit.packed_matmul ins(%{{.*}}, %[[ONE]], %{{.*}} n = 2 k = 3 weights = binary kernel = #bit.kernel<generic.p1>
  // CHECK: %[[TWO:.*]] = arith.constant dense<[84, 86, 84, 85, 86, 86, 84, 85, 85, {{[85 ,]+}}]> : tensor<64xi8>
  // CHECK: bit.packed_matmul ins(%{{.*}}, %[[TWO]], %{{.*}} n = 2 k = 3 weights = ternary kernel = #bit.kernel<generic.p2>
  %w = arith.constant dense<[[-1, 1, -1], [1, 1, -1]]> : tensor<2x3xi8>
  %y = bit.linear %x, %w, %ws weights = binary : (tensor<4x3xf32>, tensor<2x3xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  %z = bit.linear %x, %w, %ws weights = ternary : (tensor<4x3xf32>, tensor<2x3xi8>, tensor<1xf32>) -> tensor<4x2xf32>
  return %y, %z : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// A step of one bit has 32 k: scales for each 32 fit, for each 16 they do not.
// CHECK-LABEL: @binary_groups
func.func @binary_groups(%x: tensor<4x64xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  // CHECK: bit.packed_matmul {{.*}} tensor<128xi8>, tensor<1x2x64xf32>{{.*}} weights = binary kernel = #bit.kernel<generic.p1>
  // CHECK: bit.packed_matmul {{.*}} tensor<256xi8>, tensor<1x4x64xf32>{{.*}} weights = binary kernel = #bit.kernel<generic.p2>
  %w = arith.constant dense<1> : tensor<2x64xi8>
  %two = arith.constant dense<2.0> : tensor<2x2xf32>
  %four = arith.constant dense<4.0> : tensor<2x4xf32>
  %y = bit.linear %x, %w, %two weights = binary : (tensor<4x64xf32>, tensor<2x64xi8>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %z = bit.linear %x, %w, %four weights = binary : (tensor<4x64xf32>, tensor<2x64xi8>, tensor<2x4xf32>) -> tensor<4x2xf32>
  return %y, %z : tensor<4x2xf32>, tensor<4x2xf32>
}
