// RUN: bit-opt %s --bit-clone-levels=levels=fast:+avx2+fma,slow:+sse3 | FileCheck %s
// RUN: bit-opt %s --bit-clone-levels | FileCheck %s --check-prefix=NONE

// CHECK: func.func @main_graph.fast() attributes {passthrough = {{\[\[}}"target-features", "+avx2,+fma"]]}
// CHECK-NEXT: call @kernel.fast()
// CHECK: func.func private @kernel.fast()
// CHECK: func.func @main_graph.slow() attributes {passthrough = {{\[\[}}"target-features", "+sse3"]]}
// CHECK-NEXT: call @kernel.slow()
// CHECK-NOT: func.func @main_graph()

// NONE: func.func @main_graph()
func.func @main_graph() {
  call @kernel() : () -> ()
  return
}

func.func private @kernel() {
  return
}
