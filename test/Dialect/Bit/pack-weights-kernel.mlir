// RUN: not bit-opt %s --bit-pack-weights=kernel=generic.p3 2>&1 | FileCheck %s
// RUN: not bit-opt %s --bit-pack-weights=binary-kernel=generic.p3 2>&1 | FileCheck %s
// CHECK: error: expects a registered kernel to pack for, got 'generic.p3'
func.func private @any()
