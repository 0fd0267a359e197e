// RUN: bit-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Known pads are a fill and a copy; nothing is read by its index.
// CHECK-LABEL: func @pad_constant
// CHECK: %[[FILL:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<5x?xf32>)
// CHECK: tensor.insert_slice %arg0 into %[[FILL]][1, 0] [3, %{{.*}}] [1, 1]
func.func @pad_constant(%x: tensor<3x?xf32>) -> tensor<5x?xf32> {
  %pads = onnx.Constant dense<[1, 0, 1, 2]> : tensor<4xi64>
  %0 = onnx.Pad %x, %pads {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3x?xf32>, tensor<4xi64>) -> tensor<5x?xf32>
  return %0 : tensor<5x?xf32>
}

// -----

// Pads of the run may be negative: a write at an offset could leave the buffer.
// CHECK-LABEL: func @pad_dynamic
// CHECK: cf.assert %{{.*}}, "expects pads that leave 0 or more of axis 0"
// CHECK-NOT: tensor.insert_slice
// CHECK: linalg.generic
// CHECK: arith.cmpi ult
// CHECK: scf.if
// CHECK: tensor.extract %arg0
func.func @pad_dynamic(%x: tensor<3xf32>, %pads: tensor<2xi64>, %v: tensor<f32>) -> tensor<?xf32> {
  %0 = onnx.Pad %x, %pads, %v {operandSegmentSizes = array<i32: 1, 1, 1, 0>} : (tensor<3xf32>, tensor<2xi64>, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func @pad_reflect
// CHECK: cf.assert %{{.*}}, "expects no empty axis where its own elements are the padding"
// CHECK: arith.remsi
func.func @pad_reflect(%x: tensor<?xf32>) -> tensor<?xf32> {
  %pads = onnx.Constant dense<[2, 2]> : tensor<2xi64>
  %0 = onnx.Pad %x, %pads {mode = "reflect", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Copies are a dim of their own: no index is divided.
// CHECK-LABEL: func @tile
// CHECK: linalg.generic
// CHECK-SAME: ins(%arg0 : tensor<2x3xf32>) outs(%{{.*}} : tensor<2x4x3xf32>)
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]] : tensor<2x4x3xf32> into tensor<2x12xf32>
func.func @tile(%x: tensor<2x3xf32>) -> tensor<2x12xf32> {
  %r = onnx.Constant dense<[1, 4]> : tensor<2xi64>
  %0 = onnx.Tile %x, %r : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x12xf32>
  return %0 : tensor<2x12xf32>
}

// -----

// CHECK-LABEL: func @depth_to_space
// CHECK: cf.assert %{{.*}}, "expects a number of channels divisible by 4"
// CHECK: tensor.expand_shape
// CHECK: linalg.generic
// CHECK: tensor.collapse_shape {{.*}} {{\[\[}}0], [1], [2, 3], [4, 5]]
func.func @depth_to_space(%x: tensor<1x?x2x3xf32>) -> tensor<1x?x4x6xf32> {
  %0 = onnx.DepthToSpace %x {blocksize = 2 : i64} : (tensor<1x?x2x3xf32>) -> tensor<1x?x4x6xf32>
  return %0 : tensor<1x?x4x6xf32>
}

// -----

// CHECK-LABEL: func @trilu
// CHECK: %[[K:.*]] = tensor.extract %arg1
// CHECK: linalg.generic
// CHECK: %[[D:.*]] = arith.index_cast
// CHECK: arith.cmpi sle, %[[K]], %[[D]] : i64
func.func @trilu(%x: tensor<4x4xbf16>, %k: tensor<i64>) -> tensor<4x4xbf16> {
  %0 = onnx.Trilu %x, %k : (tensor<4x4xbf16>, tensor<i64>) -> tensor<4x4xbf16>
  return %0 : tensor<4x4xbf16>
}

// -----

// CHECK-LABEL: func @one_hot
// CHECK: cf.assert %{{.*}}, "expects a depth of 0 or more"
// CHECK: linalg.generic
// CHECK: linalg.index 1
// CHECK: arith.select
func.func @one_hot(%i: tensor<3xi32>, %d: tensor<i64>, %v: tensor<2xf32>) -> tensor<3x?xf32> {
  %0 = onnx.OneHot %i, %d, %v : (tensor<3xi32>, tensor<i64>, tensor<2xf32>) -> tensor<3x?xf32>
  return %0 : tensor<3x?xf32>
}

// -----

// CHECK-LABEL: func @reverse_sequence
// CHECK: cf.assert %{{.*}}, "expects sequence_lens within axis 0"
// CHECK: tensor.extract %arg0
func.func @reverse_sequence(%x: tensor<4x2xf32>, %l: tensor<2xi64>) -> tensor<4x2xf32> {
  %0 = onnx.ReverseSequence %x, %l : (tensor<4x2xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// One chain a row in f32; each result is rounded once.
// CHECK-LABEL: func @cum_sum
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.extf
// CHECK: arith.addf
// CHECK: arith.truncf
// CHECK: tensor.insert
func.func @cum_sum(%x: tensor<2x?xf16>) -> tensor<2x?xf16> {
  %axis = onnx.Constant dense<1> : tensor<i64>
  %0 = onnx.CumSum %x, %axis : (tensor<2x?xf16>, tensor<i64>) -> tensor<2x?xf16>
  return %0 : tensor<2x?xf16>
}

// -----

// Nothing is taken, so nothing is where a slice could start.
// CHECK-LABEL: func @split_empty
// CHECK: tensor.empty() : tensor<0xf32>
// CHECK-NOT: tensor.extract_slice
func.func @split_empty(%x: tensor<0xf32>) -> (tensor<0xf32>, tensor<0xf32>) {
  %s = onnx.Constant dense<0> : tensor<2xi64>
  %0, %1 = onnx.Split %x, %s : (tensor<0xf32>, tensor<2xi64>) -> (tensor<0xf32>, tensor<0xf32>)
  return %0, %1 : tensor<0xf32>, tensor<0xf32>
}

// -----

// Each coordinate is clamped before anything is read.
// CHECK-LABEL: func @grid_sample
// CHECK: cf.assert %{{.*}}, "expects an input and a grid of one batch size"
// CHECK: linalg.generic
// CHECK: math.roundeven
// CHECK: arith.minimumf
// CHECK: tensor.extract %arg0
// CHECK: arith.select
func.func @grid_sample(%x: tensor<?x1x4x4xf32>, %g: tensor<1x2x3x2xf32>) -> tensor<?x1x2x3xf32> {
  %0 = onnx.GridSample %x, %g {mode = "nearest"} : (tensor<?x1x4x4xf32>, tensor<1x2x3x2xf32>) -> tensor<?x1x2x3xf32>
  return %0 : tensor<?x1x2x3xf32>
}

// -----

// A row of zeros stays one.
// CHECK-LABEL: func @lp_normalization
// CHECK: math.sqrt
// CHECK: %[[ZERO:.*]] = arith.cmpf oeq
// CHECK: arith.divf
// CHECK: arith.select %[[ZERO]]
func.func @lp_normalization(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = onnx.LpNormalization %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// The scale of a block is read at the element's index divided by its size.
// CHECK-LABEL: func @quantize_blocks
// CHECK: cf.assert %{{.*}}, "expects one scale for each block"
// CHECK: arith.divui
// CHECK: tensor.extract %arg1
func.func @quantize_blocks(%x: tensor<2x5xf32>, %s: tensor<2x?xf32>) -> tensor<2x5xui8> {
  %z = onnx.Constant dense<0> : tensor<2x3xui8>
  %0 = onnx.QuantizeLinear %x, %s, %z {axis = 1 : i64, block_size = 2 : i64} : (tensor<2x5xf32>, tensor<2x?xf32>, tensor<2x3xui8>) -> tensor<2x5xui8>
  return %0 : tensor<2x5xui8>
}

// -----

// CHECK-LABEL: func @shift_signed
// CHECK: arith.cmpi ult
// CHECK: arith.shrsi
func.func @shift_signed(%x: tensor<4xi8>) -> tensor<4xi8> {
  %0 = onnx.BitShift %x, %x {direction = "RIGHT"} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

// CHECK-LABEL: func @bit_cast
// CHECK: arith.bitcast %{{.*}} : f16 to i16
func.func @bit_cast(%x: tensor<4xf16>) -> tensor<4xui16> {
  %0 = onnx.BitCast %x {to = 4 : i64} : (tensor<4xf16>) -> tensor<4xui16>
  return %0 : tensor<4xui16>
}

// -----

// Random numbers are for training; whether it is, the run may decide.
// CHECK-LABEL: func @dropout
// CHECK: cf.assert %{{.*}}, "expects no training, or a ratio of 0"
// CHECK: %[[MASK:.*]] = linalg.fill {{.*}} -> tensor<3xi1>
// CHECK: return %arg0, %[[MASK]]
func.func @dropout(%x: tensor<3xf32>, %r: tensor<f32>, %t: tensor<i1>) -> (tensor<3xf32>, tensor<3xi1>) {
  %0, %1 = onnx.Dropout %x, %r, %t {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3xf32>, tensor<f32>, tensor<i1>) -> (tensor<3xf32>, tensor<3xi1>)
  return %0, %1 : tensor<3xf32>, tensor<3xi1>
}
