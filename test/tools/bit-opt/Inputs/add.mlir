func.func @main_graph(%x: tensor<?x64xf32> {onnx.name = "x"}) -> (tensor<?x64xf32> {onnx.name = "y"}) {
  %y = onnx.Add %x, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
