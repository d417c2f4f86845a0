// RUN: laic-opt %s --laic-share-kernels | FileCheck %s

#id = affine_map<(d0) -> (d0)>

// The factor differs, the limit does not: one operand more, one kernel for both.
// CHECK-LABEL: func.func @scales(
// CHECK-SAME: %[[X:[^:]*]]: tensor<8xf32>
// CHECK: %[[TWO:.*]] = laic.constant {value = dense<2.000000e+00> : tensor<f32>}
// CHECK: %[[Y:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #{{.*}}, #{{.*}}], iterator_types = ["parallel"]} ins(%[[X]], %[[TWO]] : tensor<8xf32>, tensor<f32>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[S:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: arith.mulf %[[A]], %[[S]]
// CHECK-NEXT: arith.maximumf %{{.*}}, %{{cst.*}} :
// CHECK: %[[THREE:.*]] = laic.constant {value = dense<3.000000e+00> : tensor<f32>}
// CHECK: linalg.generic {{.*}} ins(%[[Y]], %[[THREE]] : tensor<8xf32>, tensor<f32>)
func.func @scales(%x: tensor<8xf32>) -> tensor<8xf32> {
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %two : f32
    %r = arith.maximumf %m, %zero : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  %f = tensor.empty() : tensor<8xf32>
  %z = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%y : tensor<8xf32>) outs(%f : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %three : f32
    %r = arith.maximumf %m, %zero : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  return %z : tensor<8xf32>
}

// Epilogues: a scale that is used twice is one operand, an integer is one like a float.
// CHECK-LABEL: func.func @epilogues(
// CHECK: laic.contract %{{.*}}, %{{.*}} extras %{{.*}}, %{{.*}} {{{.*}}extra_maps = [#[[NONE:.*]], #[[NONE]]]
// CHECK: ^bb0(%{{.*}}: i32, %[[F:.*]]: f32, %[[Z:.*]]: i32):
// CHECK-NOT: arith.constant
// CHECK: arith.mulf %{{.*}}, %[[F]]
// CHECK: arith.mulf %{{.*}}, %[[F]]
// CHECK: arith.addi %{{.*}}, %[[Z]]
// CHECK: laic.contract %{{.*}}, %{{.*}} extras %{{.*}}, %{{.*}} {
func.func @epilogues(%a: tensor<4x8xi8>, %b: tensor<1x8x32xi8>) -> (tensor<4x32xi32>, tensor<4x32xi32>) {
  %x = laic.contract %a, %b {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []} : (tensor<4x8xi8>, tensor<1x8x32xi8>) -> tensor<4x32xi32> {
  ^bb0(%s: i32):
    %scale = arith.constant 0.5 : f32
    %zero = arith.constant 7 : i32
    %f = arith.sitofp %s : i32 to f32
    %g = arith.mulf %f, %scale : f32
    %h = arith.mulf %g, %scale : f32
    %i = arith.fptosi %h : f32 to i32
    %r = arith.addi %i, %zero : i32
    laic.yield %r : i32
  }
  %y = laic.contract %a, %b {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []} : (tensor<4x8xi8>, tensor<1x8x32xi8>) -> tensor<4x32xi32> {
  ^bb0(%s: i32):
    %scale = arith.constant 0.25 : f32
    %zero = arith.constant 9 : i32
    %f = arith.sitofp %s : i32 to f32
    %g = arith.mulf %f, %scale : f32
    %h = arith.mulf %g, %scale : f32
    %i = arith.fptosi %h : f32 to i32
    %r = arith.addi %i, %zero : i32
    laic.yield %r : i32
  }
  return %x, %y : tensor<4x32xi32>, tensor<4x32xi32>
}

// Another operation in the body: nothing in common.
// CHECK-LABEL: func.func @others(
// CHECK-NOT: laic.constant
// CHECK: return
func.func @others(%x: tensor<8xf32>) -> tensor<8xf32> {
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %e = tensor.empty() : tensor<8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %two : f32
    linalg.yield %m : f32
  } -> tensor<8xf32>
  %z = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%y : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.addf %a, %three : f32
    linalg.yield %m : f32
  } -> tensor<8xf32>
  return %z : tensor<8xf32>
}
