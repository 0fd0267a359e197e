// RUN: bit-opt %s -o %t.so
// RUN: llvm-nm -D --undefined-only %t.so | FileCheck %s --allow-empty

// Nor does the select of canonical NaNs, which static code keeps: no call of __truncsfbf2.
// CHECK-NOT: trunc
func.func @main_graph(%x: tensor<12xf32> {onnx.name = "x"}) -> (tensor<12xbf16> {onnx.name = "y"}) {
  %c0 = arith.constant 0 : index
  %d = tensor.dim %x, %c0 : tensor<12xf32>
  %e = tensor.empty() : tensor<12xbf16>
  %y = linalg.generic {indexing_maps = [affine_map<(m) -> (m)>, affine_map<(m) -> (m)>], iterator_types = ["parallel"]} ins(%x : tensor<12xf32>) outs(%e : tensor<12xbf16>) {
  ^bb0(%a: f32, %o: bf16):
    %t = arith.truncf %a : f32 to bf16
    linalg.yield %t : bf16
  } -> tensor<12xbf16>
  return %y : tensor<12xbf16>
}
