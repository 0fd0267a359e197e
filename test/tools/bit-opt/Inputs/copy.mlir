func.func @main_graph(%x: tensor<?x64xf32> {onnx.name = "x"}) -> (tensor<?x64xf32> {onnx.name = "y"}) {
  return %x : tensor<?x64xf32>
}
