// RUN: laic-opt %s --laic-form-rows --split-input-file | FileCheck %s

// Softmax: what is between the input and the result exists for one row only.
// CHECK-LABEL: func.func @softmax(
// CHECK-SAME: %[[X:.*]]: tensor<8x1000xf32>
// CHECK: %[[Y:.*]] = laic.rows {rows = 1 : i64} : tensor<8x1000xf32> {
// CHECK: linalg.generic {{.*}}"parallel", "reduction"{{.*}} ins(%[[X]]
// CHECK: arith.subf
// CHECK: linalg.generic {{.*}}"parallel", "reduction"
// CHECK: %[[LAST:.*]] = linalg.generic
// CHECK: arith.divf
// CHECK: laic.outputs %[[LAST]] : tensor<8x1000xf32>
// CHECK: return %[[Y]]
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#kept = affine_map<(d0, d1) -> (d0, 0)>
func.func @softmax(%x: tensor<8x1000xf32>) -> tensor<8x1000xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<8xf32>
  %full = tensor.empty() : tensor<8x1000xf32>
  %f = linalg.fill ins(%low : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<8x1000xf32>) outs(%f : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.maximumf %in, %out : f32
    linalg.yield %m : f32
  } -> tensor<8xf32>
  %kept = tensor.expand_shape %max [[0, 1]] output_shape [8, 1] : tensor<8xf32> into tensor<8x1xf32>
  %exp = linalg.generic {indexing_maps = [#id, #kept, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %kept : tensor<8x1000xf32>, tensor<8x1xf32>) outs(%full : tensor<8x1000xf32>) {
  ^bb0(%in: f32, %m: f32, %out: f32):
    %d = arith.subf %in, %m : f32
    %r = math.exp %d : f32
    linalg.yield %r : f32
  } -> tensor<8x1000xf32>
  %g = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%exp : tensor<8x1000xf32>) outs(%g : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%exp, %sum : tensor<8x1000xf32>, tensor<8xf32>) outs(%full : tensor<8x1000xf32>) {
  ^bb0(%in: f32, %s: f32, %out: f32):
    %r = arith.divf %in, %s : f32
    linalg.yield %r : f32
  } -> tensor<8x1000xf32>
  return %y : tensor<8x1000xf32>
}

// -----

// A reduction alone is what it was; so is one of few long rows, which several threads share.
// CHECK-LABEL: func.func @alone(
// CHECK-NOT: laic.rows
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
func.func @alone(%x: tensor<8x100xf32>, %long: tensor<2x50000xf32>) -> (tensor<8xf32>, tensor<2x50000xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<8x100xf32>) outs(%f : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  %e2 = tensor.empty() : tensor<2xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<2xf32>) -> tensor<2xf32>
  %sum2 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%long : tensor<2x50000xf32>) outs(%f2 : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  %full = tensor.empty() : tensor<2x50000xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%long, %sum2 : tensor<2x50000xf32>, tensor<2xf32>) outs(%full : tensor<2x50000xf32>) {
  ^bb0(%in: f32, %s: f32, %out: f32):
    %r = arith.divf %in, %s : f32
    linalg.yield %r : f32
  } -> tensor<2x50000xf32>
  return %sum, %y : tensor<8xf32>, tensor<2x50000xf32>
}

// -----

// What a user outside needs is yielded too; what depends on such a user stays behind.
// CHECK-LABEL: func.func @residual(
// CHECK: %[[R:.*]]:2 = laic.rows sizes %{{.*}}, %{{.*}} {rows = 1 : i64} : tensor<?x64xf32>, tensor<?x64xf32>
// CHECK: arith.addf
// CHECK: laic.outputs
// CHECK: %[[T:.*]] = linalg.transpose ins(%[[R]]#1
// CHECK: linalg.generic {{.*}} ins(%[[T]], %[[R]]#0
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
func.func @residual(%x: tensor<?x64xf32> {laic.dims = ["n", 64]}, %y: tensor<?x64xf32> {laic.dims = ["n", 64]}) -> tensor<?x64xf32> attributes {laic.symbols = [{arg = 0 : i64, index = 0 : i64, kind = "dim", name = "n"}]} {
  %zero = arith.constant 0.0 : f32
  %n = laic.size affine_map<()[s0] -> (s0)>
  %full = tensor.empty(%n) : tensor<?x64xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<?x64xf32>, tensor<?x64xf32>) outs(%full : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %total = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%sum : tensor<?x64xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %scaled = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%sum, %total : tensor<?x64xf32>, tensor<?xf32>) outs(%full : tensor<?x64xf32>) {
  ^bb0(%in: f32, %s: f32, %out: f32):
    %r = arith.divf %in, %s : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %turned = tensor.empty(%n) : tensor<64x?xf32>
  %t = linalg.transpose ins(%scaled : tensor<?x64xf32>) outs(%turned : tensor<64x?xf32>) permutation = [1, 0]
  %z = linalg.generic {indexing_maps = [#turned, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%t, %sum : tensor<64x?xf32>, tensor<?x64xf32>) outs(%full : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}
