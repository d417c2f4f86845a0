// RUN: laic-opt %s --laic-form-dispatches=padded -split-input-file | FileCheck %s
// RUN: laic-opt %s --laic-form-dispatches -split-input-file | FileCheck %s --check-prefix=APART

// A contraction and the padding of its reshaped result are one kernel, named as the contraction.
// CHECK-LABEL: func.func @main
// CHECK: %[[P:.*]] = plan.dispatch @laic_matmul_f32_20x32(%arg0, %arg1) {{.*}} -> tensor<1x6x7x32xf32>
// CHECK-NEXT: return %[[P]]
// CHECK: func.func private @laic_matmul_f32_20x32({{.*}}) -> tensor<1x6x7x32xf32>
// CHECK: %[[C:.*]] = laic.contract
// CHECK: %[[E:.*]] = tensor.expand_shape %[[C]]
// CHECK: tensor.pad %[[E]]
// APART: plan.dispatch @laic_matmul_f32_20x32
// APART: plan.dispatch @laic_pad_f32_1x6x7x32
func.func @main(%x: tensor<20x8xf32>, %w: tensor<1x8x32xf32>) -> tensor<1x6x7x32xf32> {
  %zero = arith.constant 0.0 : f32
  %c = laic.contract %x, %w {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<20x8xf32>, tensor<1x8x32xf32>) -> tensor<20x32xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  %e = tensor.expand_shape %c [[0, 1, 2], [3]] output_shape [1, 4, 5, 32] : tensor<20x32xf32> into tensor<1x4x5x32xf32>
  %p = tensor.pad %e low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x4x5x32xf32> to tensor<1x6x7x32xf32>
  return %p : tensor<1x6x7x32xf32>
}

// -----

// Padding along the columns, which tiles end with, and a result that is read elsewhere keep the two apart.
// CHECK-LABEL: func.func @main
// CHECK: plan.dispatch @laic_matmul_f32_4x32
// CHECK: plan.dispatch @laic_pad_f32_4x34
// CHECK: plan.dispatch @laic_pad_f32_6x32
func.func @main(%x: tensor<4x8xf32>, %w: tensor<1x8x32xf32>) -> (tensor<4x34xf32>, tensor<6x32xf32>, tensor<4x32xf32>) {
  %zero = arith.constant 0.0 : f32
  %c = laic.contract %x, %w {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<4x8xf32>, tensor<1x8x32xf32>) -> tensor<4x32xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  %p = tensor.pad %c low[0, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<4x32xf32> to tensor<4x34xf32>
  %q = tensor.pad %c low[1, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<4x32xf32> to tensor<6x32xf32>
  return %p, %q, %c : tensor<4x34xf32>, tensor<6x32xf32>, tensor<4x32xf32>
}

// -----

// A first dim of unknown size that is not padded is none of the padding's business; one that is padded is.
// CHECK-LABEL: func.func @main
// CHECK: plan.dispatch @laic_transpose_f32_dx4x5x32({{.*}} -> tensor<?x6x5x32xf32>
// CHECK: plan.dispatch @laic_transpose_f32_dx5x32
// CHECK: plan.dispatch @laic_pad_f32_dx5x32
func.func @main(%x: tensor<?x32x4x5xf32> {laic.dims = ["n", 32, 4, 5]}, %y: tensor<?x32x5xf32> {laic.dims = ["n", 32, 5]}) -> (tensor<?x6x5x32xf32>, tensor<?x5x32xf32>) attributes {laic.symbols = [{arg = 0 : i64, index = 0 : i64, kind = "dim", name = "n"}]} {
  %zero = arith.constant 0.0 : f32
  %n = laic.size affine_map<()[s0] -> (s0)>
  %e = tensor.empty(%n) : tensor<?x4x5x32xf32>
  %t = linalg.transpose ins(%x : tensor<?x32x4x5xf32>) outs(%e : tensor<?x4x5x32xf32>) permutation = [0, 2, 3, 1]
  %p = tensor.pad %t low[0, 1, 0, 0] high[0, 1, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<?x4x5x32xf32> to tensor<?x6x5x32xf32>
  %f = tensor.empty(%n) : tensor<?x5x32xf32>
  %u = linalg.transpose ins(%y : tensor<?x32x5xf32>) outs(%f : tensor<?x5x32xf32>) permutation = [0, 2, 1]
  %q = tensor.pad %u low[1, 0, 0] high[1, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<?x5x32xf32> to tensor<?x5x32xf32>
  return %p, %q : tensor<?x6x5x32xf32>, tensor<?x5x32xf32>
}
