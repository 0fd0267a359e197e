// RUN: bit-opt %s --convert-bit-to-vector --canonicalize --cse --split-input-file | FileCheck %s

// Two blocks of 64 rows, too little work for two threads; the second has 6 rows of one group, which
// are loaded and stored without touching a seventh. 5 tokens are one tile of 4
// and one of 1.
// CHECK-LABEL: @ragged_rows
// CHECK-SAME: %[[X:.*]]: memref<5x32xi8>, {{.*}}, %[[Y:.*]]: memref<5x70xf32>
func.func @ragged_rows(%x: memref<5x32xi8>, %p: memref<640xi8>, %ws: memref<70xf32>, %xs: memref<5xf32>,
                       %sum: memref<5xi32>, %b: memref<70xf32>, %y: memref<5x70xf32>) {
  // CHECK-NOT: scf.forall
  // CHECK: scf.for
  // CHECK: scf.if
  // CHECK-COUNT-4: vector.load {{.*}} : memref<70xf32>, vector<16xf32>
  // CHECK: } else {
  // CHECK: vector.load {{.*}} : memref<70xf32>, vector<6xf32>
  // CHECK-COUNT-5: vector.store {{.*}}, %[[Y]]{{.*}} : memref<5x70xf32>, vector<6xf32>
  bit.packed_matmul ins(%x, %p, %ws : memref<5x32xi8>, memref<640xi8>, memref<70xf32>)
      quantized(%xs, %sum : memref<5xf32>, memref<5xi32>) bias(%b : memref<70xf32>) outs(%y : memref<5x70xf32>)
      n = 70 k = 32 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// -----

// Dynamic tokens: a loop over whole tiles, then one of 1, 2 or 3. Sums start
// from minus the sum of the codes, which corrects for code + 1, and are scaled
// and added to the bias once.
// CHECK-LABEL: @epilogue
// CHECK-SAME: %[[X:[^,]*]]: memref<?x16xi8>, {{.*}}, %[[XS:[^,]*]]: memref<?xf32>, %[[SUM:[^,]*]]: memref<?xi32>, %[[B:[^,]*]]: memref<16xf32>
func.func @epilogue(%x: memref<?x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>,
                    %sum: memref<?xi32>, %b: memref<16xf32>, %y: memref<?x16xf32>) {
  // CHECK-NOT: scf.forall
  // CHECK: %[[M:.*]] = memref.dim %[[X]]
  // CHECK: %[[REST:.*]] = arith.remui %[[M]]
  // CHECK: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %c4
  // CHECK: %[[S:.*]] = memref.load %[[SUM]][%[[T]]]
  // CHECK: %[[MINUS:.*]] = arith.subi %c0_i32, %[[S]] : i32
  // CHECK: %[[START:.*]] = vector.broadcast %[[MINUS]] : i32 to vector<16xi32>
  // CHECK: scf.for %{{.*}} iter_args(%[[SO_FAR:.*]] = %[[START]],
  // CHECK: %[[PRODUCT:.*]] = arith.muli {{.*}} : vector<16xi32>
  // CHECK: arith.addi %[[SO_FAR]], %[[PRODUCT]]
  // CHECK: %[[F:.*]] = arith.sitofp
  // CHECK: %[[SCALE:.*]] = arith.mulf
  // CHECK: %[[OUT:.*]] = math.fma %[[F]], %[[SCALE]], %{{.*}} : vector<16xf32>
  // CHECK: vector.store %[[OUT]]
  // CHECK: scf.if
  // CHECK: scf.if
  // CHECK: scf.if
  bit.packed_matmul ins(%x, %p, %ws : memref<?x16xi8>, memref<64xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<?xf32>, memref<?xi32>) bias(%b : memref<16xf32>) outs(%y : memref<?x16xf32>)
      n = 16 k = 16 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// -----

// Three scales along k of 32, thus 2 steps of two groups of 64 bytes, each: the
// sum of each is scaled and added to the sum of those before, from the bias on.
// CHECK-LABEL: @group_scales
// CHECK-SAME: %[[X:[^,]*]]: memref<1x96xi8>, %[[P:[^,]*]]: memref<768xi8>, %[[WS:[^,]*]]: memref<1x3x64xf32>, %[[XS:[^,]*]]: memref<1xf32>, %[[SUM:[^,]*]]: memref<1x3xi32>
func.func @group_scales(%x: memref<1x96xi8>, %p: memref<768xi8>, %ws: memref<1x3x64xf32>, %xs: memref<1xf32>,
                        %sum: memref<1x3xi32>, %b: memref<32xf32>, %y: memref<1x32xf32>) {
  // CHECK: %[[B:.*]] = vector.load {{.*}} : memref<32xf32>, vector<16xf32>
  // CHECK: scf.for %[[G:.*]] = %c0 to %c3 step %c1 iter_args(%[[BEFORE:.*]] = %[[B]]) -> (vector<16xf32>)
  // CHECK: %[[K:.*]] = arith.muli %[[G]], %c32
  // CHECK: %[[BYTE:.*]] = arith.muli %[[G]], %c256
  // CHECK: memref.load %[[SUM]][%c0, %[[G]]] : memref<1x3xi32>
  // CHECK: scf.for %{{.*}} = %c0 to %c2
  // CHECK: vector.load %[[P]]
  // CHECK: scf.yield
  // CHECK: %[[SCALES:.*]] = vector.load %[[WS]][%c0, %[[G]], %c0] : memref<1x3x64xf32>, vector<16xf32>
  // CHECK: %[[SCALE:.*]] = arith.mulf %{{.*}}, %[[SCALES]]
  // CHECK: %[[SO_FAR:.*]] = math.fma %{{.*}}, %[[SCALE]], %[[BEFORE]]
  // CHECK-NOT: vector.store
  // CHECK: scf.yield %[[SO_FAR]]
  // CHECK: vector.store
  bit.packed_matmul ins(%x, %p, %ws : memref<1x96xi8>, memref<768xi8>, memref<1x3x64xf32>)
      quantized(%xs, %sum : memref<1xf32>, memref<1x3xi32>) bias(%b : memref<32xf32>) outs(%y : memref<1x32xf32>)
      n = 32 k = 96 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}

// -----

// Without a bias the chain starts from -0, to which fma adds a product exactly.
// CHECK-LABEL: @group_scales_of_floats
func.func @group_scales_of_floats(%x: memref<1x32xf32>, %p: memref<128xi8>, %ws: memref<1x2x64xf32>, %y: memref<1x16xf32>) {
  // CHECK-DAG: %[[NEGATIVE:.*]] = arith.constant dense<-0.000000e+00> : vector<16xf32>
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
  // CHECK: scf.for %{{.*}} iter_args(%[[Y:.*]] = %[[NEGATIVE]])
  // CHECK: scf.for %{{.*}} iter_args(%[[SO_FAR:.*]] = %[[ZERO]],
  // CHECK: math.fma %{{.*}}, %{{.*}}, %[[SO_FAR]]
  // CHECK: math.fma %{{.*}}, %{{.*}}, %[[Y]]
  bit.packed_matmul ins(%x, %p, %ws : memref<1x32xf32>, memref<128xi8>, memref<1x2x64xf32>) outs(%y : memref<1x16xf32>)
      n = 16 k = 32 weights = ternary kernel = #bit.kernel<generic.p2>
  return
}

// -----

// A tensor is not lowered here.
// CHECK-LABEL: @tensors
// CHECK: bit.packed_matmul
func.func @tensors(%x: tensor<1x16xf32>, %p: tensor<64xi8>, %ws: tensor<1xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  %r = bit.packed_matmul ins(%x, %p, %ws : tensor<1x16xf32>, tensor<64xi8>, tensor<1xf32>) outs(%y : tensor<1x16xf32>)
      n = 16 k = 16 weights = ternary kernel = #bit.kernel<generic.p2> -> tensor<1x16xf32>
  return %r : tensor<1x16xf32>
}

// -----

// Four blocks of 64 rows x 8192 k x 4 tokens: each is a piece of its own.
// CHECK-LABEL: @pieces
func.func @pieces(%x: memref<4x8192xi8>, %p: memref<524288xi8>, %ws: memref<1xf32>, %xs: memref<4xf32>,
                  %sum: memref<4xi32>, %y: memref<4x256xf32>) {
  // CHECK: scf.forall (%{{.*}}) in (4)
  bit.packed_matmul ins(%x, %p, %ws : memref<4x8192xi8>, memref<524288xi8>, memref<1xf32>)
      quantized(%xs, %sum : memref<4xf32>, memref<4xi32>) outs(%y : memref<4x256xf32>)
      n = 256 k = 8192 weights = ternary range = [-128, 127] kernel = #bit.kernel<generic.p2>
  return
}
