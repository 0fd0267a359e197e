// RUN: bit-opt %s -o %t.so
// RUN: llvm-nm -D --undefined-only %t.so | FileCheck %s --allow-empty

// The last elements are stored with a mask, as integers: no call of __truncsfbf2.
// CHECK-NOT: trunc
func.func @main_graph(%x: tensor<?xf32> {onnx.name = "x", onnx.dims = ["n"]}) -> (tensor<?xbf16> {onnx.name = "y", onnx.dims = ["n"]}) {
  %c0 = arith.constant 0 : index
  %d = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%d) : tensor<?xbf16>
  %y = linalg.generic {indexing_maps = [affine_map<(m) -> (m)>, affine_map<(m) -> (m)>], iterator_types = ["parallel"]} ins(%x : tensor<?xf32>) outs(%e : tensor<?xbf16>) {
  ^bb0(%a: f32, %o: bf16):
    %t = arith.truncf %a : f32 to bf16
    linalg.yield %t : bf16
  } -> tensor<?xbf16>
  return %y : tensor<?xbf16>
}
