// The inner loops that the compiler makes of x86.vnni_p2: what they count, and how long llvm-mca thinks they take. The
// model of Zen 4 gives vpdpbusd half of its measured speed, so it sees but large changes; Ice Lake's sees each vector
// instruction.

// RUN: sed 's/TOKENS/1/g' %s > %t1.mlir && bit-opt %t1.mlir --level=avx512vnni --emit=asm -o %t1.s
// RUN: %hot_loop %t1.s --cpu=znver4=36.04 --cpu=icelake-server=16.09 | FileCheck %s --check-prefix=ONE
// RUN: sed 's/TOKENS/2/g' %s > %t2.mlir && bit-opt %t2.mlir --level=avx512vnni --emit=asm -o %t2.s
// RUN: %hot_loop %t2.s --cpu=znver4=38.53 --cpu=icelake-server=15.04 | FileCheck %s --check-prefix=TWO
// RUN: sed 's/TOKENS/3/g' %s > %t3.mlir && bit-opt %t3.mlir --level=avx512vnni --emit=asm -o %t3.s
// RUN: %hot_loop %t3.s --cpu=znver4=36.02 --cpu=icelake-server=12.70 | FileCheck %s --check-prefix=THREE
// RUN: sed 's/TOKENS/4/g' %s > %t4.mlir && bit-opt %t4.mlir --level=avx512vnni --emit=asm -o %t4.s
// RUN: %hot_loop %t4.s --cpu=znver4=36.02 --cpu=icelake-server=11.52 | FileCheck %s --check-prefix=FOUR

// 64 rows x 16 k: 4 loads of weights and 4 of codes, a mask for each product, no shift.
// ONE: products: 1024
// ONE-NEXT: loads: 8
// ONE-NEXT: stores: 0
// ONE-NEXT: stack: 0
// ONE-NEXT: instructions: 44
// ONE-DAG: vpandq: 16
// ONE-DAG: vpbroadcastd: 4
// ONE-DAG: vpdpbusd: 16
// ONE-NOT: vpsrld
// Masks and products in turn would take 18.9 cycles instead of 16.2, which no model knows.
// ONE: runs of products: 4

// More tokens share 16 masks and 12 shifts.
// TWO: products: 2048
// TWO-NEXT: loads: 12
// TWO-NEXT: stores: 0
// TWO-NEXT: stack: 0
// TWO-DAG: vpandq: 16
// TWO-DAG: vpbroadcastd: 8
// TWO-DAG: vpdpbusd: 32
// TWO-DAG: vpsrld: 12

// THREE: products: 3072
// THREE-NEXT: loads: 16
// THREE-NEXT: stores: 0
// THREE-NEXT: stack: 0
// THREE-DAG: vpandq: 16
// THREE-DAG: vpdpbusd: 48

// FOUR: products: 4096
// FOUR-NEXT: loads: 20
// FOUR-NEXT: stores: 0
// FOUR-NEXT: stack: 0
// FOUR-NEXT: instructions: 119
// FOUR-DAG: prefetcht1: 4
// FOUR-DAG: vpandq: 16
// FOUR-DAG: vpbroadcastd: 16
// FOUR-DAG: vpdpbusd: 64
// FOUR-DAG: vpsrld: 12

func.func @main_graph(%x: tensor<TOKENSx2560xf32> {onnx.name = "x"}) -> (tensor<TOKENSx640xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<640x2560xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<TOKENSx2560xf32>, tensor<640x2560xi8>, tensor<1xf32>) -> tensor<TOKENSx640xf32>
  return %y : tensor<TOKENSx640xf32>
}
