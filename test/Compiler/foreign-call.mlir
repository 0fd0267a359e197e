// RUN: rm -f %t.so
// RUN: not bit-opt %s -o %t.so 2>&1 | FileCheck %s
// RUN: not ls %t.so

// What a library would miss where it is loaded is an error where it is made.
// CHECK: error: {{.*}}expects compiled code to call nothing outside, got a call of 'outside'
llvm.func @outside()
func.func @main_graph(%x: tensor<4xf32> {onnx.name = "x"}) -> (tensor<4xf32> {onnx.name = "y"}) {
  llvm.call @outside() : () -> ()
  return %x : tensor<4xf32>
}
