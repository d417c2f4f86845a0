// What laic-resolve-control-flow makes of control flow, sequences and optionals.
// RUN: laic-opt --laic-resolve-control-flow --split-input-file %s | FileCheck %s

// CHECK-LABEL: @if_constant
// CHECK-SAME: %[[X:.*]]: tensor<2xf32>
// CHECK-NOT: laic.if
// CHECK: %[[Y:.*]] = laic.neg %[[X]]
// CHECK-NOT: laic.exp
// CHECK: return %[[Y]]
func.func @if_constant(%x: tensor<2xf32>) -> tensor<*xf32> {
  %c = laic.constant {value = dense<true> : tensor<i1>} : tensor<i1>
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %a = laic.neg %x : (tensor<2xf32>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  } else {
    %a = laic.exp %x : (tensor<2xf32>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: @if_selects
// CHECK-SAME: %[[X:.*]]: tensor<2xf32>, %[[C:.*]]: tensor<i1>
// CHECK-DAG: %[[A:.*]] = laic.neg %[[X]]
// CHECK-DAG: %[[B:.*]] = laic.exp %[[X]]
// CHECK: %[[Y:.*]] = laic.where %[[C]], %[[A]], %[[B]]
// CHECK: return %[[Y]]
func.func @if_selects(%x: tensor<2xf32>, %c: tensor<i1>) -> tensor<*xf32> {
  %y = laic.if %c : (tensor<i1>) -> tensor<*xf32> {
    %a = laic.neg %x : (tensor<2xf32>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  } else {
    %a = laic.exp %x : (tensor<2xf32>) -> tensor<*xf32>
    laic.outputs %a : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

// The loop stops when its condition turns false: after the second iteration, though three are allowed.
// CHECK-LABEL: @loop_condition
// CHECK-SAME: %[[X:.*]]: tensor<2xf32>
// CHECK: %[[A:.*]] = laic.neg %[[X]]
// CHECK: %[[B:.*]] = laic.neg %[[A]]
// CHECK-NOT: laic.neg
// CHECK: laic.concat
// CHECK: return %[[B]], %{{.*}}
func.func @loop_condition(%x: tensor<2xf32>) -> (tensor<*xf32>, tensor<*xf32>) {
  %m = laic.constant {value = dense<3> : tensor<i64>} : tensor<i64>
  %one = laic.constant {value = dense<1> : tensor<i64>} : tensor<i64>
  %none = laic.none : none
  %y:2 = laic.loop %m, %none, %x : (tensor<i64>, none, tensor<2xf32>) -> (tensor<*xf32>, tensor<*xf32>) {
  ^bb0(%i: tensor<*xf32>, %c: tensor<*xf32>, %s: tensor<*xf32>):
    %t = laic.neg %s : (tensor<*xf32>) -> tensor<*xf32>
    %more = laic.less %i, %one : (tensor<*xf32>, tensor<i64>) -> tensor<*xf32>
    laic.outputs %more, %t, %t : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
  }
  return %y#0, %y#1 : tensor<*xf32>, tensor<*xf32>
}

// -----

// Nothing is stacked, of the shape that one iteration would have had.
// CHECK-LABEL: @loop_never
// CHECK: laic.slice
// CHECK: return
func.func @loop_never(%x: tensor<2xf32>) -> tensor<*xf32> {
  %m = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  %none = laic.none : none
  %y:2 = laic.loop %m, %none, %x : (tensor<i64>, none, tensor<2xf32>) -> (tensor<*xf32>, tensor<*xf32>) {
  ^bb0(%i: tensor<*xf32>, %c: tensor<*xf32>, %s: tensor<*xf32>):
    laic.outputs %c, %s, %s : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
  }
  return %y#1 : tensor<*xf32>
}

// -----

// The last slice comes first.
// CHECK-LABEL: @scan_backwards
// CHECK-SAME: %[[X:.*]]: tensor<2x3xf32>, %[[S:.*]]: tensor<3xf32>
// CHECK: laic.constant {value = dense<1> : tensor<1xi64>}
// CHECK: laic.slice %[[X]]
// CHECK: %[[A:.*]] = laic.add %[[S]],
// CHECK: %[[B:.*]] = laic.add %[[A]],
// CHECK-NOT: laic.add
// CHECK: return %[[B]]
func.func @scan_backwards(%x: tensor<2x3xf32>, %s: tensor<3xf32>) -> tensor<*xf32> {
  %y = laic.scan_loop %s, %x {num_scan_inputs = 1 : i64, scan_input_directions = array<i64: 1>}
      : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<*xf32> {
  ^bb0(%a: tensor<*xf32>, %b: tensor<*xf32>):
    %t = laic.add %a, %b : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
    laic.outputs %t : tensor<*xf32>
  }
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: @sequence
// CHECK-SAME: %[[A:.*]]: tensor<2xf32>, %[[B:.*]]: tensor<3xf32>
// CHECK: %[[N:.*]] = laic.neg %[[A]]
// CHECK-NOT: laic.seq
// CHECK: return %[[N]]
func.func @sequence(%a: tensor<2xf32>, %b: tensor<3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %front = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  %last = laic.constant {value = dense<-1> : tensor<i64>} : tensor<i64>
  %s = laic.sequence_empty : () -> !laic.seq<tensor<*xf32>>
  %t = laic.sequence_insert %s, %a, %none : (!laic.seq<tensor<*xf32>>, tensor<2xf32>, none) -> !laic.seq<tensor<*xf32>>
  %u = laic.sequence_insert %t, %b, %front : (!laic.seq<tensor<*xf32>>, tensor<3xf32>, tensor<i64>) -> !laic.seq<tensor<*xf32>>
  %v = laic.sequence_map %u : (!laic.seq<tensor<*xf32>>) -> !laic.seq<tensor<*xf32>> {
  ^bb0(%e: tensor<*xf32>):
    %n = laic.neg %e : (tensor<*xf32>) -> tensor<*xf32>
    laic.outputs %n : tensor<*xf32>
  }
  %w = laic.sequence_erase %v, %front : (!laic.seq<tensor<*xf32>>, tensor<i64>) -> !laic.seq<tensor<*xf32>>
  %y = laic.sequence_at %w, %last : (!laic.seq<tensor<*xf32>>, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// A sequence leaves the model as its elements and its length, an absent optional not at all.
// CHECK-LABEL: @outputs
// CHECK-SAME: -> (tensor<2xf32> {laic.name = "s/0"}, tensor<i64> {laic.name = "s/len"})
// CHECK: %[[N:.*]] = laic.constant {value = dense<1> : tensor<i64>}
// CHECK: return %{{.*}}, %[[N]]
func.func @outputs(%a: tensor<2xf32>) -> (!laic.seq<tensor<*xf32>> {laic.name = "s"},
                                          !laic.optional<tensor<*xf32>> {laic.name = "o"}) {
  %none = laic.none : none
  %s = laic.sequence_construct %a : (tensor<2xf32>) -> !laic.seq<tensor<*xf32>>
  %o = laic.optional %none : (none) -> !laic.optional<tensor<*xf32>>
  return %s, %o : !laic.seq<tensor<*xf32>>, !laic.optional<tensor<*xf32>>
}

// -----

// What a modifier does stands between the product and the softmax.
// CHECK-LABEL: @flex_attention
// CHECK: %[[S:.*]] = laic.matmul
// CHECK: %[[C:.*]] = laic.cast %[[S]]
// CHECK: %[[M:.*]] = laic.tanh %[[C]]
// CHECK: %[[D:.*]] = laic.cast %[[M]]
// CHECK: %[[W:.*]] = laic.softmax %[[D]]
// CHECK-NOT: laic.exp
// CHECK: laic.matmul %[[W]]
func.func @flex_attention(%q: tensor<1x2x5x4xf32>) -> tensor<*xf32> {
  %y = laic.flex_attention %q, %q, %q : (tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<*xf32> score {
  ^bb0(%s: tensor<*xf32>):
    %t = laic.tanh %s : (tensor<*xf32>) -> tensor<*xf32>
    laic.outputs %t : tensor<*xf32>
  } prob {}
  return %y : tensor<*xf32>
}
