// RUN: laic-opt %s --laic-insert-transfers='device=gpu host=host' -split-input-file | FileCheck %s
// RUN: laic-opt %s --laic-insert-transfers='device=gpu host=host' --laic-schedule-program='device=gpu host=host' -split-input-file | FileCheck %s --check-prefix=PLAN

func.func private @k(%a: tensor<64xf32>) -> tensor<64xf32>
func.func private @square(%a: tensor<8x8xf32>) -> tensor<64xf32>

// A value moves once, before its first use on the other device; views are repeated behind the move; results end on the host.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<64xf32>)
// CHECK: %[[UP:.*]] = plan.transfer %[[X]] to "gpu"
// CHECK: %[[A:.*]] = plan.dispatch @k(%[[UP]]) on "gpu"
// CHECK: %[[DOWN:.*]] = plan.transfer %[[A]] to "host"
// CHECK: %[[VIEW:.*]] = tensor.expand_shape %[[DOWN]]
// CHECK: %[[B:.*]] = plan.dispatch @square(%[[VIEW]]) on "host"
// CHECK: %[[C:.*]] = plan.dispatch @k(%[[DOWN]]) on "host"
// CHECK-NOT: plan.transfer
// CHECK: return %[[B]], %[[C]], %[[DOWN]]
// PLAN-LABEL: plan.entry @main on "gpu"
// PLAN-SAME: arena [512] host_arena [0]
// PLAN: plan.copy %{{.*}} to %[[UP:.*]] : <f32, [64]> to <f32, [64]>
// PLAN: plan.step @k {{.*}} ins(%[[UP]]
// PLAN: plan.step host @square
// PLAN: plan.step concurrent host @k
func.func @main(%x: tensor<64xf32>) -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
  %a = plan.dispatch @k(%x) on "gpu" shapes [affine_map<() -> (64)>] : (tensor<64xf32>) -> tensor<64xf32>
  %v = tensor.expand_shape %a [[0, 1]] output_shape [8, 8] : tensor<64xf32> into tensor<8x8xf32>
  %b = plan.dispatch @square(%v) on "host" shapes [affine_map<() -> (64)>] : (tensor<8x8xf32>) -> tensor<64xf32>
  %c = plan.dispatch @k(%a) on "host" shapes [affine_map<() -> (64)>] : (tensor<64xf32>) -> tensor<64xf32>
  return %b, %c, %a : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
}

// -----

func.func private @k(%a: tensor<64xf32>) -> tensor<64xf32>

// What lies between two host steps lies in the host's arena; constants are everywhere.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = laic.constant
// CHECK-NOT: plan.transfer
// CHECK: %[[A:.*]] = plan.dispatch @k(%[[W]]) on "host"
// CHECK: plan.dispatch @k(%[[A]]) on "host"
// PLAN-LABEL: plan.entry @main on "gpu"
// PLAN-SAME: arena [0] host_arena [256]
// PLAN: plan.alloc host arena offset [0] size [256]
func.func @main() -> tensor<64xf32> {
  %w = laic.constant {value = dense<1.0> : tensor<64xf32>} : tensor<64xf32>
  %a = plan.dispatch @k(%w) on "host" shapes [affine_map<() -> (64)>] : (tensor<64xf32>) -> tensor<64xf32>
  %b = plan.dispatch @k(%a) on "host" shapes [affine_map<() -> (64)>] : (tensor<64xf32>) -> tensor<64xf32>
  return %b : tensor<64xf32>
}
