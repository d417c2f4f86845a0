// RUN: laic-opt %s | laic-opt | FileCheck %s

func.func private @kernel(%a: tensor<?x4xf32>, %b: tensor<4xf32>, %n: index) -> tensor<?x4xf32>
func.func private @bare(%a: tensor<4xf32>) -> tensor<4xf32>

// CHECK-LABEL: func.func @dispatch
func.func @dispatch(%x: tensor<?x4xf32>, %b: tensor<4xf32>) -> (tensor<?x4xf32>, tensor<4xf32>) {
  %n = laic.size affine_map<()[s0] -> (s0)>
  // CHECK: plan.dispatch @kernel(%{{.*}}, %{{.*}}) [%{{.*}}] shapes [#{{.*}}] : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %0 = plan.dispatch @kernel(%x, %b)[%n] shapes [affine_map<()[s0] -> (s0, 4)>]
         : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: plan.dispatch @bare(%{{.*}}) on "other" shapes
  %1 = plan.dispatch @bare(%b) on "other" shapes [affine_map<() -> (4)>] : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<?x4xf32>, tensor<4xf32>
}

// CHECK-LABEL: plan.entry @main on "cpu"
// CHECK-SAME: arena [s0 * 64]
plan.entry @main on "cpu" symbols [{kind = "dim", arg = 0 : i64, index = 0 : i64, name = "N"}]
    inputs [{name = "x", element = f32, dims = ["N", 4]}]
    outputs [{name = "y", element = f32, dims = ["N", 4], shape = affine_map<()[s0] -> (s0, 4)>}]
    arena [s0 * 64] host_arena [0] {
  // CHECK: plan.check "ge" [s0], [1], "input 'x': dim 0 (N) must be positive"
  plan.check "ge" [s0], [1], "input 'x': dim 0 (N) must be positive"
  // CHECK: %[[X:.*]] = plan.input 0 : <f32, [s0, 4]>
  %x = plan.input 0 : <f32, [s0, 4]>
  // CHECK: %[[B:.*]] = plan.constant dense<1.000000e+00> : tensor<4xf32> as <f32, [4]>
  %b = plan.constant dense<1.0> : tensor<4xf32> as <f32, [4]>
  // CHECK: %[[A:.*]] = plan.alloc arena offset [0] size [s0 * 16] : <f32, [s0, 4]>
  %a = plan.alloc arena offset [0] size [s0 * 16] : <f32, [s0, 4]>
  // CHECK: plan.step @kernel tiles [s0 ceildiv 8] workspace [64] sizes [s0] ins(%[[X]], %[[B]] : {{.*}}) outs(%[[A]] : {{.*}})
  plan.step @kernel tiles [s0 ceildiv 8] workspace [64] sizes [s0]
    ins(%x, %b : !plan.buffer<f32, [s0, 4]>, !plan.buffer<f32, [4]>) outs(%a : !plan.buffer<f32, [s0, 4]>)
  // CHECK: plan.view %[[A]] : <f32, [s0, 4]> to <f32, [s0 * 4]>
  %v = plan.view %a : <f32, [s0, 4]> to <f32, [s0 * 4]>
  %y = plan.output 0 : <f32, [s0 * 4]>
  // CHECK: plan.copy concurrent %{{.*}} to %{{.*}}
  plan.copy concurrent %v to %y : <f32, [s0 * 4]> to <f32, [s0 * 4]>
}
