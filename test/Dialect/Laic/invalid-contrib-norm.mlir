// What shape inference refuses: activations and normalisations of com.microsoft.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @gelu_bias(%a: tensor<3x4xf32>, %b: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of the bias to be 4 (the input's last dim), got 3}}
  %y = laic.bias_gelu %a, %b : (tensor<3x4xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @split(%a: tensor<3x5xf32>, %b: tensor<5xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the last dim to be a multiple of 2, got 5}}
  %y = laic.bias_split_gelu %a, %b : (tensor<3x5xf32>, tensor<5xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @skip_rank(%a: tensor<2x5x8xf32>, %b: tensor<1x2x5x8xf32>, %c: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects skip to have at most 3 dims, got 4}}
  %y:4 = laic.skip_layer_normalization %a, %b, %c, %none, %none : (tensor<2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<8xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @skip_shape(%a: tensor<2x5x8xf32>, %b: tensor<2x4x8xf32>, %c: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of skip to be 5 (as the input), got 4}}
  %y:4 = laic.skip_layer_normalization %a, %b, %c, %none, %none : (tensor<2x5x8xf32>, tensor<2x4x8xf32>, tensor<8xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @skip_gamma(%a: tensor<2x5x8xf32>, %b: tensor<2x5x8xf32>, %c: tensor<7xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of gamma to be 8 (the input's last dim), got 7}}
  %y:4 = laic.skip_layer_normalization %a, %b, %c, %none, %none : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<7xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @embed_segments(%a: tensor<2x5xi32>, %b: tensor<2x5xi32>, %c: tensor<30x8xf32>, %d: tensor<9x8xf32>, %f: tensor<8xf32>, %g: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects both segment_ids and segment_embedding, or neither}}
  %y:3 = laic.embed_layer_normalization %a, %b, %c, %d, %none, %f, %g, %none, %none : (tensor<2x5xi32>, tensor<2x5xi32>, tensor<30x8xf32>, tensor<9x8xf32>, none, tensor<8xf32>, tensor<8xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @embed_mask(%a: tensor<2x5xi32>, %c: tensor<30x8xf32>, %d: tensor<9x8xf32>, %f: tensor<8xf32>, %g: tensor<8xf32>, %h: tensor<2x6xi32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of mask to be 5 (as input_ids), got 6}}
  %y:3 = laic.embed_layer_normalization %a, %none, %c, %d, %none, %f, %g, %h, %none : (tensor<2x5xi32>, none, tensor<30x8xf32>, tensor<9x8xf32>, none, tensor<8xf32>, tensor<8xf32>, tensor<2x6xi32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @embed_gamma(%a: tensor<2x5xi32>, %c: tensor<30x8xf32>, %d: tensor<9x8xf32>, %f: tensor<7xf32>, %g: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of gamma to be 8 (as word_embedding), got 7}}
  %y:3 = laic.embed_layer_normalization %a, %none, %c, %d, %none, %f, %g, %none, %none : (tensor<2x5xi32>, none, tensor<30x8xf32>, tensor<9x8xf32>, none, tensor<7xf32>, tensor<8xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @embed_positions(%a: tensor<2x5xi32>, %c: tensor<30x8xf32>, %d: tensor<9x9xf32>, %f: tensor<8xf32>, %g: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of position_embedding to be 8 (as word_embedding), got 9}}
  %y:3 = laic.embed_layer_normalization %a, %none, %c, %d, %none, %f, %g, %none, %none : (tensor<2x5xi32>, none, tensor<30x8xf32>, tensor<9x9xf32>, none, tensor<8xf32>, tensor<8xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @embed_sequence(%a: tensor<2x5xi32>, %c: tensor<30x8xf32>, %d: tensor<4x8xf32>, %f: tensor<8xf32>, %g: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects a sequence that is not longer than position_embedding}}
  %y:3 = laic.embed_layer_normalization %a, %none, %c, %d, %none, %f, %g, %none, %none : (tensor<2x5xi32>, none, tensor<30x8xf32>, tensor<4x8xf32>, none, tensor<8xf32>, tensor<8xf32>, none, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @group_activation(%a: tensor<2x5x4x6xf32>, %b: tensor<6xf32>, %c: tensor<6xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'activation' to be 0 (none) or 1 (SiLU), got 2}}
  %y = laic.group_norm %a, %b, %c {groups = 3 : i64, activation = 2 : i64} : (tensor<2x5x4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @groups(%a: tensor<2x5x4x6xf32>, %b: tensor<6xf32>, %c: tensor<6xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects channels to be a multiple of groups 4, got 6}}
  %y = laic.group_norm %a, %b, %c {groups = 4 : i64, activation = 0 : i64} : (tensor<2x5x4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @no_groups(%a: tensor<2x5x4x6xf32>, %b: tensor<6xf32>, %c: tensor<6xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects channels to be a multiple of groups 0}}
  %y = laic.group_norm %a, %b, %c {groups = 0 : i64, activation = 0 : i64} : (tensor<2x5x4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @group_gamma(%a: tensor<2x5x4x6xf32>, %b: tensor<5xf32>, %c: tensor<6xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of gamma to be 6 (channels of the input), got 5}}
  %y = laic.group_norm %a, %b, %c {groups = 3 : i64, activation = 0 : i64} : (tensor<2x5x4x6xf32>, tensor<5xf32>, tensor<6xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @channels_first(%a: tensor<2x6x4x5xf32>, %b: tensor<6xf32>, %c: tensor<6xf32>, %d: tensor<2x6x4x5xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{does not support channels_last = 0; expects the channels in the last dim}}
  %y:2 = laic.skip_group_norm %a, %b, %c, %d, %none {groups = 3 : i64, activation = 0 : i64, channels_last = 0 : i64} : (tensor<2x6x4x5xf32>, tensor<6xf32>, tensor<6xf32>, tensor<2x6x4x5xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @skip_group_rank(%a: tensor<2x5x4x6xf32>, %b: tensor<6xf32>, %c: tensor<6xf32>, %d: tensor<2x5x6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects skip to have rank 2 or 4, got rank 3}}
  %y:2 = laic.skip_group_norm %a, %b, %c, %d, %none {groups = 3 : i64, activation = 0 : i64} : (tensor<2x5x4x6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<2x5x6xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @skip_group_shape(%a: tensor<2x5x4x6xf32>, %b: tensor<6xf32>, %c: tensor<6xf32>, %d: tensor<2x3x4x6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 1 of skip to be 5 (as the input), got 3}}
  %y:2 = laic.skip_group_norm %a, %b, %c, %d, %none {groups = 3 : i64, activation = 0 : i64} : (tensor<2x5x4x6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<2x3x4x6xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @mean_of_root_mean_squares(%a: tensor<2x5x8xf32>, %b: tensor<2x5x8xf32>, %c: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{does not support result 'mean', which the operator does not compute}}
  %y:4 = laic.skip_simplified_layer_normalization %a, %b, %c, %none : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<8xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#1 : tensor<*xf32>
}
