// Sizes that are data: elements of inputs stay symbols, what the call computes is read back.
// RUN: laic-opt --laic-infer-shapes --laic-lower-to-linalg --split-input-file %s | FileCheck %s

// One read serves all who ask, and stands behind the tensor's producer.
// CHECK-LABEL: func.func @computed_shape
// CHECK-SAME: {arg = 0 : i64, index = 0 : i64, kind = "read"}
// CHECK: %[[T:.*]] = linalg.generic
// CHECK: laic.read_sizes %[[T]] as 0 : tensor<2xi64>
// CHECK-NOT: laic.read_sizes
func.func @computed_shape(%x: tensor<6xf32>, %s: tensor<2xf32>) -> (tensor<*xf32>, tensor<*xf32>) {
  %t = laic.cast %s {to = 7 : i64} : (tensor<2xf32>) -> tensor<*xi64>
  %y = laic.reshape %x, %t : (tensor<6xf32>, tensor<*xi64>) -> tensor<*xf32>
  %z = laic.expand %x, %t : (tensor<6xf32>, tensor<*xi64>) -> tensor<*xf32>
  return %y, %z : tensor<*xf32>, tensor<*xf32>
}

// -----

// Contents that are known need no read.
// CHECK-LABEL: func.func @known_shape
// CHECK-NOT: laic.read_sizes
func.func @known_shape(%x: tensor<6xf32>, %a: tensor<2xi64>) -> tensor<*xf32> {
  %y = laic.reshape %x, %a : (tensor<6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// An axis that is an input: the sum of the two loops' indices reads the operand, and one of each pair has a single step.
// CHECK: #[[READ:.*]] = affine_map<(d0, d1, d2, d3) -> (d0 + d2, d1 + d3)>
// CHECK-LABEL: func.func @reduce_over_an_input
// CHECK: linalg.generic {indexing_maps = [#[[READ]],
func.func @reduce_over_an_input(%x: tensor<4x5xf32>, %axes: tensor<1xi64>) -> tensor<*xf32> {
  %y = laic.reduce_sum %x, %axes : (tensor<4x5xf32>, tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// A range of floats counts its elements first.
// CHECK-LABEL: func.func @range_of_floats
// CHECK: %[[N:.*]] = linalg.generic
// CHECK: laic.read_sizes %[[N]] as 0 : tensor<i64>
func.func @range_of_floats(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>) -> tensor<*xf32> {
  %y = laic.range %a, %b, %c : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
