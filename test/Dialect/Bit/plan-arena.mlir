// RUN: bit-opt %s --bit-plan-arena --canonicalize --cse | FileCheck %s

func.func private @use(memref<?xf32>)
func.func private @use1(memref<16xf32>)
func.func private @use2(memref<64xf32>)
func.func private @rows(memref<?x256xf32>)

// The first and the third are never alive together and share their place.
// CHECK-LABEL: @share
// CHECK-DAG: %[[TOTAL:.*]] = arith.constant 320 : index
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[SECOND:.*]] = arith.constant 256 : index
func.func @share(%call: !bit.call) -> i32 {
  // CHECK: %[[ARENA:.*]] = bit.reserve %{{.*}}[%[[TOTAL]]] : memref<?xi8>
  // CHECK: memref.view %[[ARENA]][%[[ZERO]]][] : memref<?xi8> to memref<64xf32>
  %a = memref.alloc() : memref<64xf32>
  call @use2(%a) : (memref<64xf32>) -> ()
  // CHECK: memref.view %[[ARENA]][%[[SECOND]]][] : memref<?xi8> to memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  call @use1(%b) : (memref<16xf32>) -> ()
  call @use2(%a) : (memref<64xf32>) -> ()
  // CHECK: memref.view %[[ARENA]][%[[ZERO]]][] : memref<?xi8> to memref<16xf32>
  %c = memref.alloc() : memref<16xf32>
  call @use1(%c) : (memref<16xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// Sizes that follow from the inputs' are computed at the start, with the
// product's overflow cut to what no machine has.
// CHECK-LABEL: @dynamic
func.func @dynamic(%call: !bit.call) -> i32 {
  // CHECK: %[[X:.*]] = bit.input
  // CHECK: %[[M:.*]] = memref.dim %[[X]]
  // CHECK: arith.mului_extended
  // CHECK: %[[ARENA:.*]] = bit.reserve
  // CHECK: memref.view %[[ARENA]][%{{.*}}][%[[M]]] : memref<?xi8> to memref<?xf32>
  // CHECK-NOT: bit.allocate
  %c0 = arith.constant 0 : index
  %x = bit.input %call[0] : memref<?x4xf32>
  %m = memref.dim %x, %c0 : memref<?x4xf32>
  %a = memref.alloc(%m) : memref<?xf32>
  call @use(%a) : (memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// Sizes that are multiples of one dimension are placed like static ones, in
// units of it: 1024 and 64 bytes a row, then 256 in the place of the first.
// CHECK-LABEL: @units
func.func @units(%call: !bit.call) -> i32 {
  // CHECK-DAG: %[[EACH:.*]] = arith.constant 1088 : i64
  // CHECK-DAG: %[[SECOND:.*]] = arith.constant 1024 : index
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
  // CHECK: %[[M:.*]] = memref.dim
  // CHECK: %[[M64:.*]] = arith.index_cast %[[M]] : index to i64
  // CHECK: arith.mului_extended %[[M64]], %[[EACH]]
  // CHECK-NOT: arith.mului_extended
  // CHECK: %[[OFFSET:.*]] = arith.muli %[[M]], %[[SECOND]]
  // CHECK: bit.reserve
  // CHECK: memref.view %{{.*}}[%[[ZERO]]]{{.*}} to memref<?x256xf32>
  // CHECK: memref.view %{{.*}}[%[[OFFSET]]][%[[M]]] : memref<?xi8> to memref<?xf32>
  // CHECK: memref.view %{{.*}}[%[[ZERO]]]{{.*}} to memref<?xf32>
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %x = bit.input %call[0] : memref<?x4xf32>
  %m = memref.dim %x, %c0 : memref<?x4xf32>
  %a = memref.alloc(%m) : memref<?x256xf32>
  call @rows(%a) : (memref<?x256xf32>) -> ()
  %b = memref.alloc(%m) : memref<?xf32>
  call @use(%b) : (memref<?xf32>) -> ()
  call @rows(%a) : (memref<?x256xf32>) -> ()
  %m64 = arith.muli %m, %c64 : index
  %c = memref.alloc(%m64) : memref<?xf32>
  call @use(%c) : (memref<?xf32>) -> ()
  call @use(%b) : (memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// Units of a few bytes are not padded: their number is rounded up, here to 16
// floats, after it is cut.
// CHECK-LABEL: @elements
func.func @elements(%call: !bit.call) -> i32 {
  // CHECK-DAG: %[[EACH:.*]] = arith.constant 8 : i64
  // CHECK-DAG: %[[MASK:.*]] = arith.constant -16 : i64
  // CHECK: %[[CUT:.*]] = arith.minui %{{.*}} : i64
  // CHECK: %[[MORE:.*]] = arith.addi %[[CUT]], %{{.*}} : i64
  // CHECK: %[[UNITS:.*]] = arith.andi %[[MORE]], %[[MASK]] : i64
  // CHECK: arith.mului_extended %{{.*}}, %[[EACH]]
  // CHECK: bit.reserve
  %c0 = arith.constant 0 : index
  %x = bit.input %call[0] : memref<?x4xf32>
  %m = memref.dim %x, %c0 : memref<?x4xf32>
  %a = memref.alloc(%m) : memref<?xf32>
  call @use(%a) : (memref<?xf32>) -> ()
  %b = memref.alloc(%m) : memref<?xf32>
  call @use(%b) : (memref<?xf32>) -> ()
  call @use(%a) : (memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// Different units share a place where they are never alive together, which is
// as large as the larger one turns out to be.
// CHECK-LABEL: @two_units
func.func @two_units(%call: !bit.call) -> i32 {
  // CHECK: %[[TOTAL:.*]] = arith.maxui
  // CHECK-NEXT: bit.reserve %{{.*}}[%[[TOTAL]]]
  // CHECK: memref.view %{{.*}}[%[[PLACE:.*]]][
  // CHECK: memref.view %{{.*}}[%[[PLACE]]][
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = bit.input %call[0] : memref<?x?xf32>
  %m = memref.dim %x, %c0 : memref<?x?xf32>
  %n = memref.dim %x, %c1 : memref<?x?xf32>
  %a = memref.alloc(%m) : memref<?xf32>
  call @use(%a) : (memref<?xf32>) -> ()
  %b = memref.alloc(%n) : memref<?xf32>
  call @use(%b) : (memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// A division moves to the start only if it cannot be one by 0 there.
// CHECK-LABEL: @division
func.func @division(%call: !bit.call) -> i32 {
  // CHECK: bit.reserve
  // CHECK: memref.view
  // CHECK: bit.allocate
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = bit.input %call[0] : memref<?x?xf32>
  %m = memref.dim %x, %c0 : memref<?x?xf32>
  %n = memref.dim %x, %c1 : memref<?x?xf32>
  %atLeastOne = arith.maxsi %n, %c1 : index
  %safe = arith.divui %m, %atLeastOne : index
  %a = memref.alloc(%safe) : memref<?xf32>
  call @use(%a) : (memref<?xf32>) -> ()
  %unsafe = arith.divui %m, %n : index
  %b = memref.alloc(%unsafe) : memref<?xf32>
  call @use(%b) : (memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// A size that is read from memory is known only when the run gets there, and
// may be anything: its product is cut like the others.
// CHECK-LABEL: @data_dependent
func.func @data_dependent(%call: !bit.call) -> i32 {
  // CHECK-NOT: bit.reserve
  // CHECK: %[[N:.*]] = arith.index_cast
  // CHECK: arith.mului_extended
  // CHECK: %[[BYTES:.*]] = arith.index_cast %{{.*}} : i64 to index
  // CHECK: bit.allocate %{{.*}}[%[[BYTES]]] (%[[N]]) : memref<?xf32>
  %n = bit.input %call[0] : memref<i64>
  %v = memref.load %n[] : memref<i64>
  %i = arith.index_cast %v : i64 to index
  %a = memref.alloc(%i) : memref<?xf32>
  call @use(%a) : (memref<?xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// Two branches are never alive together; what they yield lives on.
// CHECK-LABEL: @branches
// CHECK: %[[TOTAL:.*]] = arith.constant 512 : index
func.func @branches(%call: !bit.call, %c: i1) -> i32 {
  // CHECK: bit.reserve %{{.*}}[%[[TOTAL]]]
  // CHECK: scf.if
  %r = scf.if %c -> memref<64xf32> {
    // CHECK: memref.view %{{.*}}[%c0{{.*}}][] : memref<?xi8> to memref<64xf32>
    %a = memref.alloc() : memref<64xf32>
    func.call @use2(%a) : (memref<64xf32>) -> ()
    scf.yield %a : memref<64xf32>
  } else {
    // CHECK: else
    // CHECK: memref.view %{{.*}}[%c0{{.*}}][] : memref<?xi8> to memref<64xf32>
    %b = memref.alloc() : memref<64xf32>
    func.call @use2(%b) : (memref<64xf32>) -> ()
    scf.yield %b : memref<64xf32>
  }
  // CHECK: memref.view %{{.*}}[%c256{{.*}}][] : memref<?xi8> to memref<64xf32>
  %d = memref.alloc() : memref<64xf32>
  func.call @use2(%d) : (memref<64xf32>) -> ()
  func.call @use2(%r) : (memref<64xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// What is carried, and what the loop reads from outside, keeps its place through
// all of the loop; what one iteration needs does not.
// CHECK-LABEL: @loop
// CHECK-DAG: %[[TOTAL:.*]] = arith.constant 768 : index
func.func @loop(%call: !bit.call, %c: i1) -> i32 {
  // CHECK: bit.reserve %{{.*}}[%[[TOTAL]]]
  // CHECK: memref.view %{{.*}}[%[[OUTSIDE:.*]]][] : memref<?xi8> to memref<64xf32>
  %outside = memref.alloc() : memref<64xf32>
  func.call @use2(%outside) : (memref<64xf32>) -> ()
  %r = scf.while (%x = %outside) : (memref<64xf32>) -> memref<64xf32> {
    scf.condition(%c) %x : memref<64xf32>
  } do {
  ^bb0(%x: memref<64xf32>):
    // CHECK: memref.view %{{.*}}[%[[INSIDE:.*]]][] : memref<?xi8> to memref<64xf32>
    %inside = memref.alloc() : memref<64xf32>
    func.call @use2(%inside) : (memref<64xf32>) -> ()
    // CHECK: memref.view %{{.*}}[%[[CARRIED:.*]]][] : memref<?xi8> to memref<64xf32>
    %carried = memref.alloc() : memref<64xf32>
    memref.copy %x, %carried : memref<64xf32> to memref<64xf32>
    func.call @use2(%outside) : (memref<64xf32>) -> ()
    scf.yield %carried : memref<64xf32>
  }
  func.call @use2(%r) : (memref<64xf32>) -> ()
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// In a loop a size that depends on data reuses its memory.
// CHECK-LABEL: @loop_data_dependent
func.func @loop_data_dependent(%call: !bit.call, %c: i1) -> i32 {
  // CHECK: bit.allocate %{{.*}} reuse : memref<?xf32>
  %n = bit.input %call[0] : memref<i64>
  scf.while : () -> () {
    scf.condition(%c)
  } do {
    %v = memref.load %n[] : memref<i64>
    %i = arith.index_cast %v : i64 to index
    %a = memref.alloc(%i) : memref<?xf32>
    func.call @use(%a) : (memref<?xf32>) -> ()
    scf.yield
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// A size that may be negative where the branch is not taken stays in it.
// CHECK-LABEL: @conditional_size
func.func @conditional_size(%call: !bit.call, %c: i1) -> i32 {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  %x = bit.input %call[0] : memref<?xf32>
  // CHECK: %[[N:.*]] = memref.dim
  %n = memref.dim %x, %c0 : memref<?xf32>
  // CHECK: bit.reserve
  scf.if %c {
    // CHECK: scf.if
    // CHECK: %[[LESS:.*]] = arith.subi %[[N]]
    // CHECK: bit.allocate %{{.*}} (%[[LESS]]) : memref<?xf32>
    %less = arith.subi %n, %c5 : index
    %a = memref.alloc(%less) : memref<?xf32>
    func.call @use(%a) : (memref<?xf32>) -> ()
    // CHECK: memref.view {{.*}} to memref<?xf32>
    %b = memref.alloc(%n) : memref<?xf32>
    func.call @use(%b) : (memref<?xf32>) -> ()
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}

// Siblings run at the same time: what only one of them uses does not share its
// place with what only the other one does.
// CHECK-LABEL: @siblings
// CHECK-DAG: %[[TOTAL:.*]] = arith.constant 512 : index
// CHECK: bit.reserve %{{.*}}[%[[TOTAL]]]
func.func @siblings(%call: !bit.call) -> i32 {
  %a = memref.alloc() : memref<64xf32>
  %b = memref.alloc() : memref<64xf32>
  bit.siblings {
    func.call @use2(%a) : (memref<64xf32>) -> ()
  }, {
    func.call @use2(%b) : (memref<64xf32>) -> ()
  }
  %ok = arith.constant 0 : i32
  return %ok : i32
}
