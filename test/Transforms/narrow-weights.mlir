// RUN: laic-opt %s --laic-narrow-weights --split-input-file --verify-diagnostics | FileCheck %s

// Neighbours along the reduction lie in pairs.
// CHECK-LABEL: func.func @pairs(
// CHECK: %[[SPLIT:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2], [3]] {{.*}} into tensor<2x8x2x32xf32>
// CHECK: %[[PAIRS:.*]] = linalg.transpose ins(%[[SPLIT]] : {{.*}}) outs({{.*}} : tensor<2x8x32x2xf32>) permutation = [0, 1, 3, 2]
// CHECK: %[[NARROW:.*]] = linalg.generic {{.*}} ins(%[[PAIRS]] : tensor<2x8x32x2xf32>) outs({{.*}} : tensor<2x8x32x2xbf16>)
// CHECK: arith.truncf
// CHECK: laic.contract %{{.*}}, %[[NARROW]] {{.*}}group = 2
func.func @pairs(%x: tensor<4x16xf32>) -> tensor<4x64xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<2x16x32xf32>} : tensor<2x16x32xf32>
  // expected-remark @+1 {{weights rounded to bf16}}
  %y = laic.contract %x, %w {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<4x16xf32>, tensor<2x16x32xf32>) -> tensor<4x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %y : tensor<4x64xf32>
}

// -----

// An odd number of them, or steps between them in A: bf16 as they lie.
// CHECK-LABEL: func.func @singles(
// CHECK-NOT: group = 2
// CHECK: laic.contract {{.*}}tensor<2x17x32xbf16>
// CHECK: laic.contract {{.*}}tensor<2x16x32xbf16>
func.func @singles(%x: tensor<4x17xf32>, %t: tensor<16x4xf32>) -> (tensor<4x64xf32>, tensor<4x64xf32>) {
  %w = laic.constant {value = dense<0.5> : tensor<2x17x32xf32>} : tensor<2x17x32xf32>
  %v = laic.constant {value = dense<0.25> : tensor<2x16x32xf32>} : tensor<2x16x32xf32>
  // expected-remark @+1 {{weights rounded to bf16}}
  %y = laic.contract %x, %w {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<4x17xf32>, tensor<2x17x32xf32>) -> tensor<4x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  // expected-remark @+1 {{weights rounded to bf16}}
  %z = laic.contract %t, %v {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (k, m)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<16x4xf32>, tensor<2x16x32xf32>) -> tensor<4x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %y, %z : tensor<4x64xf32>, tensor<4x64xf32>
}

// -----

// Weights that only the call knows, few of them and depthwise ones stay f32.
// CHECK-LABEL: func.func @others(
// CHECK-NOT: bf16
func.func @others(%x: tensor<4x16xf32>, %w: tensor<2x16x32xf32>, %i: tensor<6x32xf32>, %f: tensor<4x1xf32>)
    -> (tensor<4x64xf32>, tensor<4x32xf32>, tensor<4x64xf32>) {
  %y = laic.contract %x, %w {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<4x16xf32>, tensor<2x16x32xf32>) -> tensor<4x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  %v = laic.constant {value = dense<0.5> : tensor<1x3x32xf32>} : tensor<1x3x32xf32>
  %z = laic.contract %i, %v {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m + k, n)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<6x32xf32>, tensor<1x3x32xf32>) -> tensor<4x32xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  %u = laic.constant {value = dense<0.5> : tensor<2x1x32xf32>} : tensor<2x1x32xf32>
  %few = laic.contract %f, %u {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<4x1xf32>, tensor<2x1x32xf32>) -> tensor<4x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %y, %z, %few : tensor<4x64xf32>, tensor<4x32xf32>, tensor<4x64xf32>
}
