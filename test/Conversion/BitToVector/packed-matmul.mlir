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

// Dynamic tokens: a loop over whole tiles, then one of 1, 2 or 3. The epilogue
// corrects for code + 1 by the sum of the codes, scales and adds the bias once.
// CHECK-LABEL: @epilogue
// CHECK-SAME: %[[X:[^,]*]]: memref<?x16xi8>, {{.*}}, %[[XS:[^,]*]]: memref<?xf32>, %[[SUM:[^,]*]]: memref<?xi32>, %[[B:[^,]*]]: memref<16xf32>
func.func @epilogue(%x: memref<?x16xi8>, %p: memref<64xi8>, %ws: memref<1xf32>, %xs: memref<?xf32>,
                    %sum: memref<?xi32>, %b: memref<16xf32>, %y: memref<?x16xf32>) {
  // CHECK-NOT: scf.forall
  // CHECK: %[[M:.*]] = memref.dim %[[X]]
  // CHECK: %[[REST:.*]] = arith.remui %[[M]]
  // CHECK: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %c4
  // CHECK: %[[S:.*]] = memref.load %[[SUM]][%[[T]]]
  // CHECK: %[[SUMS:.*]] = vector.broadcast %[[S]] : i32 to vector<16xi32>
  // CHECK: %[[ACC:.*]] = arith.subi %{{.*}}, %[[SUMS]]
  // CHECK: %[[F:.*]] = arith.sitofp %[[ACC]]
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
