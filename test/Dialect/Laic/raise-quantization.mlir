// RUN: laic-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-raise-quantization))' | FileCheck %s

// Through two movements; what was dequantised with the same scale is what it was, with another one it is rounded again.
// CHECK-LABEL: func.func @concat(
// CHECK-SAME: %[[A:[^:]*]]: tensor<1x2x4xui8>, %[[B:[^:]*]]: tensor<1x3x4xui8>, %[[C:[^:]*]]: tensor<1x3x4xf32>)
// CHECK: %[[BF:.*]] = laic.dequantize_linear %[[B]]
// CHECK-DAG: %[[BQ:.*]] = laic.quantize_linear %[[BF]]
// CHECK-DAG: %[[CQ:.*]] = laic.quantize_linear %[[C]]
// CHECK: %[[ALL:.*]] = laic.concat %[[A]], %[[BQ]], %[[CQ]] {{.*}} -> tensor<1x8x4xui8>
// CHECK: %[[T:.*]] = laic.transpose %[[ALL]] {{.*}} -> tensor<1x4x8xui8>
// CHECK: return %[[T]]
func.func @concat(%a: tensor<1x2x4xui8>, %b: tensor<1x3x4xui8>, %c: tensor<1x3x4xf32>) -> tensor<1x4x8xui8> {
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %same = laic.constant {value = dense<0.5> : tensor<1xf32>} : tensor<1xf32>
  %other = laic.constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
  %z = laic.constant {value = dense<3> : tensor<ui8>} : tensor<ui8>
  %af = laic.dequantize_linear %a, %same, %z : (tensor<1x2x4xui8>, tensor<1xf32>, tensor<ui8>) -> tensor<*xf32>
  %bf = laic.dequantize_linear %b, %other, %z : (tensor<1x3x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %all = laic.concat %af, %bf, %c {axis = 1 : i64} : (tensor<*xf32>, tensor<*xf32>, tensor<1x3x4xf32>) -> tensor<*xf32>
  %t = laic.transpose %all {perm = array<i64: 0, 2, 1>} : (tensor<*xf32>) -> tensor<*xf32>
  %q = laic.quantize_linear %t, %s, %z : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x4x8xui8>
  return %q : tensor<1x4x8xui8>
}

// -----

// Rounding keeps order, and clamps as Relu does where 0 is the least integer.
// CHECK-LABEL: func.func @pool(
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x2x8x8xf32>
// CHECK: %[[N:.*]] = laic.neg %[[X]]
// CHECK-NEXT: %[[Q:.*]] = laic.quantize_linear %[[N]]
// CHECK-NEXT: laic.max_pool %[[Q]] {{.*}} -> (tensor<1x2x4x4xui8>
func.func @pool(%x: tensor<1x2x8x8xf32>) -> tensor<1x2x4x4xui8> {
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = laic.constant {value = dense<0> : tensor<ui8>} : tensor<ui8>
  %n = laic.neg %x : (tensor<1x2x8x8xf32>) -> tensor<*xf32>
  %r = laic.relu %n : (tensor<*xf32>) -> tensor<*xf32>
  %y, %indices = laic.max_pool %r {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<*xf32>) -> (tensor<*xf32>, tensor<*xi64>)
  %q = laic.quantize_linear %y, %s, %z : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xui8>
  return %q : tensor<1x2x4x4xui8>
}

// -----

// What something else reads in floats, a scale for each channel, a Relu above the least integer, and the pool of an input stay.
// CHECK-LABEL: func.func @stays(
// CHECK: laic.transpose %{{.*}} -> tensor<4x2xf32>
// CHECK-NEXT: laic.quantize_linear
// CHECK: laic.transpose %{{.*}} -> tensor<4x2xf32>
// CHECK-NEXT: laic.quantize_linear
// CHECK: laic.relu
// CHECK-NEXT: laic.quantize_linear
// CHECK: laic.max_pool
// CHECK-NEXT: laic.quantize_linear
func.func @stays(%x: tensor<2x4xf32>, %image: tensor<1x1x4x4xf32>) -> (tensor<4x2xui8>, tensor<*xf32>, tensor<4x2xui8>, tensor<2x4xui8>, tensor<*xui8>) {
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %each = laic.constant {value = dense<[0.5, 0.25]> : tensor<2xf32>} : tensor<2xf32>
  %z = laic.constant {value = dense<3> : tensor<ui8>} : tensor<ui8>
  %zeros = laic.constant {value = dense<3> : tensor<2xui8>} : tensor<2xui8>
  %read = laic.transpose %x : (tensor<2x4xf32>) -> tensor<*xf32>
  %q0 = laic.quantize_linear %read, %s, %z : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x2xui8>
  %t = laic.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x4xf32>) -> tensor<*xf32>
  %q1 = laic.quantize_linear %t, %each, %zeros : (tensor<*xf32>, tensor<2xf32>, tensor<2xui8>) -> tensor<4x2xui8>
  %r = laic.relu %x : (tensor<2x4xf32>) -> tensor<*xf32>
  %q2 = laic.quantize_linear %r, %s, %z : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x4xui8>
  %y, %indices = laic.max_pool %image {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x4x4xf32>) -> (tensor<*xf32>, tensor<*xi64>)
  %q3 = laic.quantize_linear %y, %s, %z : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %q0, %read, %q1, %q2, %q3 : tensor<4x2xui8>, tensor<*xf32>, tensor<4x2xui8>, tensor<2x4xui8>, tensor<*xui8>
}

// -----

// Negative scales turn the order around; 4-bit integers have no Concat; a Slice leaves out what would be rounded in vain.
// CHECK-LABEL: func.func @declined(
// CHECK: laic.relu
// CHECK-NEXT: laic.quantize_linear
// CHECK: laic.max_pool
// CHECK-NEXT: laic.quantize_linear
// CHECK: laic.concat
// CHECK-NEXT: laic.quantize_linear
// CHECK: laic.slice
// CHECK-NEXT: laic.quantize_linear
func.func @declined(%x: tensor<1x2x4x4xf32>) -> (tensor<*xui8>, tensor<*xui8>, tensor<*xi4>, tensor<*xui8>) {
  %negative = laic.constant {value = dense<-0.5> : tensor<f32>} : tensor<f32>
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = laic.constant {value = dense<0> : tensor<ui8>} : tensor<ui8>
  %z4 = laic.constant {value = dense<0> : tensor<i4>} : tensor<i4>
  %none = laic.none : none
  %from = laic.constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  %to = laic.constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %n = laic.neg %x : (tensor<1x2x4x4xf32>) -> tensor<*xf32>
  %r = laic.relu %n : (tensor<*xf32>) -> tensor<*xf32>
  %q0 = laic.quantize_linear %r, %negative, %z : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  %m = laic.neg %x : (tensor<1x2x4x4xf32>) -> tensor<*xf32>
  %y, %indices = laic.max_pool %m {kernel_shape = array<i64: 2, 2>} : (tensor<*xf32>) -> (tensor<*xf32>, tensor<*xi64>)
  %q1 = laic.quantize_linear %y, %negative, %z : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  %c = laic.concat %x, %x {axis = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<*xf32>
  %q2 = laic.quantize_linear %c, %s, %z4 : (tensor<*xf32>, tensor<f32>, tensor<i4>) -> tensor<*xi4>
  %l = laic.slice %x, %from, %to, %to, %none : (tensor<1x2x4x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  %q3 = laic.quantize_linear %l, %s, %z : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %q0, %q1, %q2, %q3 : tensor<*xui8>, tensor<*xui8>, tensor<*xi4>, tensor<*xui8>
}
