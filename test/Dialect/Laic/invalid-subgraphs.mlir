// Subgraphs whose inputs and outputs are not what the operator defines, and what inference says of them.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @if_inputs(%c: tensor<i1>, %x: tensor<2xf32>) {
  // expected-error @+1 {{expects 0 inputs of its subgraph, got 1}}
  laic.if %c : (tensor<i1>) -> () {
  ^bb0(%a: tensor<*xf32>):
    laic.outputs
  } else {
    laic.outputs
  }
  return
}

// -----

func.func @if_outputs(%c: tensor<i1>, %x: tensor<2xf32>) {
  // expected-error @+1 {{expects 0 outputs of its subgraph, got 1}}
  laic.if %c : (tensor<i1>) -> () {
    laic.outputs %x : tensor<2xf32>
  } else {
    laic.outputs
  }
  return
}

// -----

func.func @no_outputs(%c: tensor<i1>, %x: tensor<2xf32>) {
  // expected-error @+1 {{expects its subgraph to end with laic.outputs}}
  laic.if %c : (tensor<i1>) -> () {
    llvm.unreachable
  } else {
    laic.outputs
  }
  return
}

// -----

func.func @loop_results(%x: tensor<2xf32>) {
  %none = laic.none : none
  // expected-error @+1 {{expects a result for each of its 1 carried values, got 0}}
  laic.loop %none, %none, %x : (none, none, tensor<2xf32>) -> () {
  ^bb0(%i: tensor<*xf32>, %c: tensor<*xf32>, %s: tensor<*xf32>):
    laic.outputs %c : tensor<*xf32>
  }
  return
}

// -----

func.func @scan_count(%x: tensor<2xf32>) {
  // expected-error @+1 {{expects num_scan_inputs in [1, 1], got 2}}
  laic.scan_loop %x {num_scan_inputs = 2 : i64} : (tensor<2xf32>) -> () {
  ^bb0(%s: tensor<*xf32>):
    laic.outputs
  }
  return
}

// -----

func.func @unresolved(%x: tensor<2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{must be resolved by laic-resolve-control-flow before shapes are inferred}}
  %y = laic.optional_has_element %x : (tensor<2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
