// What shape inference refuses: normalisations.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @batch_normalization_scalar(%x: tensor<f32>, %w: tensor<3xf32>, %b: tensor<3xf32>, %c: tensor<3xf32>, %d: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the input to have at least 1 dims, got 0}}
  %y:3 = laic.batch_normalization %x, %w, %b, %c, %d : (tensor<f32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @batch_normalization_variance(%x: tensor<2x3x4xf32>, %w: tensor<3xf32>, %b: tensor<3xf32>, %c: tensor<3xf32>, %d: tensor<4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of variance to be 3 (channels), got 4}}
  %y:3 = laic.batch_normalization %x, %w, %b, %c, %d : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @instance_normalization_rank(%x: tensor<2x3xf32>, %w: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the input to have at least 3 dims, got 2}}
  %y = laic.instance_normalization %x, %w, %b : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @group_normalization_groups(%x: tensor<2x6x4xf32>, %w: tensor<6xf32>, %b: tensor<6xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects channels to be a multiple of num_groups 4, got 6}}
  %y = laic.group_normalization %x, %w, %b {num_groups = 4 : i64} : (tensor<2x6x4xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @layer_normalization_scale_rank(%x: tensor<2x3xf32>, %w: tensor<1x2x3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects scale to have at most 2 dims, got 3}}
  %y:3 = laic.layer_normalization %x, %w, %none : (tensor<2x3xf32>, tensor<1x2x3xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @layer_normalization_scale_size(%x: tensor<2x3xf32>, %w: tensor<2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of scale to be 3 (as the input), got 2}}
  %y:3 = laic.layer_normalization %x, %w, %none : (tensor<2x3xf32>, tensor<2xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @layer_normalization_axis(%x: tensor<2x3xf32>, %w: tensor<3xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects an axis in [-2, 1], got 2}}
  %y:3 = laic.layer_normalization %x, %w, %none {axis = 2 : i64} : (tensor<2x3xf32>, tensor<3xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @lrn_size(%x: tensor<2x3x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'size' to be at least 1, got 0}}
  %y = laic.lrn %x {size = 0 : i64} : (tensor<2x3x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @lp_normalization_p(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'p' to be 1 or 2, got 3}}
  %y = laic.lp_normalization %x {p = 3 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @mean_variance_axes(%x: tensor<2x3x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'axes' to lie within rank 3}}
  %y = laic.mean_variance_normalization %x : (tensor<2x3x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @softmax_axis(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an axis in [-2, 1], got -3}}
  %y = laic.softmax %x {axis = -3 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
