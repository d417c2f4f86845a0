// What operators refuse whose results have as many elements as the data says.
// RUN: laic-opt %s --laic-infer-shapes --split-input-file --verify-diagnostics

func.func @condition(%x: tensor<4x5xf32>, %c: tensor<4xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a 'condition' of booleans and rank 1}}
  %y = laic.compress %x, %c {axis = 0 : i64} : (tensor<4x5xf32>, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @compress_axis(%x: tensor<4x5xf32>, %c: tensor<4xi1>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an axis in [-2, 1], got 2}}
  %y = laic.compress %x, %c {axis = 2 : i64} : (tensor<4x5xf32>, tensor<4xi1>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @corners(%b: tensor<1x6x5xf32>, %s: tensor<1x2x6xf32>) -> tensor<*xi64> {
  %n = laic.none : none
  // expected-error @+1 {{expects dim 2 of 'boxes' to be 4 (two corners), got 5}}
  %y = laic.non_max_suppression %b, %s, %n, %n, %n : (tensor<1x6x5xf32>, tensor<1x2x6xf32>, none, none, none) -> tensor<*xi64>
  return %y : tensor<*xi64>
}

// -----

func.func @batch(%b: tensor<1x6x4xf32>, %s: tensor<3x2x6xf32>) -> tensor<*xi64> {
  %n = laic.none : none
  // expected-error @+1 {{expects dim 0 of 'scores' to be 1 (batch), got 3}}
  %y = laic.non_max_suppression %b, %s, %n, %n, %n : (tensor<1x6x4xf32>, tensor<3x2x6xf32>, none, none, none) -> tensor<*xi64>
  return %y : tensor<*xi64>
}

// -----

func.func @boxes(%b: tensor<1x6x4xf32>, %s: tensor<1x2x7xf32>) -> tensor<*xi64> {
  %n = laic.none : none
  // expected-error @+1 {{expects dim 2 of 'scores' to be 6 (boxes), got 7}}
  %y = laic.non_max_suppression %b, %s, %n, %n, %n : (tensor<1x6x4xf32>, tensor<1x2x7xf32>, none, none, none) -> tensor<*xi64>
  return %y : tensor<*xi64>
}

// -----

func.func @form(%b: tensor<1x6x4xf32>, %s: tensor<1x2x6xf32>) -> tensor<*xi64> {
  %n = laic.none : none
  // expected-error @+1 {{expects 'center_point_box' to be 0 or 1}}
  %y = laic.non_max_suppression %b, %s, %n, %n, %n {center_point_box = 2 : i64}
         : (tensor<1x6x4xf32>, tensor<1x2x6xf32>, none, none, none) -> tensor<*xi64>
  return %y : tensor<*xi64>
}

// -----

func.func @axes_of_unknown_number(%x: tensor<2x3xf32>, %a: tensor<?xi64> {laic.dims = ["n"]}) -> tensor<*xf32> {
  // expected-error @+1 {{expects a known number of 'axes', or the rank of the result in the model}}
  %y = laic.reduce_sum %x, %a {keepdims = 0 : i64} : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @limit_of_floats(%b: tensor<1x6x4xf32>, %s: tensor<1x2x6xf32>, %m: tensor<1xbf16>) -> tensor<*xi64> {
  %n = laic.none : none
  // expected-error @+1 {{expects 'max_output_boxes_per_class' to have element type i64, got bf16}}
  %y = laic.non_max_suppression %b, %s, %m, %n, %n : (tensor<1x6x4xf32>, tensor<1x2x6xf32>, tensor<1xbf16>, none, none) -> tensor<*xi64>
  return %y : tensor<*xi64>
}

// -----

func.func @lengths_of_floats(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %l: tensor<2xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  // expected-error @+1 {{expects 'sequence_lens' to have element type i32, got f32}}
  %y:2 = laic.rnn %x, %w, %r, %n, %l, %n : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, none, tensor<2xf32>, none) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}
