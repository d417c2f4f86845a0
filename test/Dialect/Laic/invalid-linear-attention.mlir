// What shape inference refuses: linear attention and the causal convolution before it.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @rule(%a: tensor<2x5x32xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'update_rule' to be linear, gated, delta or gated_delta, got 'other'}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64, update_rule = "other"} : (tensor<2x5x32xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, none, tensor<2x5x16xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @needs_decay(%a: tensor<2x5x32xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{with update_rule 'gated_delta' needs decay}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %none, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x32xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, none, none, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @takes_no_beta(%a: tensor<2x5x32xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{with update_rule 'gated' does not take beta}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64, update_rule = "gated"} : (tensor<2x5x32xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, none, tensor<2x5x16xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @heads(%a: tensor<2x5x32xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects q_num_heads to be a multiple of kv_num_heads, got 4 and 3}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 3 : i64} : (tensor<2x5x32xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, none, tensor<2x5x16xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @query_heads(%a: tensor<2x5x33xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of query to be a multiple of its 4 heads, got 33}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x33xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, none, tensor<2x5x16xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @steps(%a: tensor<2x5x32xf32>, %b: tensor<2x6x16xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of key to be 5 (as query), got 6}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x32xf32>, tensor<2x6x16xf32>, tensor<2x5x12xf32>, none, tensor<2x5x16xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @head_size(%a: tensor<2x5x32xf32>, %b: tensor<2x5x18xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the head size of key to be 8 (as query), got 9}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x32xf32>, tensor<2x5x18xf32>, tensor<2x5x12xf32>, none, tensor<2x5x16xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @decay_size(%a: tensor<2x5x32xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x15xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of decay to be 16 (as key, or one per head), got 15}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x32xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, none, tensor<2x5x15xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @beta_size(%a: tensor<2x5x32xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of beta to be 1 (one, or one per head), got 3}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x32xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, none, tensor<2x5x16xf32>, tensor<2x5x3xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @beta_unknown(%a: tensor<2x5x32xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x?xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{needs the last dim of beta to be known when compiling}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x32xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, none, tensor<2x5x16xf32>, tensor<2x5x?xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @head_unknown(%a: tensor<2x5x?xf32>, %b: tensor<2x5x?xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x2xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{needs the head size to be known when compiling, since 'scale' is not given}}
  %y:2 = laic.linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x?xf32>, tensor<2x5x?xf32>, tensor<2x5x12xf32>, none, tensor<2x5x2xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @past(%a: tensor<2x5x32xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %d: tensor<2x4x8x6xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 of past_state to be 2 (as the heads), got 4}}
  %y:2 = laic.linear_attention %a, %b, %c, %d, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x32xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, tensor<2x4x8x6xf32>, tensor<2x5x16xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @activation(%a: tensor<2x6x9xf32>, %b: tensor<6x1x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'activation' to be none, silu or swish, got 'relu'}}
  %y:2 = laic.causal_conv_with_state %a, %b, %none, %none {activation = "relu"} : (tensor<2x6x9xf32>, tensor<6x1x4xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @channels_unknown(%a: tensor<2x6x9xf32>, %b: tensor<?x1x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{needs dim 0 of weight (the channels) to be known when compiling}}
  %y:2 = laic.causal_conv_with_state %a, %b, %none, %none : (tensor<2x6x9xf32>, tensor<?x1x4xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @channels(%a: tensor<2x5x9xf32>, %b: tensor<6x1x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of the input to be 6 (the channels of weight), got 5}}
  %y:2 = laic.causal_conv_with_state %a, %b, %none, %none : (tensor<2x5x9xf32>, tensor<6x1x4xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @kernels(%a: tensor<2x6x9xf32>, %b: tensor<6x2x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of weight to be 1 (one kernel per channel), got 2}}
  %y:2 = laic.causal_conv_with_state %a, %b, %none, %none : (tensor<2x6x9xf32>, tensor<6x2x4xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @bias(%a: tensor<2x6x9xf32>, %b: tensor<6x1x4xf32>, %c: tensor<5xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of bias to be 6 (the channels), got 5}}
  %y:2 = laic.causal_conv_with_state %a, %b, %c, %none : (tensor<2x6x9xf32>, tensor<6x1x4xf32>, tensor<5xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @state(%a: tensor<2x6x9xf32>, %b: tensor<6x1x4xf32>, %d: tensor<2x6x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 2 of past_state to be 3 (batch, channels, kernel - 1), got 4}}
  %y:2 = laic.causal_conv_with_state %a, %b, %none, %d : (tensor<2x6x9xf32>, tensor<6x1x4xf32>, none, tensor<2x6x4xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @window(%a: tensor<2x5x32xf32>, %b: tensor<2x5x16xf32>, %c: tensor<2x5x12xf32>, %e: tensor<2x5x16xf32>, %f: tensor<2x5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{does not support state_window}}
  %y:2 = laic.contrib_linear_attention %a, %b, %c, %none, %e, %f {q_num_heads = 4 : i64, kv_num_heads = 2 : i64, state_window = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x5x16xf32>, tensor<2x5x12xf32>, none, tensor<2x5x16xf32>, tensor<2x5x2xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @dilation(%a: tensor<2x6x9xf32>, %b: tensor<6x1x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{supports one spatial dim behind the channels, without dilation and state_window}}
  %y:2 = laic.contrib_causal_conv_with_state %a, %b, %none, %none {dilation = 2 : i64} : (tensor<2x6x9xf32>, tensor<6x1x4xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}
