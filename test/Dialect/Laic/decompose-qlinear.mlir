// Operators on quantised tensors become dequantize_linear of each tensor with its own scale and zero point, one float operator and
// quantize_linear.
// RUN: laic-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-decompose-ops,laic-infer-shapes))' | FileCheck %s

// CHECK-LABEL: func.func @add
// CHECK-SAME: %[[A:[^:]+]]: tensor<?x3xui8> {laic.dims = ["N", 3]}, %[[SA:[^:]+]]: tensor<f32>, %[[ZA:[^:]+]]: tensor<ui8>, %[[B:[^:]+]]: tensor<3xui8>, %[[SB:[^:]+]]: tensor<f32>
// CHECK: %[[NONE:.+]] = laic.none
// CHECK-NEXT: %[[X:.+]] = laic.dequantize_linear %[[A]], %[[SA]], %[[ZA]]
// CHECK-NEXT: %[[Y:.+]] = laic.dequantize_linear %[[B]], %[[SB]], %[[NONE]]
// CHECK-NEXT: %[[SUM:.+]] = laic.add %[[X]], %[[Y]]
// CHECK-NEXT: %[[C:.+]] = laic.quantize_linear %[[SUM]], %[[SB]], %[[ZA]]
// CHECK-SAME: -> tensor<?x3xui8>
// CHECK-NEXT: return %[[C]]
func.func @add(%a: tensor<?x3xui8> {laic.dims = ["N", 3]}, %sa: tensor<f32>, %za: tensor<ui8>, %b: tensor<3xui8>, %sb: tensor<f32>) -> tensor<*xf32> {
  %none = laic.none : none
  %c = laic.qlinear_add %a, %sa, %za, %b, %sb, %none, %sb, %za : (tensor<?x3xui8>, tensor<f32>, tensor<ui8>, tensor<3xui8>, tensor<f32>, none, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %c : tensor<*xf32>
}

// -----

// The type of the result without a zero point is that of the operand (ONNX's number 3: i8).
// CHECK-LABEL: func.func @sigmoid_without_zero_points
// CHECK: %[[X:.+]] = laic.dequantize_linear
// CHECK-NEXT: %[[Y:.+]] = laic.sigmoid %[[X]]
// CHECK-NEXT: laic.quantize_linear %[[Y]]
// CHECK-SAME: output_dtype = 3
// CHECK-SAME: -> tensor<4xi8>
func.func @sigmoid_without_zero_points(%x: tensor<4xi8>, %s: tensor<f32>) -> tensor<*xf32> {
  %none = laic.none : none
  %y = laic.qlinear_sigmoid %x, %s, %none, %s, %none : (tensor<4xi8>, tensor<f32>, none, tensor<f32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// Before opset 13 Softmax sees a matrix.
// CHECK-LABEL: func.func @softmax_of_a_matrix
// CHECK: %[[MATRIX:.+]] = laic.flatten
// CHECK-SAME: -> tensor<2x12xf32>
// CHECK: %[[Y:.+]] = laic.softmax %[[MATRIX]] :
// CHECK: laic.reshape %[[Y]]
// CHECK-SAME: -> tensor<2x3x4xf32>
func.func @softmax_of_a_matrix(%x: tensor<2x3x4xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<*xf32> {
  %y = laic.qlinear_softmax %x, %s, %z, %s, %z {axis = 1 : i64, opset = 12 : i64} : (tensor<2x3x4xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @softmax_of_the_last_axis
// CHECK-NOT: laic.flatten
// CHECK: laic.softmax
// CHECK-SAME: axis = 2
func.func @softmax_of_the_last_axis(%x: tensor<2x3x4xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<*xf32> {
  %y = laic.qlinear_softmax %x, %s, %z, %s, %z {opset = 12 : i64} : (tensor<2x3x4xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// What ceil mode adds becomes padding, so that it counts.
// CHECK-LABEL: func.func @average_pool_counts_ceiling
// CHECK: laic.average_pool
// CHECK-SAME: {count_include_pad = 1 : i64, kernel_shape = array<i64: 3>, pads = array<i64: 0, 1>, strides = array<i64: 2>}
// CHECK-SAME: -> tensor<1x2x3xf32>
func.func @average_pool_counts_ceiling(%x: tensor<1x2x6xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<*xf32> {
  %y = laic.qlinear_average_pool %x, %s, %z, %s, %z {ceil_mode = 1 : i64, count_include_pad = 1 : i64, kernel_shape = array<i64: 3>, strides = array<i64: 2>} : (tensor<1x2x6xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @average_pool_without_padding
// CHECK: laic.average_pool
// CHECK-SAME: {ceil_mode = 1 : i64, kernel_shape = array<i64: 3>, strides = array<i64: 2>}
func.func @average_pool_without_padding(%x: tensor<1x2x6xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<*xf32> {
  %y = laic.qlinear_average_pool %x, %s, %z, %s, %z {ceil_mode = 1 : i64, kernel_shape = array<i64: 3>, strides = array<i64: 2>} : (tensor<1x2x6xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// C's scale is A's times B's, and alpha scales all of the sum. Without a scale of Y the result is float.
// CHECK-LABEL: func.func @gemm_to_float
// CHECK-SAME: %[[A:[^:]+]]: tensor<2x3xui8>, %[[SA:[^:]+]]: tensor<f32>, %[[ZA:[^:]+]]: tensor<ui8>, %[[B:[^:]+]]: tensor<4x3xi8>, %[[SB:[^:]+]]: tensor<4xf32>, %[[ZB:[^:]+]]: tensor<4xi8>, %[[C:[^:]+]]: tensor<4xi32>
// CHECK: %[[X:.+]] = laic.dequantize_linear %[[A]], %[[SA]], %[[ZA]]
// CHECK: %[[W:.+]] = laic.dequantize_linear %[[B]], %[[SB]], %[[ZB]] {axis = 0
// CHECK: %[[S:.+]] = laic.mul %[[SA]], %[[SB]]
// CHECK: %[[BIAS:.+]] = laic.dequantize_linear %[[C]], %[[S]]
// CHECK-SAME: axis = -1
// CHECK: %[[Y:.+]] = laic.gemm %[[X]], %[[W]], %[[BIAS]] {alpha = 5.000000e-01 : f32, beta = 5.000000e-01 : f32, transB = 1 : i64}
// CHECK-SAME: -> tensor<2x4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @gemm_to_float(%a: tensor<2x3xui8>, %sa: tensor<f32>, %za: tensor<ui8>, %b: tensor<4x3xi8>, %sb: tensor<4xf32>, %zb: tensor<4xi8>, %c: tensor<4xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  %y = laic.qgemm %a, %sa, %za, %b, %sb, %zb, %c, %none, %none {alpha = 0.5 : f32, transB = 1 : i64} : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<4x3xi8>, tensor<4xf32>, tensor<4xi8>, tensor<4xi32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
