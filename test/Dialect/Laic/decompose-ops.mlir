// Operations that are given by others become those.
// RUN: laic-opt %s --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-decompose-ops,laic-infer-shapes))' | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x3xf32>
// CHECK-NOT: laic.cast_like
// CHECK: %[[Y:.+]] = laic.cast %[[X]]
// CHECK-SAME: -> tensor<?x3xf16>
// CHECK: return %[[Y]]
func.func @main(%x: tensor<?x3xf32> {laic.dims = ["N", 3], laic.name = "x"}, %like: tensor<1xf16> {laic.dims = [1], laic.name = "like"})
    -> (tensor<*xf16> {laic.name = "y"}) {
  %0 = laic.cast_like %x, %like : (tensor<?x3xf32>, tensor<1xf16>) -> tensor<*xf16>
  return %0 : tensor<*xf16>
}
