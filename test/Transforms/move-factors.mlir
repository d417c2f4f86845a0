// RUN: laic-opt %s --laic-form-contracts | FileCheck %s

#same = affine_map<(m, n) -> (m, n)>
#same4 = affine_map<(b, h, k, n) -> (b, h, k, n)>
#left = affine_map<(m, n, k) -> (m, k)>
#right = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
#left4 = affine_map<(b, h, m, n, k) -> (b, h, m, k)>
#right4 = affine_map<(b, h, m, n, k) -> (b, h, k, n)>
#out4 = affine_map<(b, h, m, n, k) -> (b, h, m, n)>

// Both factors and the transpose between joined dims are gone: keys are packed from where they are, scores times a quarter.
// CHECK-LABEL: func.func @keys(
// CHECK-SAME: %[[Q:[^:]*]]: tensor<2x4x64x48xf32>{{.*}}, %[[K:[^:]*]]: tensor<2x4x96x48xf32>
// CHECK-NOT: linalg.generic
// CHECK: %[[SPLIT:.*]] = tensor.expand_shape %[[K]] {{\[\[}}0], [1], [2, 3], [4]]
// CHECK: %[[PACKED:.*]] = linalg.transpose ins(%[[SPLIT]] {{.*}} permutation = [0, 1, 2, 4, 3]
// CHECK: %[[MERGED:.*]] = tensor.collapse_shape %[[PACKED]]
// CHECK: laic.contract %{{.*}}, %[[MERGED]]
// CHECK: %[[FACTOR:.*]] = arith.constant 2.500000e-01 : f32
// CHECK: arith.mulf %{{.*}}, %[[FACTOR]]
func.func @keys(%q: tensor<2x4x64x48xf32>, %k: tensor<2x4x96x48xf32>) -> tensor<2x4x64x96xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %joined = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<2x4x96x48xf32> into tensor<8x96x48xf32>
  %te = tensor.empty() : tensor<8x48x96xf32>
  %t = linalg.transpose ins(%joined : tensor<8x96x48xf32>) outs(%te : tensor<8x48x96xf32>) permutation = [0, 2, 1]
  %apart = tensor.expand_shape %t [[0, 1], [2], [3]] output_shape [2, 4, 48, 96] : tensor<8x48x96xf32> into tensor<2x4x48x96xf32>
  %ke = tensor.empty() : tensor<2x4x48x96xf32>
  %ks = linalg.generic {indexing_maps = [#same4, #same4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%apart : tensor<2x4x48x96xf32>) outs(%ke : tensor<2x4x48x96xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.mulf %x, %half : f32
    linalg.yield %s : f32
  } -> tensor<2x4x48x96xf32>
  %qe = tensor.empty() : tensor<2x4x64x48xf32>
  %qs = linalg.generic {indexing_maps = [#same4, #same4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%q : tensor<2x4x64x48xf32>) outs(%qe : tensor<2x4x64x48xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.mulf %half, %x : f32
    linalg.yield %s : f32
  } -> tensor<2x4x64x48xf32>
  %e = tensor.empty() : tensor<2x4x64x96xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x64x96xf32>) -> tensor<2x4x64x96xf32>
  %y = linalg.generic {indexing_maps = [#left4, #right4, #out4], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%qs, %ks : tensor<2x4x64x48xf32>, tensor<2x4x48x96xf32>) outs(%f : tensor<2x4x64x96xf32>) {
  ^bb0(%x: f32, %w: f32, %o: f32):
    %p = arith.mulf %x, %w : f32
    %r = arith.addf %o, %p : f32
    linalg.yield %r : f32
  } -> tensor<2x4x64x96xf32>
  return %y : tensor<2x4x64x96xf32>
}

// What something else reads stays scaled, and so does what a factor far from 1 scales.
// CHECK-LABEL: func.func @others_read_it(
// CHECK: %[[SCALED:.*]] = linalg.generic
// CHECK: laic.contract
// CHECK: return %{{.*}}, %[[SCALED]]
func.func @others_read_it(%a: tensor<64x48xf32>, %b: tensor<48x96xf32>) -> (tensor<64x96xf32>, tensor<48x96xf32>) {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %be = tensor.empty() : tensor<48x96xf32>
  %bs = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%b : tensor<48x96xf32>) outs(%be : tensor<48x96xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.mulf %x, %half : f32
    linalg.yield %s : f32
  } -> tensor<48x96xf32>
  %e = tensor.empty() : tensor<64x96xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x96xf32>) -> tensor<64x96xf32>
  %y = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %bs : tensor<64x48xf32>, tensor<48x96xf32>) outs(%f : tensor<64x96xf32>) {
  ^bb0(%x: f32, %w: f32, %o: f32):
    %p = arith.mulf %x, %w : f32
    %r = arith.addf %o, %p : f32
    linalg.yield %r : f32
  } -> tensor<64x96xf32>
  return %y, %bs : tensor<64x96xf32>, tensor<48x96xf32>
}

