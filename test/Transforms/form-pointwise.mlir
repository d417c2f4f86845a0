// RUN: laic-opt %s --laic-form-pointwise --canonicalize --cse | FileCheck %s

#there = affine_map<(n, y, x, c, k) -> (n, y, x, k)>
#strided = affine_map<(n, y, x, c, k) -> (n, y * 2, x * 2, k)>
#joined = affine_map<(m, c, k) -> (m, k)>
#channel = affine_map<(n, y, x, c) -> (c)>
#channelOfJoined = affine_map<(m, c) -> (c)>
#all = affine_map<(n, y, x, c) -> (n, y, x, c)>

// Weights become rows, pixels are packed from where they lie, and the bias follows its dim.
// CHECK-DAG: #[[PLANES:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// CHECK-DAG: #[[WEIGHTS:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d3)>
// CHECK-DAG: #[[FILTER:.*]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-LABEL: func.func @alone(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x24x6x32xf32>, %[[BIAS:[^:]*]]: tensor<64xf32>
// CHECK: %[[W:.*]] = laic.constant
// CHECK-NOT: linalg.transpose
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[X]] {{\[}}[0], [1], [2, 3]] : tensor<2x24x6x32xf32> into tensor<2x24x192xf32>
// CHECK: %[[P:.*]] = laic.pack_panels %[[FLAT]] {batch = 1 : i64, map = #[[PLANES]]} : (tensor<2x24x192xf32>) -> tensor<2x6x24x32xf32>
// CHECK: %[[C:.*]] = laic.contract %[[W]], %[[P]] extras %[[BIAS]] {a_map = #[[WEIGHTS]], b_batch = array<i64: 0>, extra_maps = [#[[FILTER]]], parallel = 3 : i64}
// CHECK: arith.addf
// CHECK: tensor.expand_shape %[[C]] {{.*}} tensor<2x64x192xf32> into tensor<2x64x6x32xf32>
// CHECK-NOT: linalg.transpose
// CHECK: return
func.func @alone(%x: tensor<2x24x6x32xf32>, %bias: tensor<64xf32>) -> tensor<2x64x6x32xf32> {
  %w = laic.constant {value = dense<1.0> : tensor<64x24xf32>} : tensor<64x24xf32>
  %split = tensor.expand_shape %w [[0, 1], [2]] output_shape [2, 32, 24] : tensor<64x24xf32> into tensor<2x32x24xf32>
  %pe = tensor.empty() : tensor<2x24x32xf32>
  %p = linalg.transpose ins(%split : tensor<2x32x24xf32>) outs(%pe : tensor<2x24x32xf32>) permutation = [0, 2, 1]
  %te = tensor.empty() : tensor<2x6x32x24xf32>
  %t = linalg.transpose ins(%x : tensor<2x24x6x32xf32>) outs(%te : tensor<2x6x32x24xf32>) permutation = [0, 2, 3, 1]
  %c = laic.contract %t, %p extras %bias {parallel = 4 : i64, a_map = #there, b_batch = array<i64>, extra_maps = [#channel]} : (tensor<2x6x32x24xf32>, tensor<2x24x32xf32>, tensor<64xf32>) -> tensor<2x6x32x64xf32> {
  ^bb0(%s: f32, %b: f32):
    %sum = arith.addf %s, %b : f32
    laic.yield %sum : f32
  }
  %e = tensor.empty() : tensor<2x64x6x32xf32>
  %y = linalg.transpose ins(%c : tensor<2x6x32x64xf32>) outs(%e : tensor<2x64x6x32xf32>) permutation = [0, 3, 1, 2]
  return %y : tensor<2x64x6x32xf32>
}

