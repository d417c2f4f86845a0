// RUN: laic-opt %s --laic-form-dispatches -split-input-file | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>

// Two equal operations are one kernel; a view stays in @main; the size is an argument.
// CHECK-LABEL: func.func @main
// CHECK: %[[N:.*]] = laic.size
// CHECK: %[[A:.*]] = plan.dispatch @laic_exp_f32_dx4(%arg0) [%[[N]]]
// CHECK: %[[B:.*]] = plan.dispatch @laic_exp_f32_dx4(%[[A]]) [%[[N]]]
// CHECK: %[[C:.*]] = tensor.collapse_shape %[[B]]
// CHECK: return %[[C]]
// CHECK: func.func private @laic_exp_f32_dx4(%{{.*}}: tensor<?x4xf32>, %{{.*}}: index) -> tensor<?x4xf32>
// CHECK: tensor.empty
// CHECK-NOT: func.func private
func.func @main(%x: tensor<?x4xf32> {laic.dims = ["N", 4]}) -> tensor<?xf32>
    attributes {laic.symbols = [{kind = "dim", arg = 0 : i64, index = 0 : i64, name = "N"}]} {
  %n = laic.size affine_map<()[s0] -> (s0)>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %p = math.exp %a : f32
    linalg.yield %p : f32
  } -> tensor<?x4xf32> loc("first")
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %p = math.exp %a : f32
    linalg.yield %p : f32
  } -> tensor<?x4xf32> loc("second")
  %2 = tensor.collapse_shape %1 [[0, 1]] : tensor<?x4xf32> into tensor<?xf32>
  return %2 : tensor<?xf32>
}

// -----

// What a region captures becomes an argument too; constants are repeated; sums of sizes are followed.
// CHECK-LABEL: func.func @main
// CHECK: plan.dispatch @laic_pad_f32_d({{.*}}) shapes [#[[SHAPE:.*]]]
// CHECK: plan.dispatch @laic_gather_i64f32_3(%{{.*}}, %{{.*}})
// CHECK: func.func private @laic_pad_f32_d
// CHECK: arith.constant 0.0
func.func @main(%x: tensor<?xf32> {laic.dims = ["N"]}, %i: tensor<3xi64>) -> (tensor<?xf32>, tensor<3xf32>)
    attributes {laic.symbols = [{kind = "dim", arg = 0 : i64, index = 0 : i64, name = "N"}]} {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.pad %x low[1] high[2] {
  ^bb0(%d: index):
    tensor.yield %zero : f32
  } : tensor<?xf32> to tensor<?xf32>
  %e = tensor.empty() : tensor<3xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%i : tensor<3xi64>) outs(%e : tensor<3xf32>) {
  ^bb0(%a: i64, %o: f32):
    %k = arith.index_cast %a : i64 to index
    %p = tensor.extract %x[%k] : tensor<?xf32>
    linalg.yield %p : f32
  } -> tensor<3xf32>
  return %0, %1 : tensor<?xf32>, tensor<3xf32>
}
