// What shape inference refuses: reductions, searches, Einsum and recurrent layers.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @reduce_axis(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %a = laic.constant {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{expects an axis in [-2, 1], got 2}}
  %y = laic.reduce_sum %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @arg_max_nothing(%x: tensor<2x0xf32>) -> tensor<*xi64> {
  // expected-error @+1 {{has no element to choose along axis 1}}
  %y = laic.arg_max %x {axis = 1 : i64} : (tensor<2x0xf32>) -> tensor<*xi64>
  return %y : tensor<*xi64>
}

// -----

func.func @top_k_too_many(%x: tensor<2x3xf32>) -> (tensor<*xf32>, tensor<*xi64>) {
  %k = laic.constant {value = dense<4> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{asks for 4 elements of an axis of size 3}}
  %y:2 = laic.top_k %x, %k : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  return %y#0, %y#1 : tensor<*xf32>, tensor<*xi64>
}

// -----

func.func @clip_bounds(%x: tensor<2x3xf32>, %min: tensor<2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects scalar bounds, got 2 elements}}
  %y = laic.clip %x, %min, %none : (tensor<2x3xf32>, tensor<2xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @einsum_rank(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{equation 'ijk->i': term 'ijk' does not fit an operand of rank 2}}
  %y = laic.einsum %x {equation = "ijk->i"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @einsum_label(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{equation 'ij->k': result 'k' names a label that no operand has}}
  %y = laic.einsum %x {equation = "ij->k"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @einsum_operands(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{equation 'ij,jk->ik': names 2 operands, got 1}}
  %y = laic.einsum %x {equation = "ij,jk->ik"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @lstm_weights(%x: tensor<5x2x4xf32>, %w: tensor<1x24x3xf32>, %r: tensor<1x24x6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 2 of 'W' to be 4, got 3}}
  %y:3 = laic.lstm %x, %w, %r, %none, %none, %none, %none, %none
      : (tensor<5x2x4xf32>, tensor<1x24x3xf32>, tensor<1x24x6xf32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @gru_activation(%x: tensor<5x2x4xf32>, %w: tensor<1x18x4xf32>, %r: tensor<1x18x6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{names the unknown activation 'Swish'}}
  %y:2 = laic.gru %x, %w, %r, %none, %none, %none {activations = ["Sigmoid", "Swish"]}
      : (tensor<5x2x4xf32>, tensor<1x18x4xf32>, tensor<1x18x6xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @rnn_direction(%x: tensor<5x2x4xf32>, %w: tensor<1x6x4xf32>, %r: tensor<1x6x6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects direction 'forward', 'reverse' or 'bidirectional', got 'both'}}
  %y:2 = laic.rnn %x, %w, %r, %none, %none, %none {direction = "both"}
      : (tensor<5x2x4xf32>, tensor<1x6x4xf32>, tensor<1x6x6xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @reduce_log_of_integers(%x: tensor<2x3xi32>) -> tensor<*xi32> {
  %none = laic.none : none
  // expected-error @+1 {{expects its operand to have one of the element types f32 f16 bf16 f64, got i32}}
  %y = laic.reduce_log_sum_exp %x, %none : (tensor<2x3xi32>, none) -> tensor<*xi32>
  return %y : tensor<*xi32>
}

// -----

func.func @top_k_count(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects one 'K', got 2}}
  %y:2 = laic.top_k %x, %c1 : (tensor<2x3xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @top_k_negative(%x: tensor<2x?xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{asks for -1 elements of an axis}}
  %y:2 = laic.top_k %x, %c1 : (tensor<2x?xf32>, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @cum_sum_axes(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %c1 = laic.constant {value = dense<0> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects one 'axis'}}
  %y = laic.cum_sum %x, %c1 : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @lstm_rank(%x: tensor<5x2xf32>, %w: tensor<1x16x3xf32>, %b: tensor<1x16x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'X', 'W' and 'R' of rank 3}}
  %y:3 = laic.lstm %x, %w, %b, %none, %none, %none, %none, %none : (tensor<5x2xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @lstm_bias(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %b: tensor<1x16x4xf32>, %c: tensor<1x16xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of 'B' to be 32, got 16}}
  %y:3 = laic.lstm %x, %w, %b, %c, %none, %none, %none, %none : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, tensor<1x16xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @lstm_bias_rank(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %b: tensor<1x16x4xf32>, %c: tensor<32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'B' of rank 2, two biases per gate row, got rank 1}}
  %y:3 = laic.lstm %x, %w, %b, %c, %none, %none, %none, %none : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, tensor<32xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @lstm_activations(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %b: tensor<1x16x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 3 activations, got 1}}
  %y:3 = laic.lstm %x, %w, %b, %none, %none, %none, %none, %none {activations = ["Tanh"]} : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @lstm_unknown_hidden(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %b: tensor<1x16x?xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of 'R' to be known when compiling}}
  %y:3 = laic.lstm %x, %w, %b, %none, %none, %none, %none, %none : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x?xf32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}
