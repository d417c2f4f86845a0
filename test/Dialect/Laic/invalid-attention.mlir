// What shape inference refuses: attention and what stands around it in decoders.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @element_type(%a: tensor<2x4x5x8xi32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects its operand to have one of the element types f32 f16 bf16 f64, got i32}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x4x5x8xi32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @ranks(%a: tensor<2x4x5x8xf32>, %b: tensor<2x6x32xf32>, %c: tensor<2x4x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects Q, K and V to have rank 3 or to have rank 4, got ranks 4, 3 and 4}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x6x32xf32>, tensor<2x4x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @heads_missing(%a: tensor<2x5x32xf32>, %b: tensor<2x6x32xf32>, %c: tensor<2x6x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects attribute 'q_num_heads', since the operands have rank 3}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x5x32xf32>, tensor<2x6x32xf32>, tensor<2x6x32xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @heads_of_nothing(%a: tensor<2x5x32xf32>, %b: tensor<2x6x32xf32>, %c: tensor<2x6x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'kv_num_heads' to be at least 1, got 0}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none {q_num_heads = 4 : i64, kv_num_heads = 0 : i64} : (tensor<2x5x32xf32>, tensor<2x6x32xf32>, tensor<2x6x32xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @hidden_size(%a: tensor<2x5x33xf32>, %b: tensor<2x6x32xf32>, %c: tensor<2x6x32xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of Q to be a multiple of its 4 heads, got 33}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none {q_num_heads = 4 : i64, kv_num_heads = 4 : i64} : (tensor<2x5x33xf32>, tensor<2x6x32xf32>, tensor<2x6x32xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @batch_of_k(%a: tensor<2x4x5x8xf32>, %b: tensor<3x4x6x8xf32>, %c: tensor<2x4x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the batch of K to be 2 (as that of Q), got 3}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<3x4x6x8xf32>, tensor<2x4x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @batch_of_v(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<3x4x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the batch of V to be 2 (as that of Q), got 3}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<3x4x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @heads_of_v(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x2x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the number of heads of V to be 4 (as that of K), got 2}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x2x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @sequence_of_v(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x7x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the sequence of V to be 6 (as that of K), got 7}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x7x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @head_size(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x9xf32>, %c: tensor<2x4x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the head size of K to be 8 (as that of Q), got 9}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x9xf32>, tensor<2x4x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @no_heads(%a: tensor<2x4x5x8xf32>, %b: tensor<2x0x6x8xf32>, %c: tensor<2x0x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects K to have at least one head}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x0x6x8xf32>, tensor<2x0x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @heads_do_not_divide(%a: tensor<2x4x5x8xf32>, %b: tensor<2x3x6x8xf32>, %c: tensor<2x3x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the heads of Q to be a multiple of the 3 heads of K, got 4}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x3x6x8xf32>, tensor<2x3x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @one_cache(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>, %e: tensor<2x4x3x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects both past_key and past_value, or neither}}
  %y:4 = laic.attention %a, %b, %c, %none, %e, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, none, tensor<2x4x3x8xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @cache_and_padding(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>, %e: tensor<2x4x3x8xf32>, %f: tensor<2x4x3x8xf32>, %g: tensor<2xi64>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{does not take nonpad_kv_seqlen together with past_key and past_value}}
  %y:4 = laic.attention %a, %b, %c, %none, %e, %f, %g : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, none, tensor<2x4x3x8xf32>, tensor<2x4x3x8xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @cache_heads(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>, %e: tensor<2x2x3x8xf32>, %f: tensor<2x4x3x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of past_key to be 4 (as what follows it), got 2}}
  %y:4 = laic.attention %a, %b, %c, %none, %e, %f, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, none, tensor<2x2x3x8xf32>, tensor<2x4x3x8xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @cache_sequences(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>, %e: tensor<2x4x3x8xf32>, %f: tensor<2x4x4x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 2 of past_value to be 3 (as past_key), got 4}}
  %y:4 = laic.attention %a, %b, %c, %none, %e, %f, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, none, tensor<2x4x3x8xf32>, tensor<2x4x4x8xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @padding_of_another_batch(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>, %g: tensor<3xi64>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of nonpad_kv_seqlen to be 2 (the batch), got 3}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %g : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, none, none, none, tensor<3xi64>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @mask_of_integers(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>, %d: tensor<5x6xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects attn_mask to have element type bool or a float type, got i32}}
  %y:4 = laic.attention %a, %b, %c, %d, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<5x6xi32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @mask_rank(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>, %d: tensor<1x1x1x5x6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects attn_mask to have 1 to 4 dims, got 5}}
  %y:4 = laic.attention %a, %b, %c, %d, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<1x1x1x5x6xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @mask_queries(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>, %d: tensor<4x6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of attn_mask to be 5 (as the scores), got 4}}
  %y:4 = laic.attention %a, %b, %c, %d, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<4x6xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @mask_keys(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>, %d: tensor<5x7xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the last dim of attn_mask to be at most 6 (the number of keys), got 7}}
  %y:4 = laic.attention %a, %b, %c, %d, %none, %none, %none : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<5x7xf32>, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @window(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'left_window_size' to be -1 or larger, got -2}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none {left_window_size = -2 : i64} : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @mode(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'qk_matmul_output_mode' to be 0, 1, 2 or 3, got 4}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none {qk_matmul_output_mode = 4 : i64} : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @precision(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x6x8xf32>, %c: tensor<2x4x6x8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'softmax_precision' to be a float type (1, 10, 11 or 16), got 7}}
  %y:4 = laic.attention %a, %b, %c, %none, %none, %none, %none {softmax_precision = 7 : i64} : (tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, none, none, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @rotary_rank(%a: tensor<2x8xf32>, %b: tensor<20x4xf32>, %c: tensor<20x4xf32>, %d: tensor<2x5xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an input of rank 3 or 4, got rank 2}}
  %y = laic.rotary_embedding %a, %b, %c, %d : (tensor<2x8xf32>, tensor<20x4xf32>, tensor<20x4xf32>, tensor<2x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_heads(%a: tensor<2x5x32xf32>, %b: tensor<20x4xf32>, %c: tensor<20x4xf32>, %d: tensor<2x5xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'num_heads' to be at least 1, since the input has rank 3}}
  %y = laic.rotary_embedding %a, %b, %c, %d : (tensor<2x5x32xf32>, tensor<20x4xf32>, tensor<20x4xf32>, tensor<2x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_negative(%a: tensor<2x4x5x8xf32>, %b: tensor<20x4xf32>, %c: tensor<20x4xf32>, %d: tensor<2x5xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'rotary_embedding_dim' to be at least 0, got -2}}
  %y = laic.rotary_embedding %a, %b, %c, %d {rotary_embedding_dim = -2 : i64} : (tensor<2x4x5x8xf32>, tensor<20x4xf32>, tensor<20x4xf32>, tensor<2x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_odd(%a: tensor<2x4x5x9xf32>, %b: tensor<20x4xf32>, %c: tensor<20x4xf32>, %d: tensor<2x5xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the number of rotated elements of a head to be even, got 9}}
  %y = laic.rotary_embedding %a, %b, %c, %d : (tensor<2x4x5x9xf32>, tensor<20x4xf32>, tensor<20x4xf32>, tensor<2x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_wide(%a: tensor<2x4x5x8xf32>, %b: tensor<20x4xf32>, %c: tensor<20x4xf32>, %d: tensor<2x5xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a head to be at least as large as rotary_embedding_dim 10, got 8}}
  %y = laic.rotary_embedding %a, %b, %c, %d {rotary_embedding_dim = 10 : i64} : (tensor<2x4x5x8xf32>, tensor<20x4xf32>, tensor<20x4xf32>, tensor<2x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_cache(%a: tensor<2x4x5x8xf32>, %b: tensor<20x5xf32>, %c: tensor<20x4xf32>, %d: tensor<2x5xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the last dim of cos_cache to be 4 (half of what is rotated), got 5}}
  %y = laic.rotary_embedding %a, %b, %c, %d : (tensor<2x4x5x8xf32>, tensor<20x5xf32>, tensor<20x4xf32>, tensor<2x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_caches(%a: tensor<2x4x5x8xf32>, %b: tensor<20x4xf32>, %c: tensor<21x4xf32>, %d: tensor<2x5xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of sin_cache to be 20 (as cos_cache), got 21}}
  %y = laic.rotary_embedding %a, %b, %c, %d : (tensor<2x4x5x8xf32>, tensor<20x4xf32>, tensor<21x4xf32>, tensor<2x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_own_cache(%a: tensor<2x4x5x8xf32>, %b: tensor<2x6x4xf32>, %c: tensor<2x5x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of cos_cache to be 5 (as the input), got 6}}
  %y = laic.rotary_embedding %a, %b, %c, %none : (tensor<2x4x5x8xf32>, tensor<2x6x4xf32>, tensor<2x5x4xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_batch(%a: tensor<2x4x5x8xf32>, %b: tensor<20x4xf32>, %c: tensor<20x4xf32>, %d: tensor<3x5xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of position_ids to be 2 (the batch), got 3}}
  %y = laic.rotary_embedding %a, %b, %c, %d : (tensor<2x4x5x8xf32>, tensor<20x4xf32>, tensor<20x4xf32>, tensor<3x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rotary_sequence(%a: tensor<2x4x5x8xf32>, %b: tensor<20x4xf32>, %c: tensor<20x4xf32>, %d: tensor<2x6xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 of position_ids to be 5 (the sequence), got 6}}
  %y = laic.rotary_embedding %a, %b, %c, %d : (tensor<2x4x5x8xf32>, tensor<20x4xf32>, tensor<20x4xf32>, tensor<2x6xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @swiglu_types(%a: tensor<3x4xf32>, %b: tensor<3x4xf16>) -> tensor<*xf32> {
  // expected-error @+1 {{expects A and B of one element type, got f32 and f16}}
  %y = laic.swiglu %a, %b : (tensor<3x4xf32>, tensor<3x4xf16>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @swiglu_shapes(%a: tensor<3x4xf32>, %b: tensor<1x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of B to be 3 (as A), got 1}}
  %y = laic.swiglu %a, %b : (tensor<3x4xf32>, tensor<1x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_batch(%a: tensor<2x8x4xf32>, %b: tensor<2x3x4xf32>, %c: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an axis other than 0, the batch}}
  %y = laic.tensor_scatter %a, %b, %c {axis = 0 : i64} : (tensor<2x8x4xf32>, tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_mode(%a: tensor<2x8x4xf32>, %b: tensor<2x3x4xf32>, %c: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects mode 'linear' or 'circular', got 'ring'}}
  %y = laic.tensor_scatter %a, %b, %c {mode = "ring"} : (tensor<2x8x4xf32>, tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_shape(%a: tensor<2x8x4xf32>, %b: tensor<2x3x5xf32>, %c: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 2 of update to be 4 (as past_cache), got 5}}
  %y = laic.tensor_scatter %a, %b, %c : (tensor<2x8x4xf32>, tensor<2x3x5xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_size(%a: tensor<2x8x4xf32>, %b: tensor<2x9x4xf32>, %c: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 of update to be at most 8 (that of past_cache), got 9}}
  %y = laic.tensor_scatter %a, %b, %c : (tensor<2x8x4xf32>, tensor<2x9x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_nothing(%a: tensor<2x8x4xf32>, %b: tensor<2x0x4xf32>, %c: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 of update to be at least 1, got 0}}
  %y = laic.tensor_scatter %a, %b, %c : (tensor<2x8x4xf32>, tensor<2x0x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_types(%a: tensor<2x8x4xf32>, %b: tensor<2x3x4xf16>, %c: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects past_cache and update of one element type, got f32 and f16}}
  %y = laic.tensor_scatter %a, %b, %c : (tensor<2x8x4xf32>, tensor<2x3x4xf16>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_starts(%a: tensor<2x8x4xf32>, %b: tensor<2x3x4xf32>, %c: tensor<3xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of write_indices to be 2 (the batch), got 3}}
  %y = laic.tensor_scatter %a, %b, %c : (tensor<2x8x4xf32>, tensor<2x3x4xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
