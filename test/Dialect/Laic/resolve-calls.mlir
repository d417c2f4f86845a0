// What laic-resolve-control-flow makes of branches and loops that only the call decides.
// RUN: laic-opt --laic-resolve-control-flow --split-input-file %s | FileCheck %s

// Branches of different sizes become programs; what both capture is handed over once, constants are repeated.
// CHECK-LABEL: func.func @if_sizes
// CHECK-SAME: %[[C:.*]]: tensor<i1>, %[[X:.*]]: tensor<?xf32>
// CHECK: laic.call "if" [@if_sizes_then, @if_sizes_else](%[[C]], %[[X]]) {dims = array<i64: -2, 0>, read = 0 : i64}
// CHECK-SAME: -> tensor<?xf32>
// CHECK-LABEL: func.func @if_sizes_then
// CHECK-SAME: %[[T:.*]]: tensor<?xf32> {laic.dims = ["N"]
// CHECK-SAME: laic.program
// CHECK: laic.concat %[[T]], %[[T]]
// CHECK-LABEL: func.func @if_sizes_else
// CHECK-SAME: %[[E:.*]]: tensor<?xf32>
// CHECK: %[[TWO:.*]] = laic.constant
// CHECK: laic.mul %[[E]], %[[TWO]]
func.func @if_sizes(%c: tensor<i1>, %x: tensor<?xf32> {laic.dims = ["N"]}) -> tensor<*xf32> {
  %two = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %a = laic.concat %x, %x {axis = 0 : i64} : (tensor<?xf32>, tensor<?xf32>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  } else {
    %a = laic.mul %x, %two : (tensor<?xf32>, tensor<f32>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

// A branch whose indices may be out of range runs only when it is taken; both have the size of operand 2, so nothing is late.
// CHECK-LABEL: func.func @if_indices
// CHECK: laic.call "if" [@if_indices_then, @if_indices_else]
// CHECK-SAME: {dims = array<i64: 1, 0>, read = -1 : i64}
func.func @if_indices(%c: tensor<i1>, %x: tensor<?xf32> {laic.dims = ["N"]}, %i: tensor<?xi64> {laic.dims = ["N"]}) -> tensor<*xf32> {
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %a = laic.gather %x, %i : (tensor<?xf32>, tensor<?xi64>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  } else {
    laic.outputs %x : tensor<?xf32>
  }
  return %y : tensor<*xf32>
}

// -----

// The first carried value keeps its size, the second grows, the third result is a stack.
// CHECK-LABEL: func.func @loop_trips
// CHECK-SAME: %[[M:.*]]: tensor<i64>, %[[X:.*]]: tensor<?xf32>
// CHECK: %[[T:.*]] = laic.constant {value = dense<true>
// CHECK: laic.call "loop" [@loop_trips_body](%[[M]], %[[T]], %[[X]], %[[X]], %[[X]])
// CHECK-SAME: {carried = 2 : i64, dims = array<i64: 2, 0, -2, 0, -2, 1, 2, 0>, read = 0 : i64}
// CHECK-LABEL: func.func @loop_trips_body
// CHECK-SAME: tensor<?xf32> {laic.dims = ["N"], laic.name = "input2"}
// CHECK-SAME: tensor<?xf32> {laic.dims = ["size 1"], laic.name = "input3"}
func.func @loop_trips(%m: tensor<i64>, %x: tensor<?xf32> {laic.dims = ["N"]}) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  %none = laic.none : none
  %y:3 = laic.loop %m, %none, %x, %x : (tensor<i64>, none, tensor<?xf32>, tensor<?xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %a: tensor<*xf32>, %b: tensor<*xf32>):
    %t = laic.neg %a : (tensor<*xf32>) -> tensor<*xf32>
    %u = laic.concat %b, %x {axis = 0 : i64} : (tensor<*xf32>, tensor<?xf32>) -> tensor<*xf32>
    laic.outputs %g, %t, %u, %t : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
  }
  return %y#0, %y#1, %y#2 : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// -----

// Whether a second iteration follows is data: the first one is taken out, the loop goes on with iteration 1.
// CHECK-LABEL: func.func @loop_peeled
// CHECK: laic.neg
// CHECK: laic.call "loop" [@loop_peeled_body]
// CHECK-SAME: carried = 1 : i64
// CHECK-SAME: first = 1 : i64
func.func @loop_peeled(%x: tensor<2xf32>, %limit: tensor<f32>) -> tensor<*xf32> {
  %none = laic.none : none
  %m = laic.constant {value = dense<9> : tensor<i64>} : tensor<i64>
  %y = laic.loop %m, %none, %x : (tensor<i64>, none, tensor<2xf32>) -> tensor<*xf32> {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %a: tensor<*xf32>):
    %t = laic.neg %a : (tensor<*xf32>) -> tensor<*xf32>
    %s = laic.reduce_sum %t, %none {keepdims = 0 : i64} : (tensor<*xf32>, none) -> tensor<*xf32>
    %h = laic.less %s, %limit : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
    laic.outputs %h, %t : tensor<*xf32>, tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

// One that stacks what iterations make runs as a whole.
// CHECK-LABEL: func.func @loop_stacks
// CHECK: laic.call "loop" [@loop_stacks_body]
// CHECK-SAME: carried = 1 : i64
// CHECK-NOT: first = 1
// CHECK: return
func.func @loop_stacks(%x: tensor<2xf32>, %limit: tensor<f32>) -> (tensor<*xf32>, tensor<*xf32>) {
  %none = laic.none : none
  %m = laic.constant {value = dense<9> : tensor<i64>} : tensor<i64>
  %y:2 = laic.loop %m, %none, %x : (tensor<i64>, none, tensor<2xf32>) -> (tensor<*xf32>, tensor<*xf32>) {
  ^bb0(%i: tensor<*xf32>, %g: tensor<*xf32>, %a: tensor<*xf32>):
    %t = laic.neg %a : (tensor<*xf32>) -> tensor<*xf32>
    %s = laic.reduce_sum %t, %none {keepdims = 0 : i64} : (tensor<*xf32>, none) -> tensor<*xf32>
    %h = laic.less %s, %limit : (tensor<*xf32>, tensor<f32>) -> tensor<*xf32>
    laic.outputs %h, %t, %t : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
  }
  return %y#0, %y#1 : tensor<*xf32>, tensor<*xf32>
}

// -----

// Where ranks differ on a condition of the sizes, the branch of fewer dims is taken, and every call is held to it.
// CHECK-LABEL: func.func @if_squeeze
// CHECK-SAME: was compiled for the then branch, which these sizes do not take
// CHECK-NOT: laic.call
// CHECK: laic.squeeze
// CHECK-NOT: laic.call
func.func @if_squeeze(%x: tensor<4x?xf32>) -> tensor<*xf32> {
  %one = laic.constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %at = laic.constant {value = dense<1> : tensor<i64>} : tensor<i64>
  %s = laic.shape %x : (tensor<4x?xf32>) -> tensor<*xi64>
  %d = laic.gather %s, %at : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %c = laic.equal %d, %at : (tensor<*xi64>, tensor<i64>) -> tensor<*xi1>
  %y = laic.if %c : (tensor<*xi1>) -> tensor<*xf32> {
    %a = laic.squeeze %x, %one : (tensor<4x?xf32>, tensor<1xi64>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  } else {
    laic.outputs %x : tensor<4x?xf32>
  }
  return %y : tensor<*xf32>
}
