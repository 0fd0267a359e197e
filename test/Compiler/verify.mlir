// RUN: rm -rf %t && mkdir %t
// RUN: bit-opt %s -o %t/m.so --verify --report=%t/m.json 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=JSON --input-file=%t/m.json
// RUN: bit-opt %s -o %t/m.so --verify=2 2>&1 | FileCheck %s --check-prefix=TWO
// RUN: bit-opt %s -o %t/m.so --level=x86-64-v3 --verify=1 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: bit-opt %s -o %t/m.so --report=%t/none.json 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: FileCheck %s --check-prefix=NULL --input-file=%t/none.json
// RUN: ls -a %t | FileCheck %s --check-prefix=FILES

// CHECK: verified 8 input sets on {{.*}}x86-64-v3{{.*}}: 2 outputs equal bit for bit
// TWO: verified 2 input sets on
// LEVEL: verified 1 input sets on x86-64-v3: 2 outputs
// NONE-NOT: verified
// NULL: "verification": null

// JSON: "verification": {
// JSON: "agrees": true
// JSON: "failures": []
// JSON: "levels_not_run":
// JSON: "differing": 0
// JSON: "elements": {{[1-9]}}
// JSON: "name": "y"
// JSON: "worst_absolute": 0
// JSON: "worst_relative": 0
// JSON: "sets": 8
// JSON: "skipped": []

// Nothing but the outputs stays.
// FILES-NOT: .bit-opt
// FILES-NOT: reference
// FILES: m.so

func.func @main_graph(%x: tensor<?x16xf32> {onnx.name = "x"}, %mask: tensor<4xi1> {onnx.name = "mask"})
    -> (tensor<?x2xf32> {onnx.name = "y"}, tensor<4xi1> {onnx.name = "same"}) {
  %codes = arith.constant dense<[[1, 0, -1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
                                 [0, 1, 1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]]> : tensor<2x16xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<?x16xf32>, tensor<2x16xi8>, tensor<1xf32>) -> tensor<?x2xf32>
  return %y, %mask : tensor<?x2xf32>, tensor<4xi1>
}
