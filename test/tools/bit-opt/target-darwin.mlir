// Objects and archives for macOS and iOS; compiled and inspected, as there is no machine to run them.

// RUN: rm -rf %t && mkdir %t

// RUN: bit-opt %s --target=arm64-apple-macosx --level=neon -o %t/m.o --name=m
// RUN: llvm-readobj -h --macho-version-min --sections %t/m.o | FileCheck %s --check-prefix=OBJ
// RUN: llvm-nm %t/m.o | FileCheck %s --check-prefix=NM
// OBJ: Format: Mach-O arm64
// OBJ: FileType: Relocatable (0x1)
// OBJ: Section {
// OBJ: Platform: macos
// OBJ-NEXT: Version: 11.0

// Nothing is imported but what the C library has; the weights are inside.
// NM-NOT: U {{_[^mb]}}
// NM: T _m_describe
// NM: s _m_weights
// NM-NOT: U {{_[^mb]}}

// The bytes of the weights, which here are all 1, are those of an ELF library: 2 bits of 2.
// RUN: llvm-objdump --full-contents --section=__const %t/m.o | FileCheck %s --check-prefix=DATA
// DATA: aaaaaaaa aaaaaaaa aaaaaaaa aaaaaaaa

// RUN: bit-opt %s --target=arm64-apple-ios --level=neon -o %t/ios.a --name=m
// RUN: llvm-ar t %t/ios.a | FileCheck %s --check-prefix=MEMBERS
// RUN: llvm-readobj -h --macho-version-min %t/ios.a | FileCheck %s --check-prefix=IOS
// RUN: llvm-nm --print-armap %t/ios.a | FileCheck %s --check-prefix=MAP
// MEMBERS: code.o
// MEMBERS-NOT: weights.o
// IOS: Format: Mach-O arm64
// IOS: Platform: ios
// IOS-NEXT: Version: 14.0
// MAP: _m_describe in code.o

// A version that is given stays.
// RUN: bit-opt %s --target=arm64-apple-macosx13.1 --level=neon -o %t/later.o
// RUN: llvm-readobj --macho-version-min %t/later.o | FileCheck %s --check-prefix=LATER
// LATER: Platform: macos
// LATER-NEXT: Version: 13.1

func.func @main_graph(%x: tensor<?x64xf32> {onnx.name = "x"}) -> (tensor<?x32xf32> {onnx.name = "y"}) {
  %codes = arith.constant dense<1> : tensor<32x64xi8>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %y = bit.linear %x, %codes, %scale weights = ternary quantizer = <bits = 8>
      : (tensor<?x64xf32>, tensor<32x64xi8>, tensor<1xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
