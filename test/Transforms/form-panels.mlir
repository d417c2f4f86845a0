// RUN: laic-opt %s --laic-form-contracts=panels --laic-form-rows | FileCheck %s

// Attention over as many queries as the call brings: keys and values are packed for many, read where they lie for few.
// CHECK-LABEL: func.func @attention(
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x8x?x64xf32>{{.*}}, %[[K:[^:]*]]: tensor<?x8x?x64xf32>{{.*}}, %[[V:[^:]*]]: tensor<?x8x?x64xf32>
// CHECK: %[[KP:.*]] = laic.pack_panels %[[K]] rows %{{.*}} sizes
// CHECK: %[[VP:.*]] = laic.pack_panels %[[V]] rows %{{.*}} sizes
// CHECK: laic.rows sizes {{.*}} {rows = 3 : i64}
// CHECK: %[[KB:.*]] = laic.panels %[[K]] packed %[[KP]]
// CHECK: %[[S:.*]] = laic.contract %[[Q]], %[[KB]]
// CHECK: "reduction"
// CHECK: math.exp
// CHECK: %[[VB:.*]] = laic.panels %[[V]] packed %[[VP]]
// CHECK: laic.contract %{{.*}}, %[[VB]]
#score = affine_map<(b, h, m, n, k) -> (b, h, m, k)>
#keys = affine_map<(b, h, m, n, k) -> (b, h, n, k)>
#values = affine_map<(b, h, m, n, k) -> (b, h, k, n)>
#out = affine_map<(b, h, m, n, k) -> (b, h, m, n)>
#id = affine_map<(b, h, m, n) -> (b, h, m, n)>
#row = affine_map<(b, h, m, n) -> (b, h, m)>
func.func @attention(%q: tensor<?x8x?x64xf32> {laic.dims = ["b", 8, "m", 64]}, %k: tensor<?x8x?x64xf32> {laic.dims = ["b", 8, "n", 64]}, %v: tensor<?x8x?x64xf32> {laic.dims = ["b", 8, "n", 64]}) -> tensor<?x8x?x64xf32> attributes {laic.symbols = [{arg = 0 : i64, index = 0 : i64, kind = "dim", name = "b"}, {arg = 0 : i64, index = 2 : i64, kind = "dim", name = "m"}, {arg = 1 : i64, index = 2 : i64, kind = "dim", name = "n"}]} {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %b = laic.size affine_map<()[s0, s1, s2] -> (s0)>
  %m = laic.size affine_map<()[s0, s1, s2] -> (s1)>
  %n = laic.size affine_map<()[s0, s1, s2] -> (s2)>
  %e = tensor.empty(%b, %m, %n) : tensor<?x8x?x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8x?x?xf32>) -> tensor<?x8x?x?xf32>
  %s = linalg.generic {indexing_maps = [#score, #keys, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%q, %k : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>) outs(%f : tensor<?x8x?x?xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %out, %p : f32
    linalg.yield %r : f32
  } -> tensor<?x8x?x?xf32>
  %re = tensor.empty(%b, %m) : tensor<?x8x?xf32>
  %rf = linalg.fill ins(%low : f32) outs(%re : tensor<?x8x?xf32>) -> tensor<?x8x?xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%s : tensor<?x8x?x?xf32>) outs(%rf : tensor<?x8x?xf32>) {
  ^bb0(%x: f32, %out: f32):
    %r = arith.maximumf %x, %out : f32
    linalg.yield %r : f32
  } -> tensor<?x8x?xf32>
  %exp = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %max : tensor<?x8x?x?xf32>, tensor<?x8x?xf32>) outs(%e : tensor<?x8x?x?xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %d = arith.subf %x, %y : f32
    %r = math.exp %d : f32
    linalg.yield %r : f32
  } -> tensor<?x8x?x?xf32>
  %oe = tensor.empty(%b, %m) : tensor<?x8x?x64xf32>
  %of = linalg.fill ins(%zero : f32) outs(%oe : tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32>
  %o = linalg.generic {indexing_maps = [#score, #values, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%exp, %v : tensor<?x8x?x?xf32>, tensor<?x8x?x64xf32>) outs(%of : tensor<?x8x?x64xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %out, %p : f32
    linalg.yield %r : f32
  } -> tensor<?x8x?x64xf32>
  return %o : tensor<?x8x?x64xf32>
}

// A few rows, known when compiling, read keys where they lie and pack nothing; eight heads share those of one.
// CHECK-LABEL: func.func @shared_heads(
// CHECK-SAME: %[[Q:[^:]*]]: tensor<2x24x1x64xf32>, %[[K:[^:]*]]: tensor<2x3x40x64xf32>)
// CHECK: %[[B:.*]] = laic.panels %[[K]] {batch = 2 : i64, {{.*}}} : (tensor<2x3x40x64xf32>) -> tensor<2x3x2x64x32xf32>
// CHECK: laic.contract %[[Q]], %[[B]] {{.*}}b_batch = array<i64: 0, 1>
#repeat = affine_map<(b, h, r, n, k) -> (b, h, n, k)>
#all = affine_map<(b, h, r, n, k) -> (b, h, r, n, k)>
func.func @shared_heads(%q: tensor<2x24x1x64xf32>, %k: tensor<2x3x40x64xf32>) -> tensor<2x24x1x40xf32> {
  %zero = arith.constant 0.0 : f32
  %w = tensor.empty() : tensor<2x3x8x40x64xf32>
  %wide = linalg.generic {indexing_maps = [#repeat, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%k : tensor<2x3x40x64xf32>) outs(%w : tensor<2x3x8x40x64xf32>) {
  ^bb0(%x: f32, %out: f32):
    linalg.yield %x : f32
  } -> tensor<2x3x8x40x64xf32>
  %flat = tensor.collapse_shape %wide [[0], [1, 2], [3], [4]] : tensor<2x3x8x40x64xf32> into tensor<2x24x40x64xf32>
  %e = tensor.empty() : tensor<2x24x1x40xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x24x1x40xf32>) -> tensor<2x24x1x40xf32>
  %s = linalg.generic {indexing_maps = [#score, #keys, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%q, %flat : tensor<2x24x1x64xf32>, tensor<2x24x40x64xf32>) outs(%f : tensor<2x24x1x40xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %out, %p : f32
    linalg.yield %r : f32
  } -> tensor<2x24x1x40xf32>
  return %s : tensor<2x24x1x40xf32>
}

// Where every third head has the same keys, neighbours share nothing: the copy stays.
// CHECK-LABEL: func.func @heads_in_turns(
// CHECK: linalg.generic
// CHECK: laic.panels %{{.*}} : (tensor<2x24x40x64xf32>) -> tensor<2x24x2x64x32xf32>
#turns = affine_map<(b, r, h, n, k) -> (b, h, n, k)>
func.func @heads_in_turns(%q: tensor<2x24x1x64xf32>, %k: tensor<2x3x40x64xf32>) -> tensor<2x24x1x40xf32> {
  %zero = arith.constant 0.0 : f32
  %w = tensor.empty() : tensor<2x8x3x40x64xf32>
  %wide = linalg.generic {indexing_maps = [#turns, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%k : tensor<2x3x40x64xf32>) outs(%w : tensor<2x8x3x40x64xf32>) {
  ^bb0(%x: f32, %out: f32):
    linalg.yield %x : f32
  } -> tensor<2x8x3x40x64xf32>
  %flat = tensor.collapse_shape %wide [[0], [1, 2], [3], [4]] : tensor<2x8x3x40x64xf32> into tensor<2x24x40x64xf32>
  %e = tensor.empty() : tensor<2x24x1x40xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x24x1x40xf32>) -> tensor<2x24x1x40xf32>
  %s = linalg.generic {indexing_maps = [#score, #keys, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%q, %flat : tensor<2x24x1x64xf32>, tensor<2x24x40x64xf32>) outs(%f : tensor<2x24x1x40xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %p = arith.mulf %x, %y : f32
    %r = arith.addf %out, %p : f32
    linalg.yield %r : f32
  } -> tensor<2x24x1x40xf32>
  return %s : tensor<2x24x1x40xf32>
}
