// One model for AArch64 in every form, made on any machine.

// RUN: rm -rf %t && mkdir %t

// RUN: bit-opt %s --target=aarch64 -o %t/m.so 2>&1 | FileCheck %s --check-prefix=SUMMARY
// SUMMARY: levels i8mm, dotprod, neon;

// RUN: llvm-readelf -h -l -d --dyn-syms %t/m.so | FileCheck %s --check-prefix=SO
// SO: Type: DYN (Shared object file)
// SO: Machine: AArch64
// Kernels with pages of 64 KiB load it, and those of Android with 16.
// SO: LOAD {{.*}} 0x10000
// SO-NOT: (NEEDED)
// It exports one function and imports nothing but mem*.
// SO: Symbol table '.dynsym' contains
// SO: 0000000000000000 {{.*}} NOTYPE LOCAL DEFAULT UND
// SO-NOT: UND {{(bcmp|__)}}
// SO: GLOBAL DEFAULT {{ *[0-9]+}} m_describe

// RUN: bit-opt %s --target=aarch64 --level=neon -o %t/m.o --name=m
// RUN: llvm-readelf -h %t/m.o | FileCheck %s --check-prefix=OBJ
// OBJ: Type: REL (Relocatable file)
// OBJ: Machine: AArch64
// RUN: llvm-nm %t/m.o | FileCheck %s --check-prefix=NM
// NM-NOT: U {{[^m]}}
// NM: T m_describe
// NM-NOT: U {{[^m]}}

// RUN: bit-opt %s --target=aarch64-unknown-linux-musl --level=neon -o %t/m.a --name=m
// RUN: llvm-ar t %t/m.a | FileCheck %s --check-prefix=MEMBERS
// MEMBERS-DAG: code.o
// MEMBERS-DAG: weights.o
// RUN: llvm-readelf -h %t/m.a | FileCheck %s --check-prefix=STATIC
// STATIC-COUNT-2: Machine: AArch64

// Android is the same but for its registers, and that what calls mem* names where they are.
// RUN: bit-opt %S/Inputs/copy.mlir --target=aarch64-linux-android -o %t/copy.so
// RUN: llvm-readelf -d --dyn-syms %t/copy.so | FileCheck %s --check-prefix=COPY
// COPY: (NEEDED) Shared library: [libc.so]
// COPY: UND memcpy
// RUN: bit-opt %s --target=aarch64-linux-android --level=neon -o %t/android.so --report=%t/android.json
// RUN: llvm-readelf -h -l -d %t/android.so | FileCheck %s --check-prefix=ANDROID
// RUN: FileCheck %s --check-prefix=REPORT --input-file=%t/android.json
// RUN: llvm-objdump -d %t/android.so | FileCheck %s --check-prefix=X18
// ANDROID: Machine: AArch64
// ANDROID: LOAD {{.*}} 0x10000
// ANDROID-NOT: NEEDED
// REPORT: "target": "aarch64-unknown-linux-android"
// X18: ret
// X18-NOT: {{[^0-9a-z]}}{{[wx]}}18{{[^0-9a-f]}}

// Each level uses what it says and nothing beyond it.
// RUN: bit-opt %s --target=aarch64 --level=neon -o %t/neon.s
// RUN: FileCheck %s --check-prefix=NEON --input-file=%t/neon.s
// NEON-NOT: {{sdot|udot|usdot|smmla|usmmla}}
// NEON: main_graph.neon:
// NEON-NOT: {{sdot|udot|usdot|smmla|usmmla}}

// RUN: bit-opt %s --target=aarch64 --level=dotprod -o %t/m.ll
// RUN: FileCheck %s --check-prefix=LL --input-file=%t/m.ll
// LL: target triple = "aarch64-unknown-linux-gnu"
// LL: "target-features"="+neon,+dotprod"

// Without products by codes the code of all levels is the same: there is one.
// RUN: bit-opt %S/Inputs/add.mlir --target=aarch64 -o %t/add.so 2>&1 | FileCheck %s --check-prefix=ONE
// ONE: levels neon;

func.func @main_graph(%x: tensor<?x64xf32> {onnx.name = "x"}) -> (tensor<?x32xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<32x64xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<?x64xf32>, tensor<32x64xi8>, tensor<1xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
