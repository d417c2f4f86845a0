// RUN: laic-opt %s --laic-form-contracts | FileCheck %s

#same = affine_map<(m, n) -> (m, n)>
#same4 = affine_map<(b, h, k, n) -> (b, h, k, n)>
#left = affine_map<(m, n, k) -> (m, k)>
#right = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
#same3 = affine_map<(b, m, n) -> (b, m, n)>
#left3 = affine_map<(b, m, n, k) -> (b, m, k)>
#right3 = affine_map<(b, m, n, k) -> (b, k, n)>
#out3 = affine_map<(b, m, n, k) -> (b, m, n)>
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

// A sum that does not start from zero.
// CHECK-LABEL: func.func @starts_from_one(
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK: laic.contract
// CHECK-NOT: arith.mulf
// CHECK: return
func.func @starts_from_one(%a: tensor<64x48xf32>, %b: tensor<48x96xf32>) -> tensor<64x96xf32> {
  %one = arith.constant 1.0 : f32
  %half = arith.constant 0.5 : f32
  %be = tensor.empty() : tensor<48x96xf32>
  %bs = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%b : tensor<48x96xf32>) outs(%be : tensor<48x96xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.mulf %x, %half : f32
    linalg.yield %s : f32
  } -> tensor<48x96xf32>
  %e = tensor.empty() : tensor<64x96xf32>
  %f = linalg.fill ins(%one : f32) outs(%e : tensor<64x96xf32>) -> tensor<64x96xf32>
  %y = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %bs : tensor<64x48xf32>, tensor<48x96xf32>) outs(%f : tensor<64x96xf32>) {
  ^bb0(%x: f32, %w: f32, %o: f32):
    %p = arith.mulf %x, %w : f32
    %r = arith.addf %o, %p : f32
    linalg.yield %r : f32
  } -> tensor<64x96xf32>
  return %y : tensor<64x96xf32>
}

// Factors whose product is far from one, though each of them is not.
// CHECK-LABEL: func.func @together_far_from_one(
// CHECK: linalg.generic
// CHECK: linalg.generic
// CHECK: laic.contract
// CHECK-NOT: arith.mulf
// CHECK: return
func.func @together_far_from_one(%a: tensor<64x48xf32>, %b: tensor<48x96xf32>) -> tensor<64x96xf32> {
  %zero = arith.constant 0.0 : f32
  %small = arith.constant 0.00390625 : f32
  %ae = tensor.empty() : tensor<64x48xf32>
  %as = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<64x48xf32>) outs(%ae : tensor<64x48xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.mulf %x, %small : f32
    linalg.yield %s : f32
  } -> tensor<64x48xf32>
  %be = tensor.empty() : tensor<48x96xf32>
  %bs = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%b : tensor<48x96xf32>) outs(%be : tensor<48x96xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.mulf %x, %small : f32
    linalg.yield %s : f32
  } -> tensor<48x96xf32>
  %e = tensor.empty() : tensor<64x96xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x96xf32>) -> tensor<64x96xf32>
  %y = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]} ins(%as, %bs : tensor<64x48xf32>, tensor<48x96xf32>) outs(%f : tensor<64x96xf32>) {
  ^bb0(%x: f32, %w: f32, %o: f32):
    %p = arith.mulf %x, %w : f32
    %r = arith.addf %o, %p : f32
    linalg.yield %r : f32
  } -> tensor<64x96xf32>
  return %y : tensor<64x96xf32>
}

// A transpose of the result is absorbed by the product as without the factor, which stands behind both.
// CHECK-LABEL: func.func @transposed(
// CHECK-NOT: linalg.transpose ins(%{{.*}} : tensor<4x64x96xf32>
// CHECK: laic.contract {{.*}} -> tensor<64x4x96xf32>
// CHECK: arith.mulf
// CHECK: return
func.func @transposed(%a: tensor<4x64x48xf32>, %b: tensor<4x48x96xf32>) -> tensor<64x4x96xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %be = tensor.empty() : tensor<4x48x96xf32>
  %bs = linalg.generic {indexing_maps = [#same3, #same3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%b : tensor<4x48x96xf32>) outs(%be : tensor<4x48x96xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.mulf %x, %half : f32
    linalg.yield %s : f32
  } -> tensor<4x48x96xf32>
  %e = tensor.empty() : tensor<4x64x96xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x64x96xf32>) -> tensor<4x64x96xf32>
  %y = linalg.generic {indexing_maps = [#left3, #right3, #out3], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%a, %bs : tensor<4x64x48xf32>, tensor<4x48x96xf32>) outs(%f : tensor<4x64x96xf32>) {
  ^bb0(%x: f32, %w: f32, %o: f32):
    %p = arith.mulf %x, %w : f32
    %r = arith.addf %o, %p : f32
    linalg.yield %r : f32
  } -> tensor<4x64x96xf32>
  %te = tensor.empty() : tensor<64x4x96xf32>
  %t = linalg.transpose ins(%y : tensor<4x64x96xf32>) outs(%te : tensor<64x4x96xf32>) permutation = [1, 0, 2]
  return %t : tensor<64x4x96xf32>
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