// The same with all pixels in one loop.
// CHECK-LABEL: func.func @joined(
// CHECK-NOT: linalg.transpose
// CHECK: laic.pack_panels
// CHECK: laic.contract
// CHECK-NOT: linalg.transpose
// CHECK: return
func.func @joined(%x: tensor<2x24x6x32xf32>, %bias: tensor<64xf32>) -> tensor<2x64x6x32xf32> {
  %w = laic.constant {value = dense<1.0> : tensor<64x24xf32>} : tensor<64x24xf32>
  %split = tensor.expand_shape %w [[0, 1], [2]] output_shape [2, 32, 24] : tensor<64x24xf32> into tensor<2x32x24xf32>
  %pe = tensor.empty() : tensor<2x24x32xf32>
  %p = linalg.transpose ins(%split : tensor<2x32x24xf32>) outs(%pe : tensor<2x24x32xf32>) permutation = [0, 2, 1]
  %te = tensor.empty() : tensor<2x6x32x24xf32>
  %t = linalg.transpose ins(%x : tensor<2x24x6x32xf32>) outs(%te : tensor<2x6x32x24xf32>) permutation = [0, 2, 3, 1]
  %rows = tensor.collapse_shape %t [[0, 1, 2], [3]] : tensor<2x6x32x24xf32> into tensor<384x24xf32>
  %c = laic.contract %rows, %p extras %bias {parallel = 2 : i64, a_map = #joined, b_batch = array<i64>, extra_maps = [#channelOfJoined]} : (tensor<384x24xf32>, tensor<2x24x32xf32>, tensor<64xf32>) -> tensor<384x64xf32> {
  ^bb0(%s: f32, %b: f32):
    %sum = arith.addf %s, %b : f32
    laic.yield %sum : f32
  }
  %apart = tensor.expand_shape %c [[0, 1, 2], [3]] output_shape [2, 6, 32, 64] : tensor<384x64xf32> into tensor<2x6x32x64xf32>
  %e = tensor.empty() : tensor<2x64x6x32xf32>
  %y = linalg.transpose ins(%apart : tensor<2x6x32x64xf32>) outs(%e : tensor<2x64x6x32xf32>) permutation = [0, 3, 1, 2]
  return %y : tensor<2x64x6x32xf32>
}

