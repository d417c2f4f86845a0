// RUN: laic-opt %s --laic-form-contracts=panels --laic-form-rows | FileCheck %s

// Attention over as many queries as the call brings: keys and values are packed for many, read where they lie for few.
// CHECK-LABEL: func.func @attention(
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x8x?x64xf32>{{.*}}, %[[K:[^:]*]]: tensor<?x8x?x64xf32>{{.*}}, %[[V:[^:]*]]: tensor<?x8x?x64xf32>
// CHECK: %[[KP:.*]] = laic.pack_panels %[[K]] rows %{{.*}} sizes
// CHECK: %[[VP:.*]] = laic.pack_panels %[[V]] rows %{{.*}} sizes
// CHECK: laic.rows sizes {{.*}} {rows = 3 : i64}
// CHECK: %[[KB:.*]] = laic.panels %[[KP]], %[[K]]
// CHECK: %[[S:.*]] = laic.contract %[[Q]], %[[KB]]
// CHECK: "reduction"
// CHECK: math.exp
// CHECK: %[[VB:.*]] = laic.panels %[[VP]], %[[V]]
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
