// RUN: laic-opt %s --laic-form-depthwise --canonicalize | FileCheck %s

#window = affine_map<(n, y, x, c, i, j) -> (n, y * 2 + i, x * 2 + j * 3, c)>
#channel = affine_map<(n, y, x, c) -> (c)>
#all = affine_map<(n, y, x, c) -> (n, y, x, c)>

// Transposes and padding are gone; the bias follows its dim.
// CHECK-DAG: #[[CHANNEL:.*]] = affine_map<(d0, d1, d2, d3) -> (d1)>
// CHECK-LABEL: func.func @alone(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x40x11x15xf32>, %[[W:[^:]*]]: tensor<2x3x3x32xf32>, %[[BIAS:[^:]*]]: tensor<40xf32>
// CHECK-NOT: linalg.transpose
// CHECK: %[[C:.*]] = laic.depthwise %[[X]], %[[W]] extras %[[BIAS]] {dilations = array<i64: 1, 3>, extra_maps = [#[[CHANNEL]]], pads = array<i64: 1, 2>, strides = array<i64: 2, 2>, taps = array<i64: 3, 3>}
// CHECK: arith.addf
// CHECK: laic.depthwise_yield
// CHECK: return %[[C]] : tensor<2x40x6x7xf32>
func.func @alone(%x: tensor<2x40x11x15xf32>, %w: tensor<2x3x3x32xf32>, %bias: tensor<40xf32>) -> tensor<2x40x6x7xf32> {
  %zero = arith.constant 0.0 : f32
  %te = tensor.empty() : tensor<2x11x15x40xf32>
  %t = linalg.transpose ins(%x : tensor<2x40x11x15xf32>) outs(%te : tensor<2x11x15x40xf32>) permutation = [0, 2, 3, 1]
  %p = tensor.pad %t low[0, 1, 2, 0] high[0, 1, 2, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x11x15x40xf32> to tensor<2x13x19x40xf32>
  %c = laic.contract %p, %w extras %bias {parallel = 4 : i64, a_map = #window, b_batch = array<i64>, extra_maps = [#channel]} : (tensor<2x13x19x40xf32>, tensor<2x3x3x32xf32>, tensor<40xf32>) -> tensor<2x6x7x40xf32> {
  ^bb0(%s: f32, %b: f32):
    %sum = arith.addf %s, %b : f32
    laic.yield %sum : f32
  }
  %e = tensor.empty() : tensor<2x40x6x7xf32>
  %y = linalg.transpose ins(%c : tensor<2x6x7x40xf32>) outs(%e : tensor<2x40x6x7xf32>) permutation = [0, 3, 1, 2]
  return %y : tensor<2x40x6x7xf32>
}

// A result that is read with channels innermost, too.
// CHECK-LABEL: func.func @others_read_it(
// CHECK-NOT: laic.depthwise
// CHECK: return
func.func @others_read_it(%x: tensor<2x40x11x15xf32>, %w: tensor<2x3x3x32xf32>) -> (tensor<2x40x5x5xf32>, tensor<2x5x5x40xf32>) {
  %te = tensor.empty() : tensor<2x11x15x40xf32>
  %t = linalg.transpose ins(%x : tensor<2x40x11x15xf32>) outs(%te : tensor<2x11x15x40xf32>) permutation = [0, 2, 3, 1]
  %c = laic.contract %t, %w {parallel = 4 : i64, a_map = #window, b_batch = array<i64>, extra_maps = []} : (tensor<2x11x15x40xf32>, tensor<2x3x3x32xf32>) -> tensor<2x5x5x40xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  %e = tensor.empty() : tensor<2x40x5x5xf32>
  %y = linalg.transpose ins(%c : tensor<2x5x5x40xf32>) outs(%e : tensor<2x40x5x5xf32>) permutation = [0, 3, 1, 2]
  return %y, %c : tensor<2x40x5x5xf32>, tensor<2x5x5x40xf32>
}

// An operand of the epilogue that differs along the last dim.
// CHECK-LABEL: func.func @residual(
// CHECK-NOT: laic.depthwise
// CHECK: return
func.func @residual(%x: tensor<2x40x11x15xf32>, %w: tensor<2x3x3x32xf32>, %r: tensor<2x5x5x40xf32>) -> tensor<2x40x5x5xf32> {
  %te = tensor.empty() : tensor<2x11x15x40xf32>
  %t = linalg.transpose ins(%x : tensor<2x40x11x15xf32>) outs(%te : tensor<2x11x15x40xf32>) permutation = [0, 2, 3, 1]
  %c = laic.contract %t, %w extras %r {parallel = 4 : i64, a_map = #window, b_batch = array<i64>, extra_maps = [#all]} : (tensor<2x11x15x40xf32>, tensor<2x3x3x32xf32>, tensor<2x5x5x40xf32>) -> tensor<2x5x5x40xf32> {
  ^bb0(%s: f32, %b: f32):
    %sum = arith.addf %s, %b : f32
    laic.yield %sum : f32
  }
  %e = tensor.empty() : tensor<2x40x5x5xf32>
  %y = linalg.transpose ins(%c : tensor<2x5x5x40xf32>) outs(%e : tensor<2x40x5x5xf32>) permutation = [0, 3, 1, 2]
  return %y : tensor<2x40x5x5xf32>
}
