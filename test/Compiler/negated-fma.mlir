// RUN: bit-opt %s --target=aarch64 --emit=asm -o - | FileCheck %s

// AArch64's fnmadd is -(a * b) - c, which is +0 where -fma(a, b, c) is -0.
// CHECK-NOT: fnmadd
// CHECK: fmadd [[R:s[0-9]+]],
// CHECK-NOT: fnmadd
// CHECK: fneg s{{[0-9]+}}, [[R]]
// CHECK-NOT: fnmadd
func.func @main_graph(%x: tensor<f32> {onnx.name = "x"}, %z: tensor<f32> {onnx.name = "z"}) -> (tensor<f32> {onnx.name = "y"}) {
  %e = tensor.empty() : tensor<f32>
  %y = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
      ins(%x, %z : tensor<f32>, tensor<f32>) outs(%e : tensor<f32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %f = math.fma %a, %a, %c : f32
    %n = arith.negf %f : f32
    linalg.yield %n : f32
  } -> tensor<f32>
  return %y : tensor<f32>
}
