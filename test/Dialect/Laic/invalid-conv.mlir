// What shape inference refuses: convolutions and pools.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @conv_input_rank(%x: tensor<4xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the input to have at least 3 dims, got 1}}
  %y = laic.conv %x, %w, %none : (tensor<4xf32>, tensor<6x4x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_weights_rank(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects weights to have rank 4, got rank 3}}
  %y = laic.conv %x, %w, %none : (tensor<1x4x8x8xf32>, tensor<6x4x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_group(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects attribute 'group' to be at least 1, got 0}}
  %y = laic.conv %x, %w, %none {group = 0 : i64} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_group_of_inputs(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects input channels to be a multiple of group 3, got 4}}
  %y = laic.conv %x, %w, %none {group = 3 : i64} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_group_of_outputs(%x: tensor<1x4x8x8xf32>, %w: tensor<6x1x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects output channels to be a multiple of group 4, got 6}}
  %y = laic.conv %x, %w, %none {group = 4 : i64} : (tensor<1x4x8x8xf32>, tensor<6x1x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_channels(%x: tensor<1x4x8x8xf32>, %w: tensor<6x3x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects weights dim 1 to be 4 (input channels / group), got 3}}
  %y = laic.conv %x, %w, %none : (tensor<1x4x8x8xf32>, tensor<6x3x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_bias(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %b: tensor<5xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of bias to be 6 (output channels), got 5}}
  %y = laic.conv %x, %w, %b : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<5xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_bias_rank(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %b: tensor<1x6xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects bias to have rank 1, got rank 2}}
  %y = laic.conv %x, %w, %b : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<1x6xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_stride_count(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects attribute 'strides' to have 2 values, got 1}}
  %y = laic.conv %x, %w, %none {strides = array<i64: 1>} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_pad_count(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects attribute 'pads' to have 4 values, got 2}}
  %y = laic.conv %x, %w, %none {pads = array<i64: 1, 1>} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_dilation(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects values of attribute 'dilations' to be at least 1, got 0}}
  %y = laic.conv %x, %w, %none {dilations = array<i64: 1, 0>} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_auto_pad(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{unknown auto_pad 'SAME'; expects NOTSET, VALID, SAME_UPPER or SAME_LOWER}}
  %y = laic.conv %x, %w, %none {auto_pad = "SAME"} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_kernel_shape(%x: tensor<1x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects a window of 5 (attribute 'kernel_shape'), got weights of 3}}
  %y = laic.conv %x, %w, %none {kernel_shape = array<i64: 3, 5>} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_window_too_large(%x: tensor<1x4x8x2xf32>, %w: tensor<6x4x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{the window is larger than the padded input in spatial dim 1}}
  %y = laic.conv %x, %w, %none : (tensor<1x4x8x2xf32>, tensor<6x4x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @max_pool_rank(%x: tensor<1x8xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the input to have at least 3 dims, got 2}}
  %y:2 = laic.max_pool %x {kernel_shape = array<i64: 2>} : (tensor<1x8xf32>) -> (tensor<*xf32>, tensor<*xi64>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @max_pool_window_rank(%x: tensor<1x4x8x8xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a window of 2 dims, got 1}}
  %y:2 = laic.max_pool %x {kernel_shape = array<i64: 2>} : (tensor<1x4x8x8xf32>) -> (tensor<*xf32>, tensor<*xi64>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @average_pool_window(%x: tensor<1x4x8x8xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{the window is larger than the padded input in spatial dim 0}}
  %y = laic.average_pool %x {kernel_shape = array<i64: 9, 1>} : (tensor<1x4x8x8xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @global_pool_rank(%x: tensor<1x8xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the input to have at least 3 dims, got 2}}
  %y = laic.global_average_pool %x : (tensor<1x8xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @lp_pool_p(%x: tensor<1x4x8x8xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'p' to be at least 1, got 0}}
  %y = laic.lp_pool %x {kernel_shape = array<i64: 2, 2>, p = 0 : i64} : (tensor<1x4x8x8xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @global_lp_pool_p(%x: tensor<1x4x8x8xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'p' to be at least 1, got -1}}
  %y = laic.global_lp_pool %x {p = -1 : i64} : (tensor<1x4x8x8xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_rank(%x: tensor<1x4xf32>, %w: tensor<4x6xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the input to have at least 3 dims, got 2}}
  %y = laic.conv_transpose %x, %w, %none : (tensor<1x4xf32>, tensor<4x6xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_channels(%x: tensor<1x4x8x8xf32>, %w: tensor<5x6x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects weights dim 0 to be 4 (input channels), got 5}}
  %y = laic.conv_transpose %x, %w, %none : (tensor<1x4x8x8xf32>, tensor<5x6x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_group(%x: tensor<1x4x8x8xf32>, %w: tensor<4x6x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects input channels to be a multiple of group 3}}
  %y = laic.conv_transpose %x, %w, %none {group = 3 : i64} : (tensor<1x4x8x8xf32>, tensor<4x6x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_bias(%x: tensor<1x4x8x8xf32>, %w: tensor<4x6x3x3xf32>, %b: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of bias to be 6 (output channels), got 3}}
  %y = laic.conv_transpose %x, %w, %b : (tensor<1x4x8x8xf32>, tensor<4x6x3x3xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_stride_count(%x: tensor<1x4x8x8xf32>, %w: tensor<4x6x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects attribute 'strides' to have 2 values, got 1}}
  %y = laic.conv_transpose %x, %w, %none {strides = array<i64: 2>} : (tensor<1x4x8x8xf32>, tensor<4x6x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_stride(%x: tensor<1x4x8x8xf32>, %w: tensor<4x6x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects strides and dilations of at least 1}}
  %y = laic.conv_transpose %x, %w, %none {strides = array<i64: 2, 0>} : (tensor<1x4x8x8xf32>, tensor<4x6x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_kernel_shape(%x: tensor<1x4x8x8xf32>, %w: tensor<4x6x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects a window of 5 (attribute 'kernel_shape'), got weights of 3}}
  %y = laic.conv_transpose %x, %w, %none {kernel_shape = array<i64: 3, 5>} : (tensor<1x4x8x8xf32>, tensor<4x6x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_pads(%x: tensor<1x4x1x8xf32>, %w: tensor<4x6x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{pads leave nothing of spatial dim 0}}
  %y = laic.conv_transpose %x, %w, %none {pads = array<i64: 2, 0, 1, 0>} : (tensor<1x4x1x8xf32>, tensor<4x6x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_unknown_window(%x: tensor<1x4x8x8xf32>, %w: tensor<4x6x?x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{needs the weights' spatial dims to be known when compiling}}
  %y = laic.conv_transpose %x, %w, %none : (tensor<1x4x8x8xf32>, tensor<4x6x?x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_transpose_unknown_padding(%x: tensor<1x4x?x8xf32>, %w: tensor<4x6x3x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{padding in spatial dim 0 depends on the input's size; give the input's dims}}
  %y = laic.conv_transpose %x, %w, %none {output_shape = array<i64: 16, 16>, strides = array<i64: 2, 2>} : (tensor<1x4x?x8xf32>, tensor<4x6x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
