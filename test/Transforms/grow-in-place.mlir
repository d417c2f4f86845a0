// RUN: laic-opt %s --laic-grow-in-place --split-input-file | FileCheck %s
// RUN: laic-opt %s --laic-grow-in-place --laic-schedule-program --split-input-file | FileCheck %s --check-prefix=PLAN

// A cache and what reads it, also through a view. The kernel that another dispatch uses without room is repeated.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %{{.*}}: tensor<1x4x?x8xf32> {laic.room = 2 : i64}
// CHECK-SAME: -> (tensor<1x4x?x8xf32> {laic.grows = 0 : i64, laic.room = 2 : i64}, tensor<4x?x8xf32>, tensor<4x?x8xf32>)
// CHECK: plan.dispatch @append(
// CHECK: plan.dispatch @[[COPY:turn_0]](
// CHECK: plan.dispatch @turn(
// CHECK: func.func private @append(%{{.*}}: tensor<1x4x?x8xf32> {laic.room = 2 : i64}, %{{.*}}: tensor<1x4x?x8xf32>, %{{.*}}: index) -> (tensor<1x4x?x8xf32> {laic.room = 2 : i64})
// CHECK: func.func private @turn(%{{.*}}: tensor<4x?x8xf32>, %{{.*}}: index) -> tensor<4x?x8xf32>
// CHECK: func.func private @[[COPY]](%{{.*}}: tensor<4x?x8xf32> {laic.room = 1 : i64}
// PLAN: plan.input 0 : <f32, [1, 4, s0, 8], room 2>
// PLAN: plan.output 0 : <f32, [1, 4, s0 + s1, 8], room 2>
// PLAN: plan.view {{.*}} to <f32, [4, s0 + s1, 8], room 1>
func.func @main(%past: tensor<1x4x?x8xf32>, %now: tensor<1x4x?x8xf32>) -> (tensor<1x4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>)
    attributes {laic.symbols = [{kind = "dim", arg = 0 : i64, index = 2 : i64, name = "past"}, {kind = "dim", arg = 1 : i64, index = 2 : i64, name = "seq"}]} {
  %total = laic.size affine_map<()[s0, s1] -> (s0 + s1)>
  %present = plan.dispatch @append(%past, %now)[%total] shapes [affine_map<()[s0, s1] -> (1, 4, s0 + s1, 8)>] : (tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32>) -> tensor<1x4x?x8xf32>
  %seen = tensor.collapse_shape %present [[0, 1], [2], [3]] : tensor<1x4x?x8xf32> into tensor<4x?x8xf32>
  %a = plan.dispatch @turn(%seen)[%total] shapes [affine_map<()[s0, s1] -> (4, s0 + s1, 8)>] : (tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  %b = plan.dispatch @turn(%a)[%total] shapes [affine_map<()[s0, s1] -> (4, s0 + s1, 8)>] : (tensor<4x?x8xf32>) -> tensor<4x?x8xf32>
  return %present, %a, %b : tensor<1x4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>
}
func.func private @append(%past: tensor<1x4x?x8xf32>, %now: tensor<1x4x?x8xf32>, %total: index) -> tensor<1x4x?x8xf32> {
  %r = laic.append %past, %now sizes %total {axis = 2 : i64} : (tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32>, index) -> tensor<1x4x?x8xf32>
  return %r : tensor<1x4x?x8xf32>
}
func.func private @turn(%x: tensor<4x?x8xf32>, %n: index) -> tensor<4x?x8xf32> {
  %e = tensor.empty(%n) : tensor<4x?x8xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<4x?x8xf32>) outs(%e : tensor<4x?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.negf %in : f32
    linalg.yield %y : f32
  } -> tensor<4x?x8xf32>
  return %r : tensor<4x?x8xf32>
}

// -----

// What reads the cache joins the dim with another: it is copied where it has room. The output may share the input's memory still.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: laic.room
// PLAN: grows = 0 : i64
// PLAN-NOT: room
func.func @main(%past: tensor<4x2x8xf32>, %now: tensor<4x1x8xf32>) -> (tensor<4x3x8xf32>, tensor<4x24xf32>) {
  %present = plan.dispatch @append(%past, %now) shapes [affine_map<() -> (4, 3, 8)>] : (tensor<4x2x8xf32>, tensor<4x1x8xf32>) -> tensor<4x3x8xf32>
  %seen = tensor.collapse_shape %present [[0], [1, 2]] : tensor<4x3x8xf32> into tensor<4x24xf32>
  %a = plan.dispatch @negate(%seen) shapes [affine_map<() -> (4, 24)>] : (tensor<4x24xf32>) -> tensor<4x24xf32>
  return %present, %a : tensor<4x3x8xf32>, tensor<4x24xf32>
}
func.func private @append(%past: tensor<4x2x8xf32>, %now: tensor<4x1x8xf32>) -> tensor<4x3x8xf32> {
  %r = laic.append %past, %now {axis = 1 : i64} : (tensor<4x2x8xf32>, tensor<4x1x8xf32>) -> tensor<4x3x8xf32>
  return %r : tensor<4x3x8xf32>
}
func.func private @negate(%x: tensor<4x24xf32>) -> tensor<4x24xf32> {
  %e = tensor.empty() : tensor<4x24xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x24xf32>) outs(%e : tensor<4x24xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.negf %in : f32
    linalg.yield %y : f32
  } -> tensor<4x24xf32>
  return %r : tensor<4x24xf32>
}

// -----

// Returned twice, and an input that something else reads, too: neither grows where it lies.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: laic.room
func.func @main(%p: tensor<4x2x8xf32>, %q: tensor<4x2x8xf32>, %now: tensor<4x1x8xf32>)
    -> (tensor<4x3x8xf32>, tensor<4x3x8xf32>, tensor<4x3x8xf32>, tensor<4x2x8xf32>) {
  %a = plan.dispatch @append(%p, %now) shapes [affine_map<() -> (4, 3, 8)>] : (tensor<4x2x8xf32>, tensor<4x1x8xf32>) -> tensor<4x3x8xf32>
  %b = plan.dispatch @append(%q, %now) shapes [affine_map<() -> (4, 3, 8)>] : (tensor<4x2x8xf32>, tensor<4x1x8xf32>) -> tensor<4x3x8xf32>
  return %a, %a, %b, %q : tensor<4x3x8xf32>, tensor<4x3x8xf32>, tensor<4x3x8xf32>, tensor<4x2x8xf32>
}
func.func private @append(%past: tensor<4x2x8xf32>, %now: tensor<4x1x8xf32>) -> tensor<4x3x8xf32> {
  %r = laic.append %past, %now {axis = 1 : i64} : (tensor<4x2x8xf32>, tensor<4x1x8xf32>) -> tensor<4x3x8xf32>
  return %r : tensor<4x3x8xf32>
}
