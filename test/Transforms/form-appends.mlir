// RUN: laic-opt %s --laic-form-appends --split-input-file | FileCheck %s

// A returned concatenation of an input and something else.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[PAST:.*]]: tensor<?x4x?x64xf32>, %[[NOW:.*]]: tensor<?x4x?x64xf32>)
// CHECK-DAG: %[[BATCH:.*]] = tensor.dim %[[PAST]], %c0
// CHECK-DAG: %[[TOTAL:.*]] = arith.addi
// CHECK: %[[PRESENT:.*]] = laic.append %[[PAST]], %[[NOW]] sizes %[[BATCH]], %[[TOTAL]] {axis = 2 : i64}
// CHECK: return %[[PRESENT]]
func.func @main(%past: tensor<?x4x?x64xf32>, %now: tensor<?x4x?x64xf32>) -> tensor<?x4x?x64xf32> {
  %present = tensor.concat dim(2) %past, %now : (tensor<?x4x?x64xf32>, tensor<?x4x?x64xf32>) -> tensor<?x4x?x64xf32>
  return %present : tensor<?x4x?x64xf32>
}

// -----

// Not returned; the input behind the new elements; three parts: no cache that grows.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: laic.append
func.func @main(%x: tensor<2x4xf32>, %y: tensor<3x4xf32>) -> (tensor<5x4xf32>, tensor<5x4xf32>, tensor<8x4xf32>) {
  %e = tensor.empty() : tensor<3x4xf32>
  %n = linalg.negf ins(%y : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %inner = tensor.concat dim(0) %x, %n : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
  %e5 = tensor.empty() : tensor<5x4xf32>
  %m = linalg.negf ins(%inner : tensor<5x4xf32>) outs(%e5 : tensor<5x4xf32>) -> tensor<5x4xf32>
  %before = tensor.concat dim(0) %n, %x : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<5x4xf32>
  %three = tensor.concat dim(0) %x, %n, %y : (tensor<2x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<8x4xf32>
  return %m, %before, %three : tensor<5x4xf32>, tensor<5x4xf32>, tensor<8x4xf32>
}

// -----

// Zeros that make room for what is written behind are the append's own; other numbers are not.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[PAST:[^:]*]]: tensor<2x3x4xf32>, %[[NOW:[^:]*]]: tensor<2x1x4xf32>, %[[AT:[^:]*]]: tensor<2xi64>
// CHECK: %[[ONES:.*]] = tensor.concat
// CHECK-NEXT: laic.append %[[PAST]], %[[NOW]] at %[[AT]]
// CHECK-NEXT: laic.append %[[ONES]], %[[NOW]] at %[[AT]]
func.func @main(%past: tensor<2x3x4xf32>, %now: tensor<2x1x4xf32>, %at: tensor<2xi64>) -> (tensor<2x5x4xf32>, tensor<2x5x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x2x4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x2x4xf32>) -> tensor<2x2x4xf32>
  %ones = linalg.fill ins(%one : f32) outs(%e : tensor<2x2x4xf32>) -> tensor<2x2x4xf32>
  %a = tensor.concat dim(1) %past, %zeros : (tensor<2x3x4xf32>, tensor<2x2x4xf32>) -> tensor<2x5x4xf32>
  %b = tensor.concat dim(1) %past, %ones : (tensor<2x3x4xf32>, tensor<2x2x4xf32>) -> tensor<2x5x4xf32>
  %x = laic.append %a, %now at %at {axis = 1 : i64} : (tensor<2x5x4xf32>, tensor<2x1x4xf32>, tensor<2xi64>) -> tensor<2x5x4xf32>
  %y = laic.append %b, %now at %at {axis = 1 : i64} : (tensor<2x5x4xf32>, tensor<2x1x4xf32>, tensor<2xi64>) -> tensor<2x5x4xf32>
  return %x, %y : tensor<2x5x4xf32>, tensor<2x5x4xf32>
}
