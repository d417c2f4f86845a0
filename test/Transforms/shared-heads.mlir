// RUN: laic-opt %s --laic-form-contracts | FileCheck %s

// Without panels that are shared: the loop over query heads becomes one over heads of keys and one, inside, over the eight that share
// them. No key is copied but by the transpose that packs them.
// CHECK-LABEL: func.func @scores(
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x24x?x64xf32>{{.*}}, %[[K:[^:]*]]: tensor<?x3x?x64xf32>
// CHECK: %[[APART:.*]] = tensor.expand_shape %[[Q]] {{\[\[}}0], [1, 2], [3], [4]] {{.*}} into tensor<?x3x8x?x64xf32>
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[APART]] {{\[\[}}0, 1], [2, 3], [4]]
// CHECK: laic.contract %[[ROWS]], %{{.*}}b_batch = array<i64: 0>{{.*}} (tensor<?x?x64xf32>, tensor<?x?x64x32xf32>
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2], [3], [4]] : {{.*}} into tensor<?x24x?x?xf32>
#repeat = affine_map<(b, h, r, n, k) -> (b, h, 0, n, k)>
#all = affine_map<(b, h, r, n, k) -> (b, h, r, n, k)>
#left = affine_map<(b, h, m, n, k) -> (b, h, m, k)>
#right = affine_map<(b, h, m, n, k) -> (b, h, k, n)>
#out = affine_map<(b, h, m, n, k) -> (b, h, m, n)>
func.func @scores(%q: tensor<?x24x?x64xf32> {laic.dims = ["b", 24, "m", 64]}, %k: tensor<?x3x?x64xf32> {laic.dims = ["b", 3, "n", 64]}) -> tensor<?x24x?x?xf32> attributes {laic.symbols = [{arg = 0 : i64, index = 0 : i64, kind = "dim", name = "b"}, {arg = 0 : i64, index = 2 : i64, kind = "dim", name = "m"}, {arg = 1 : i64, index = 2 : i64, kind = "dim", name = "n"}]} {
  %zero = arith.constant 0.0 : f32
  %b = laic.size affine_map<()[s0, s1, s2] -> (s0)>
  %m = laic.size affine_map<()[s0, s1, s2] -> (s1)>
  %n = laic.size affine_map<()[s0, s1, s2] -> (s2)>
  %k5 = tensor.expand_shape %k [[0], [1], [2, 3], [4]] output_shape [%b, 3, 1, %n, 64] : tensor<?x3x?x64xf32> into tensor<?x3x1x?x64xf32>
  %w = tensor.empty(%b, %n) : tensor<?x3x8x?x64xf32>
  %wide = linalg.generic {indexing_maps = [#repeat, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%k5 : tensor<?x3x1x?x64xf32>) outs(%w : tensor<?x3x8x?x64xf32>) {
  ^bb0(%x: f32, %out: f32):
    linalg.yield %x : f32
  } -> tensor<?x3x8x?x64xf32>
  %flat = tensor.collapse_shape %wide [[0], [1, 2], [3], [4]] : tensor<?x3x8x?x64xf32> into tensor<?x24x?x64xf32>
  %te = tensor.empty(%b, %n) : tensor<?x24x64x?xf32>
  %t = linalg.transpose ins(%flat : tensor<?x24x?x64xf32>) outs(%te : tensor<?x24x64x?xf32>) permutation = [0, 1, 3, 2]
  %e = tensor.empty(%b, %m, %n) : tensor<?x24x?x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x24x?x?xf32>) -> tensor<?x24x?x?xf32>
  %s = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%q, %t : tensor<?x24x?x64xf32>, tensor<?x24x64x?xf32>) outs(%f : tensor<?x24x?x?xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %out, %p : f32
    linalg.yield %r : f32
  } -> tensor<?x24x?x?xf32>
  return %s : tensor<?x24x?x?xf32>
}
