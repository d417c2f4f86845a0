// What shape inference refuses: attention of com.microsoft.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @multi_rank(%a: tensor<2x5x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects a query that holds key and value to have rank 5, got rank 3}}
  %y:3 = laic.multi_head_attention %a, %none, %none, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, none, none, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_packed_heads(%a: tensor<2x5x3x3x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 2 of the query to be 4 (num_heads), got 3}}
  %y:3 = laic.multi_head_attention %a, %none, %none, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x3x3x8xf32>, none, none, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_packed_parts(%a: tensor<2x5x4x2x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 3 of the query to be 3 (query, key and value), got 2}}
  %y:3 = laic.multi_head_attention %a, %none, %none, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x4x2x8xf32>, none, none, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_key_rank(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects a key that holds the value to have rank 5, got rank 3}}
  %y:3 = laic.multi_head_attention %a, %b, %none, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, none, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_key_heads(%a: tensor<2x5x32xf32>, %b: tensor<2x7x3x2x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 2 of the key to be 4 (num_heads), got 3}}
  %y:3 = laic.multi_head_attention %a, %b, %none, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x3x2x8xf32>, none, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_key_parts(%a: tensor<2x5x32xf32>, %b: tensor<2x7x4x3x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 3 of the key to be 2 (key and value), got 3}}
  %y:3 = laic.multi_head_attention %a, %b, %none, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x4x3x8xf32>, none, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_ranks(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x4x7x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects key and value to have rank 3 or to have rank 4, got ranks 3 and 4}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x4x7x8xf32>, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_indirection(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>, %i: tensor<1xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{does not support past_sequence_length and cache_indirection}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %none, %none, %none, %i, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, none, none, none, none, none, tensor<1xi32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_hidden_unknown(%a: tensor<2x5x?xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{needs the hidden size to be known when compiling}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x?xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_heads(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the hidden size to be a multiple of num_heads 5, got 32}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %none, %none, %none, %none, %none {num_heads = 5 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_key_size(%a: tensor<2x5x32xf32>, %b: tensor<2x7x24xf32>, %c: tensor<2x7x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the hidden size of the key to be 32 (as the query), got 24}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x24xf32>, tensor<2x7x32xf32>, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_key_batch(%a: tensor<2x5x32xf32>, %b: tensor<3x7x32xf32>, %c: tensor<2x7x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the batch of the key to be 2 (as the query), got 3}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<3x7x32xf32>, tensor<2x7x32xf32>, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_value_batch(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<3x7x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the batch of the value to be 2 (as the query), got 3}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<3x7x32xf32>, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_value_sequence(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x8x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the sequence of the value to be 7 (as the key), got 8}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x8x32xf32>, none, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_bias(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>, %d: tensor<95xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of bias to be 96 (query, key and value), got 95}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %d, %none, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, tensor<95xf32>, none, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_past(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>, %g: tensor<2x4x3x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects both past_key and past_value, or neither}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %none, %g, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, none, none, none, tensor<2x4x3x8xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_padding_type(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>, %e: tensor<2x7xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects integers in 'key_padding_mask'}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %e, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, none, tensor<2x7xf32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_padding_rank(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>, %e: tensor<2x1x5x7xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects key_padding_mask to have rank 1, 2 or 3, got rank 4}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %e, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, none, tensor<2x1x5x7xi32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_padding_size(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>, %e: tensor<2x6xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of key_padding_mask to be 7 (batch, queries, keys), got 6}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %e, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, none, tensor<2x6xi32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @multi_added(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>, %f: tensor<2x4x4x7xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 2 of attention_bias to be 5 (as the scores), got 4}}
  %y:3 = laic.multi_head_attention %a, %b, %c, %none, %none, %f, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, none, none, tensor<2x4x4x7xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @weights(%a: tensor<2x5x20xf32>, %b: tensor<21x96xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of the weights to be 20 (the input's last dim), got 21}}
  %y:2 = laic.contrib_attention %a, %b, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x20xf32>, tensor<21x96xf32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @columns_unknown(%a: tensor<2x5x20xf32>, %b: tensor<20x?xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{needs the columns of the weights to be known when compiling}}
  %y:2 = laic.contrib_attention %a, %b, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x20xf32>, tensor<20x?xf32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @columns(%a: tensor<2x5x20xf32>, %b: tensor<20x95xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the columns of the weights to be those of query, key and value, got 95}}
  %y:2 = laic.contrib_attention %a, %b, %none, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x20xf32>, tensor<20x95xf32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @column_bias(%a: tensor<2x5x20xf32>, %b: tensor<20x96xf32>, %c: tensor<32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of the bias to be 96 (the columns of the weights), got 32}}
  %y:2 = laic.contrib_attention %a, %b, %c, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x20xf32>, tensor<20x96xf32>, tensor<32xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @options(%a: tensor<2x5x20xf32>, %b: tensor<20x96xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{does not support do_rotary and past_present_share_buffer}}
  %y:2 = laic.contrib_attention %a, %b, %none, %none, %none, %none, %none {num_heads = 4 : i64, do_rotary = 1 : i64} : (tensor<2x5x20xf32>, tensor<20x96xf32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @past_length(%a: tensor<2x5x20xf32>, %b: tensor<20x96xf32>, %g: tensor<1xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{does not support past_sequence_length}}
  %y:2 = laic.contrib_attention %a, %b, %none, %none, %none, %none, %g {num_heads = 4 : i64} : (tensor<2x5x20xf32>, tensor<20x96xf32>, none, none, none, none, tensor<1xi32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @input_scale(%a: tensor<2x5x20xui8>, %b: tensor<20x96xi8>, %c: tensor<96xf32>, %d: tensor<20xf32>, %e: tensor<f32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects one scale and one zero point for the whole input}}
  %y:2 = laic.qattention %a, %b, %c, %d, %e, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x20xui8>, tensor<20x96xi8>, tensor<96xf32>, tensor<20xf32>, tensor<f32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @weight_scale(%a: tensor<2x5x20xui8>, %b: tensor<20x96xi8>, %c: tensor<96xf32>, %d: tensor<f32>, %e: tensor<20xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of weight_scale to be 96 (the columns of the weights), got 20}}
  %y:2 = laic.qattention %a, %b, %c, %d, %e, %none, %none, %none, %none {num_heads = 4 : i64} : (tensor<2x5x20xui8>, tensor<20x96xi8>, tensor<96xf32>, tensor<f32>, tensor<20xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @rotary_rank(%a: tensor<2x8xf32>, %b: tensor<2x5xi64>, %c: tensor<20x4xf32>, %d: tensor<20x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an input of rank 3 or 4, got rank 2}}
  %y = laic.contrib_rotary_embedding %a, %b, %c, %d : (tensor<2x8xf32>, tensor<2x5xi64>, tensor<20x4xf32>, tensor<20x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_scale(%a: tensor<2x4x5x8xf32>, %b: tensor<2x5xi64>, %c: tensor<20x4xf32>, %d: tensor<20x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{does not support is_packed_batching, nor a scale other than 1}}
  %y = laic.contrib_rotary_embedding %a, %b, %c, %d {scale = 2.0 : f32} : (tensor<2x4x5x8xf32>, tensor<2x5xi64>, tensor<20x4xf32>, tensor<20x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_unknown(%a: tensor<2x5x?xf32>, %b: tensor<2x5xi64>, %c: tensor<20x4xf32>, %d: tensor<20x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{needs the hidden size and the caches' last dim to be known when compiling, since num_heads is 0}}
  %y = laic.contrib_rotary_embedding %a, %b, %c, %d : (tensor<2x5x?xf32>, tensor<2x5xi64>, tensor<20x4xf32>, tensor<20x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_large(%a: tensor<2x5x6xf32>, %b: tensor<2x5xi64>, %c: tensor<20x4xf32>, %d: tensor<20x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a head to be no larger than the hidden size}}
  %y = laic.contrib_rotary_embedding %a, %b, %c, %d : (tensor<2x5x6xf32>, tensor<2x5xi64>, tensor<20x4xf32>, tensor<20x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_offset(%a: tensor<2x4x5x8xf32>, %b: tensor<2xi64>, %c: tensor<20x4xf32>, %d: tensor<20x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of position_ids to be 1 (the first position), got 2}}
  %y = laic.contrib_rotary_embedding %a, %b, %c, %d : (tensor<2x4x5x8xf32>, tensor<2xi64>, tensor<20x4xf32>, tensor<20x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_batch(%a: tensor<2x4x5x8xf32>, %b: tensor<3x5xi64>, %c: tensor<20x4xf32>, %d: tensor<20x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of position_ids to be 2 (the batch), got 3}}
  %y = laic.contrib_rotary_embedding %a, %b, %c, %d : (tensor<2x4x5x8xf32>, tensor<3x5xi64>, tensor<20x4xf32>, tensor<20x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_sequence(%a: tensor<2x4x5x8xf32>, %b: tensor<2x6xi64>, %c: tensor<20x4xf32>, %d: tensor<20x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 of position_ids to be 5 (the sequence), got 6}}
  %y = laic.contrib_rotary_embedding %a, %b, %c, %d : (tensor<2x4x5x8xf32>, tensor<2x6xi64>, tensor<20x4xf32>, tensor<20x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @group_heads(%a: tensor<2x5x96xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x5x32xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects num_heads to be a multiple of kv_num_heads, got 6 and 4}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 4 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_value(%a: tensor<2x5x96xf32>, %b: tensor<2x5x32xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects both key and value, or neither}}
  %y:3 = laic.group_query_attention %a, %b, %none, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, none, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_past(%a: tensor<2x5x96xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x5x32xf32>, %d: tensor<2x2x9x16xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects both past_key and past_value, or neither}}
  %y:3 = laic.group_query_attention %a, %b, %c, %d, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, tensor<2x2x9x16xf32>, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_caches(%a: tensor<2x5x96xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x5x32xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects cos_cache and sin_cache, since do_rotary is 1}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64, do_rotary = 1 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_hidden_unknown(%a: tensor<2x5x?xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x5x32xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{needs the last dim of the query to be known when compiling}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x?xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_hidden(%a: tensor<2x5x95xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x5x32xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of the query to be a multiple of its 6 heads, got 95}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x95xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_key_batch(%a: tensor<2x5x96xf32>, %b: tensor<3x5x32xf32>, %c: tensor<2x5x32xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the batch of key to be 2 (as the query), got 3}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<3x5x32xf32>, tensor<2x5x32xf32>, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_value_sequence(%a: tensor<2x5x96xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x6x32xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the sequence of value to be 5 (as the query), got 6}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, tensor<2x6x32xf32>, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_key_size(%a: tensor<2x5x96xf32>, %b: tensor<2x5x48xf32>, %c: tensor<2x5x32xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of key to be 32 (the shared heads), got 48}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<2x5x48xf32>, tensor<2x5x32xf32>, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_total(%a: tensor<2x5x96xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x5x32xf32>, %f: tensor<2xi32>, %g: tensor<2xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects total_sequence_length to be one number}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, none, none, tensor<2xi32>, tensor<2xi32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_past_shape(%a: tensor<2x5x96xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x5x32xf32>, %d: tensor<2x3x9x16xf32>, %e: tensor<2x2x9x16xf32>, %f: tensor<2xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of past_key to be 2 (batch, heads, past, head), got 3}}
  %y:3 = laic.group_query_attention %a, %b, %c, %d, %e, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, tensor<2x3x9x16xf32>, tensor<2x2x9x16xf32>, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_lengths_rank(%a: tensor<2x5x96xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x5x32xf32>, %f: tensor<i32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects seqlens_k to have rank 1 or 2}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, none, none, tensor<i32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_lengths(%a: tensor<2x5x96xf32>, %b: tensor<2x5x32xf32>, %c: tensor<2x5x32xf32>, %f: tensor<3xi32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of seqlens_k to be 2 (the batch), got 3}}
  %y:3 = laic.group_query_attention %a, %b, %c, %none, %none, %f, %g, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, none, none, tensor<3xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_total_without_past(%q: tensor<2x5x96xf32>, %k: tensor<2x5x32xf32>, %l: tensor<2xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  %t = laic.constant {value = dense<6> : tensor<i32>} : tensor<i32>
  // expected-error @+1 {{expects total_sequence_length to be that of the query, since there is no past}}
  %y:3 = laic.group_query_attention %q, %k, %k, %none, %none, %l, %t, %none, %none, %none, %none, %none {num_heads = 6 : i64, kv_num_heads = 2 : i64} : (tensor<2x5x96xf32>, tensor<2x5x32xf32>, tensor<2x5x32xf32>, none, none, tensor<2xi32>, tensor<i32>, none, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}