// Every second pixel is cut out first.
// CHECK-LABEL: func.func @strided(
// CHECK-NOT: linalg.transpose
// CHECK: %[[S:.*]] = tensor.extract_slice %{{.*}}[0, 0, 0, 0] [2, 24, 6, 32] [1, 1, 2, 2] : tensor<2x24x11x63xf32> to tensor<2x24x6x32xf32>
// CHECK: tensor.collapse_shape %[[S]]
// CHECK: laic.pack_panels
// CHECK-NOT: linalg.transpose
// CHECK: return
func.func @strided(%x: tensor<2x24x11x63xf32>) -> tensor<2x64x6x32xf32> {
  %w = laic.constant {value = dense<1.0> : tensor<64x24xf32>} : tensor<64x24xf32>
  %split = tensor.expand_shape %w [[0, 1], [2]] output_shape [2, 32, 24] : tensor<64x24xf32> into tensor<2x32x24xf32>
  %pe = tensor.empty() : tensor<2x24x32xf32>
  %p = linalg.transpose ins(%split : tensor<2x32x24xf32>) outs(%pe : tensor<2x24x32xf32>) permutation = [0, 2, 1]
  %te = tensor.empty() : tensor<2x11x63x24xf32>
  %t = linalg.transpose ins(%x : tensor<2x24x11x63xf32>) outs(%te : tensor<2x11x63x24xf32>) permutation = [0, 2, 3, 1]
  %c = laic.contract %t, %p {parallel = 4 : i64, a_map = #strided, b_batch = array<i64>, extra_maps = []} : (tensor<2x11x63x24xf32>, tensor<2x24x32xf32>) -> tensor<2x6x32x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  %e = tensor.empty() : tensor<2x64x6x32xf32>
  %y = linalg.transpose ins(%c : tensor<2x6x32x64xf32>) outs(%e : tensor<2x64x6x32xf32>) permutation = [0, 3, 1, 2]
  return %y : tensor<2x64x6x32xf32>
}

// A last panel of few pixels.
// CHECK-LABEL: func.func @small(
// CHECK-NOT: laic.pack_panels
// CHECK: return
func.func @small(%x: tensor<2x24x7x7xf32>) -> tensor<2x64x7x7xf32> {
  %w = laic.constant {value = dense<1.0> : tensor<64x24xf32>} : tensor<64x24xf32>
  %split = tensor.expand_shape %w [[0, 1], [2]] output_shape [2, 32, 24] : tensor<64x24xf32> into tensor<2x32x24xf32>
  %pe = tensor.empty() : tensor<2x24x32xf32>
  %p = linalg.transpose ins(%split : tensor<2x32x24xf32>) outs(%pe : tensor<2x24x32xf32>) permutation = [0, 2, 1]
  %te = tensor.empty() : tensor<2x7x7x24xf32>
  %t = linalg.transpose ins(%x : tensor<2x24x7x7xf32>) outs(%te : tensor<2x7x7x24xf32>) permutation = [0, 2, 3, 1]
  %c = laic.contract %t, %p {parallel = 4 : i64, a_map = #there, b_batch = array<i64>, extra_maps = []} : (tensor<2x7x7x24xf32>, tensor<2x24x32xf32>) -> tensor<2x7x7x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  %e = tensor.empty() : tensor<2x64x7x7xf32>
  %y = linalg.transpose ins(%c : tensor<2x7x7x64xf32>) outs(%e : tensor<2x64x7x7xf32>) permutation = [0, 3, 1, 2]
  return %y : tensor<2x64x7x7xf32>
}

// Somebody else reads the pixels with channels innermost; in the second, the epilogue reads another number for each pixel.
// CHECK-LABEL: func.func @others_read_it(
// CHECK-NOT: laic.pack_panels
// CHECK: return
func.func @others_read_it(%x: tensor<2x24x6x32xf32>) -> (tensor<2x64x6x32xf32>, tensor<2x6x32x24xf32>) {
  %w = laic.constant {value = dense<1.0> : tensor<64x24xf32>} : tensor<64x24xf32>
  %split = tensor.expand_shape %w [[0, 1], [2]] output_shape [2, 32, 24] : tensor<64x24xf32> into tensor<2x32x24xf32>
  %pe = tensor.empty() : tensor<2x24x32xf32>
  %p = linalg.transpose ins(%split : tensor<2x32x24xf32>) outs(%pe : tensor<2x24x32xf32>) permutation = [0, 2, 1]
  %te = tensor.empty() : tensor<2x6x32x24xf32>
  %t = linalg.transpose ins(%x : tensor<2x24x6x32xf32>) outs(%te : tensor<2x6x32x24xf32>) permutation = [0, 2, 3, 1]
  %c = laic.contract %t, %p {parallel = 4 : i64, a_map = #there, b_batch = array<i64>, extra_maps = []} : (tensor<2x6x32x24xf32>, tensor<2x24x32xf32>) -> tensor<2x6x32x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  %e = tensor.empty() : tensor<2x64x6x32xf32>
  %y = linalg.transpose ins(%c : tensor<2x6x32x64xf32>) outs(%e : tensor<2x64x6x32xf32>) permutation = [0, 3, 1, 2]
  return %y, %t : tensor<2x64x6x32xf32>, tensor<2x6x32x24xf32>
}

// CHECK-LABEL: func.func @residual(
// CHECK-NOT: laic.pack_panels
// CHECK: return
func.func @residual(%x: tensor<2x24x6x32xf32>, %r: tensor<2x6x32x64xf32>) -> tensor<2x64x6x32xf32> {
  %w = laic.constant {value = dense<1.0> : tensor<64x24xf32>} : tensor<64x24xf32>
  %split = tensor.expand_shape %w [[0, 1], [2]] output_shape [2, 32, 24] : tensor<64x24xf32> into tensor<2x32x24xf32>
  %pe = tensor.empty() : tensor<2x24x32xf32>
  %p = linalg.transpose ins(%split : tensor<2x32x24xf32>) outs(%pe : tensor<2x24x32xf32>) permutation = [0, 2, 1]
  %te = tensor.empty() : tensor<2x6x32x24xf32>
  %t = linalg.transpose ins(%x : tensor<2x24x6x32xf32>) outs(%te : tensor<2x6x32x24xf32>) permutation = [0, 2, 3, 1]
  %c = laic.contract %t, %p extras %r {parallel = 4 : i64, a_map = #there, b_batch = array<i64>, extra_maps = [#all]} : (tensor<2x6x32x24xf32>, tensor<2x24x32xf32>, tensor<2x6x32x64xf32>) -> tensor<2x6x32x64xf32> {
  ^bb0(%s: f32, %b: f32):
    %sum = arith.addf %s, %b : f32
    laic.yield %sum : f32
  }
  %e = tensor.empty() : tensor<2x64x6x32xf32>
  %y = linalg.transpose ins(%c : tensor<2x6x32x64xf32>) outs(%e : tensor<2x64x6x32xf32>) permutation = [0, 3, 1, 2]
  return %y : tensor<2x64x6x32xf32>
}