// CHECK-LABEL: func.func @far_from_one(
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK: laic.contract
// CHECK-NOT: arith.mulf
// CHECK: return
func.func @far_from_one(%a: tensor<64x48xf32>, %b: tensor<48x96xf32>) -> tensor<64x96xf32> {
  %zero = arith.constant 0.0 : f32
  %tiny = arith.constant 1.0e-20 : f32
  %be = tensor.empty() : tensor<48x96xf32>
  %bs = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%b : tensor<48x96xf32>) outs(%be : tensor<48x96xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.mulf %x, %tiny : f32
    linalg.yield %s : f32
  } -> tensor<48x96xf32>
  %e = tensor.empty() : tensor<64x96xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x96xf32>) -> tensor<64x96xf32>
  %y = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %bs : tensor<64x48xf32>, tensor<48x96xf32>) outs(%f : tensor<64x96xf32>) {
  ^bb0(%x: f32, %w: f32, %o: f32):
    %p = arith.mulf %x, %w : f32
    %r = arith.addf %o, %p : f32
    linalg.yield %r : f32
  } -> tensor<64x96xf32>
  return %y : tensor<64x96xf32>
}

// Exporters of grouped attention join heads of keys, those that share them, and batches before they transpose: all but the first two stay
// joined as they were.
// CHECK-LABEL: func.func @partly_apart(
// CHECK: %[[BOTH:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2], [3], [4]] : tensor<2x4x8x96x48xf32> into tensor<2x32x96x48xf32>
// CHECK: linalg.transpose ins(%[[BOTH]] : {{.*}} permutation = [0, 1, 3, 2]
// CHECK-NEXT: return
func.func @partly_apart(%k: tensor<2x4x8x96x48xf32>) -> tensor<2x32x48x96xf32> {
  %joined = tensor.collapse_shape %k [[0, 1, 2], [3], [4]] : tensor<2x4x8x96x48xf32> into tensor<64x96x48xf32>
  %te = tensor.empty() : tensor<64x48x96xf32>
  %t = linalg.transpose ins(%joined : tensor<64x96x48xf32>) outs(%te : tensor<64x48x96xf32>) permutation = [0, 2, 1]
  %apart = tensor.expand_shape %t [[0, 1], [2], [3]] output_shape [2, 32, 48, 96] : tensor<64x48x96xf32> into tensor<2x32x48x96xf32>
  return %apart : tensor<2x32x48x96xf32>
}

// Dims that the reshapes mix stay as they are.
// CHECK-LABEL: func.func @mixed(
// CHECK: tensor.collapse_shape
// CHECK: linalg.transpose
// CHECK: tensor.expand_shape
func.func @mixed(%k: tensor<4x6x96x48xf32>) -> tensor<6x4x48x96xf32> {
  %joined = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<4x6x96x48xf32> into tensor<24x96x48xf32>
  %te = tensor.empty() : tensor<24x48x96xf32>
  %t = linalg.transpose ins(%joined : tensor<24x96x48xf32>) outs(%te : tensor<24x48x96xf32>) permutation = [0, 2, 1]
  %apart = tensor.expand_shape %t [[0, 1], [2], [3]] output_shape [6, 4, 48, 96] : tensor<24x48x96xf32> into tensor<6x4x48x96xf32>
  return %apart : tensor<6x4x48x96xf32>
}
