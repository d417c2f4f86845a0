// A call of the runtime becomes a dispatch of a declared function, one declaration per function and types, whose sizes are its parameters.
// RUN: laic-opt %s --laic-form-dispatches | FileCheck %s
// RUN: laic-opt %s --laic-form-dispatches --laic-schedule-program | FileCheck %s --check-prefix=PLAN

// CHECK: #[[SEVEN:.*]] = affine_map<() -> (7)>
// CHECK-LABEL: func.func @main
// CHECK: %[[LIMIT:.*]] = laic.size #[[SEVEN]]
// CHECK: %[[A:.*]] = plan.dispatch @laic_host_0(%{{.*}}) [%[[LIMIT]]]
// CHECK: plan.dispatch @laic_host_0(%[[A]]) [%[[LIMIT]]]
// CHECK: func.func private @laic_host_0(tensor<4xi128>, index) -> tensor<4xi128> attributes {laic.host_function = "text.f"}
// PLAN: plan.step @laic_host_0 tiles [1] workspace [0] sizes [7]
func.func @main(%x: tensor<4xi128>) -> tensor<4xi128> attributes {laic.symbols = []} {
  %y = "laic.host_call"(%x) {function = "text.f", parameters = array<i64: 7>, operandSegmentSizes = array<i32: 1, 0>} : (tensor<4xi128>) -> tensor<4xi128>
  %z = "laic.host_call"(%y) {function = "text.f", parameters = array<i64: 7>, operandSegmentSizes = array<i32: 1, 0>} : (tensor<4xi128>) -> tensor<4xi128>
  return %z : tensor<4xi128>
}
