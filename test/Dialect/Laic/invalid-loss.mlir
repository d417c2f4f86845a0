// What shape inference refuses: losses.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @reduction(%x: tensor<3x5x4xf32>, %t: tensor<3x4xi64>) -> tensor<*xf32> {
  %w = laic.none : none
  // expected-error @+1 {{expects reduction 'none', 'mean' or 'sum', got 'max'}}
  %y = laic.negative_log_likelihood_loss %x, %t, %w {reduction = "max"} : (tensor<3x5x4xf32>, tensor<3x4xi64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @input_rank(%x: tensor<3xf32>, %t: tensor<i64>) -> tensor<*xf32> {
  %w = laic.none : none
  // expected-error @+1 {{expects the input to have at least 2 dims, got 1}}
  %y = laic.negative_log_likelihood_loss %x, %t, %w : (tensor<3xf32>, tensor<i64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @target_rank(%x: tensor<3x5x4xf32>, %t: tensor<3xi64>) -> tensor<*xf32> {
  %w = laic.none : none
  // expected-error @+1 {{expects the target to have rank 2, got rank 1}}
  %y = laic.negative_log_likelihood_loss %x, %t, %w : (tensor<3x5x4xf32>, tensor<3xi64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @target_element(%x: tensor<3x5x4xf32>, %t: tensor<3x4xf32>) -> tensor<*xf32> {
  %w = laic.none : none
  // expected-error @+1 {{expects integers in the target}}
  %y = laic.negative_log_likelihood_loss %x, %t, %w : (tensor<3x5x4xf32>, tensor<3x4xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @target_dim(%x: tensor<3x5x4xf32>, %t: tensor<3x6xi64>) -> tensor<*xf32> {
  %w = laic.none : none
  // expected-error @+1 {{expects dim 1 of the target to be 4 (as the input), got 6}}
  %y = laic.negative_log_likelihood_loss %x, %t, %w : (tensor<3x5x4xf32>, tensor<3x6xi64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @weights(%x: tensor<3x5x4xf32>, %t: tensor<3x4xi64>, %w: tensor<4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of weights to be 5 (classes), got 4}}
  %y = laic.negative_log_likelihood_loss %x, %t, %w : (tensor<3x5x4xf32>, tensor<3x4xi64>, tensor<4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @cross_entropy_target(%x: tensor<3x5x4xf32>, %t: tensor<2x4xi64>) -> tensor<*xf32> {
  %w = laic.none : none
  // expected-error @+1 {{expects dim 0 of the target to be 3 (as the input), got 2}}
  %y:2 = laic.softmax_cross_entropy_loss %x, %t, %w : (tensor<3x5x4xf32>, tensor<2x4xi64>, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}
