// What shape inference refuses: quantised layers of com.microsoft.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @lstm_rank(%a: tensor<2x10xf32>, %b: tensor<1x10x24xi8>, %c: tensor<1x6x24xi8>, %i: tensor<1xf32>, %j: tensor<1xi8>, %k: tensor<1xf32>, %l: tensor<1xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects X, W and R to have rank 3}}
  %y:3 = laic.dynamic_quantize_lstm %a, %b, %c, %none, %none, %none, %none, %none, %i, %j, %k, %l : (tensor<2x10xf32>, tensor<1x10x24xi8>, tensor<1x6x24xi8>, none, none, none, none, none, tensor<1xf32>, tensor<1xi8>, tensor<1xf32>, tensor<1xi8>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @lstm_size(%a: tensor<7x2x10xf32>, %b: tensor<1x10x24xi8>, %c: tensor<1x?x24xi8>, %i: tensor<1xf32>, %j: tensor<1xi8>, %k: tensor<1xf32>, %l: tensor<1xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{needs dim 1 of R (the hidden size) to be known when compiling}}
  %y:3 = laic.dynamic_quantize_lstm %a, %b, %c, %none, %none, %none, %none, %none, %i, %j, %k, %l : (tensor<7x2x10xf32>, tensor<1x10x24xi8>, tensor<1x?x24xi8>, none, none, none, none, none, tensor<1xf32>, tensor<1xi8>, tensor<1xf32>, tensor<1xi8>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @lstm_weights(%a: tensor<7x2x10xf32>, %b: tensor<1x11x24xi8>, %c: tensor<1x6x24xi8>, %i: tensor<1xf32>, %j: tensor<1xi8>, %k: tensor<1xf32>, %l: tensor<1xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of W to be 10 (inputs and gates), got 11}}
  %y:3 = laic.dynamic_quantize_lstm %a, %b, %c, %none, %none, %none, %none, %none, %i, %j, %k, %l : (tensor<7x2x10xf32>, tensor<1x11x24xi8>, tensor<1x6x24xi8>, none, none, none, none, none, tensor<1xf32>, tensor<1xi8>, tensor<1xf32>, tensor<1xi8>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @lstm_state(%a: tensor<7x2x10xf32>, %b: tensor<1x10x24xi8>, %c: tensor<1x6x20xi8>, %i: tensor<1xf32>, %j: tensor<1xi8>, %k: tensor<1xf32>, %l: tensor<1xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 2 of R to be 24 (inputs and gates), got 20}}
  %y:3 = laic.dynamic_quantize_lstm %a, %b, %c, %none, %none, %none, %none, %none, %i, %j, %k, %l : (tensor<7x2x10xf32>, tensor<1x10x24xi8>, tensor<1x6x20xi8>, none, none, none, none, none, tensor<1xf32>, tensor<1xi8>, tensor<1xf32>, tensor<1xi8>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @lstm_scale(%a: tensor<7x2x10xf32>, %b: tensor<1x10x24xi8>, %c: tensor<1x6x24xi8>, %i: tensor<3xf32>, %j: tensor<1xi8>, %k: tensor<1xf32>, %l: tensor<1xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects W_scale to have one number for each direction, or one for each column}}
  %y:3 = laic.dynamic_quantize_lstm %a, %b, %c, %none, %none, %none, %none, %none, %i, %j, %k, %l : (tensor<7x2x10xf32>, tensor<1x10x24xi8>, tensor<1x6x24xi8>, none, none, none, none, none, tensor<3xf32>, tensor<1xi8>, tensor<1xf32>, tensor<1xi8>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}
