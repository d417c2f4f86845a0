// A function that will be ONNX again keeps the operators that inference and decomposition would replace.
// RUN: laic-opt %s --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-decompose-ops{foreign-only=true}))' | FileCheck %s
// RUN: laic-opt %s --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-decompose-ops))' | FileCheck %s --check-prefix=ALL

// CHECK-LABEL: func.func @counted
// CHECK-SAME: laic.onnx
// CHECK-NOT: fill_non_zero
// CHECK: %[[FOUND:.*]] = laic.non_zero %{{.*}} -> tensor<2x?xi64>
// CHECK-NEXT: laic.transpose %[[FOUND]] {{.*}} -> tensor<?x2xi64>
// CHECK-NOT: laic.read_sizes
// CHECK: return
// ALL-LABEL: func.func @counted
// ALL-NOT: laic.onnx
func.func @counted(%x: tensor<3x4xf32> {laic.dims = [3, 4], laic.name = "x"}) -> (tensor<*xi64> {laic.name = "y"}) attributes {laic.onnx} {
  %0 = laic.non_zero %x : (tensor<3x4xf32>) -> tensor<*xi64>
  %1 = laic.transpose %0 : (tensor<*xi64>) -> tensor<*xi64>
  return %1 : tensor<*xi64>
}

// CHECK-LABEL: func.func @counted_for_code
// CHECK-NOT: laic.non_zero
// CHECK: laic.fill_non_zero
func.func @counted_for_code(%x: tensor<3x4xf32> {laic.dims = [3, 4], laic.name = "x"}) -> (tensor<*xi64> {laic.name = "y"}) {
  %0 = laic.non_zero %x : (tensor<3x4xf32>) -> tensor<*xi64>
  return %0 : tensor<*xi64>
}

// CHECK-LABEL: func.func @composed
// CHECK: laic.cast_like
// ALL-LABEL: func.func @composed
// ALL-NOT: laic.cast_like
func.func @composed(%x: tensor<?x3xf32> {laic.dims = ["N", 3], laic.name = "x"}, %like: tensor<1xf16> {laic.dims = [1], laic.name = "like"})
    -> (tensor<*xf16> {laic.name = "y"}) attributes {laic.onnx} {
  %0 = laic.cast_like %x, %like : (tensor<?x3xf32>, tensor<1xf16>) -> tensor<*xf16>
  return %0 : tensor<*xf16>
}

// A map is two values here and one there.
// CHECK-LABEL: func.func @foreign
// CHECK-NOT: laic.zip_map
// CHECK: laic.constant
func.func @foreign(%x: tensor<1x2xf32> {laic.dims = [1, 2], laic.name = "x"}) -> (tensor<*xi64> {laic.name = "k"}, tensor<*xf32> {laic.name = "v"})
    attributes {laic.onnx} {
  %0, %1 = laic.zip_map %x {classlabels_int64s = array<i64: 5, 6>} : (tensor<1x2xf32>) -> (tensor<*xi64>, tensor<*xf32>)
  return %0, %1 : tensor<*xi64>, tensor<*xf32>
}
