// RUN: bit-opt %s --bit-expand-masks --canonicalize --split-input-file | FileCheck %s

// All lanes, or what is there by the bits of its number.
// CHECK-LABEL: func @load
// CHECK-SAME: %[[X:.*]]: memref<?xf32>, %[[AT:.*]]: index, %[[N:.*]]: index
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK: %[[BUFFER:.*]] = memref.alloca() {alignment = 16 : i64} : memref<8xf32>
// CHECK: %[[SOME:.*]] = arith.maxsi %[[N]], %{{.*}}
// CHECK: %[[ALL:.*]] = arith.cmpi sge, %[[SOME]]
// CHECK: scf.if %[[ALL]]
// CHECK: vector.load %[[X]][%[[AT]]] : memref<?xf32>, vector<8xf32>
// CHECK: else
// CHECK: vector.store %{{.*}}, %[[BUFFER]]
// CHECK: %[[FOUR:.*]] = arith.andi %[[SOME]], %[[C4]]
// CHECK: scf.if
// CHECK: vector.load %[[X]]{{.*}} vector<4xf32>
// CHECK: vector.store {{.*}}, %[[BUFFER]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[AT]], %[[FOUR]]
// CHECK: vector.load %[[X]][%[[NEXT]]]{{.*}} vector<2xf32>
// CHECK: vector.load %[[X]]{{.*}} vector<1xf32>
// CHECK: vector.load %[[BUFFER]]{{.*}} vector<8xf32>
func.func @load(%x: memref<?xf32>, %at: index, %n: index, %other: vector<8xf32>) -> vector<8xf32>
    attributes {passthrough = [["target-features", "+neon"]]} {
  %mask = vector.create_mask %n : vector<8xi1>
  %v = vector.maskedload %x[%at], %mask, %other : memref<?xf32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
  return %v : vector<8xf32>
}

// -----

// Four lanes are left to LLVM.
// CHECK-LABEL: func @four
// CHECK: vector.maskedstore
func.func @four(%x: memref<?xf32>, %at: index, %n: index, %v: vector<4xf32>)
    attributes {passthrough = [["target-features", "+neon"]]} {
  %mask = vector.create_mask %n : vector<4xi1>
  vector.maskedstore %x[%at], %mask, %v : memref<?xf32>, vector<4xi1>, vector<4xf32>
  return
}

// -----

// A number that is known takes no branch.
// CHECK-LABEL: func @known
// CHECK-NOT: scf.if
// CHECK: vector.load {{.*}} memref<16xi8>, vector<8xi8>
// CHECK: vector.store {{.*}} memref<?xi8>, vector<8xi8>
// CHECK: vector.load {{.*}} memref<16xi8>, vector<2xi8>
// CHECK: vector.store {{.*}} memref<?xi8>, vector<2xi8>
// CHECK-NOT: vector.store
func.func @known(%y: memref<?xi8>, %v: vector<16xi8>) attributes {passthrough = [["target-features", "+neon"]]} {
  %c0 = arith.constant 0 : index
  %mask = vector.constant_mask [10] : vector<16xi1>
  vector.maskedstore %y[%c0], %mask, %v : memref<?xi8>, vector<16xi1>, vector<16xi8>
  return
}

// -----

// A mask that is computed stays.
// CHECK-LABEL: func @computed
// CHECK: vector.maskedstore
// CHECK-NOT: memref.alloca
func.func @computed(%y: memref<?xi8>, %v: vector<16xi8>, %mask: vector<16xi1>, %n: index)
    attributes {passthrough = [["target-features", "+neon"]]} {
  %c0 = arith.constant 0 : index
  vector.maskedstore %y[%c0], %mask, %v : memref<?xi8>, vector<16xi1>, vector<16xi8>
  return
}

// -----

// CHECK-LABEL: func @store
// CHECK: scf.if
// CHECK: vector.store {{.*}} memref<?x?xf16>, vector<16xf16>
// CHECK: else
// CHECK: scf.if
// CHECK: vector.store {{.*}} memref<?x?xf16>, vector<8xf16>
func.func @store(%y: memref<?x?xf16>, %v: vector<16xf16>, %row: index, %n: index)
    attributes {passthrough = [["target-features", "+neon"]]} {
  %mask = vector.create_mask %n : vector<16xi1>
  vector.maskedstore %y[%row, %row], %mask, %v : memref<?x?xf16>, vector<16xi1>, vector<16xf16>
  return
}

// -----

// Targets with masks keep them.
// CHECK-LABEL: func @masks
// CHECK: vector.maskedstore
func.func @masks(%y: memref<?xf32>, %v: vector<16xf32>, %n: index)
    attributes {passthrough = [["target-features", "+avx2,+fma"]]} {
  %c0 = arith.constant 0 : index
  %mask = vector.create_mask %n : vector<16xi1>
  vector.maskedstore %y[%c0], %mask, %v : memref<?xf32>, vector<16xi1>, vector<16xf32>
  return
}
