// What shape inference refuses: optimisers.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @inputs(%r: tensor<f32>, %t: tensor<i64>, %x: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 3 inputs for each tensor after R and T, got 2}}
  %y:2 = laic.adagrad %r, %t, %x, %x : (tensor<f32>, tensor<i64>, tensor<3xf32>, tensor<3xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @outputs(%r: tensor<f32>, %t: tensor<i64>, %x: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 2 outputs for 1 tensors, got 1}}
  %y = laic.adagrad %r, %t, %x, %x, %x : (tensor<f32>, tensor<i64>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rate(%r: tensor<2xf32>, %t: tensor<i64>, %x: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects R and T to be scalars}}
  %y:2 = laic.adagrad %r, %t, %x, %x, %x : (tensor<2xf32>, tensor<i64>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @element(%r: tensor<f32>, %t: tensor<i64>, %x: tensor<3xf32>, %g: tensor<3xf64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the gradient and the states of a tensor to have its element type}}
  %y:2 = laic.adagrad %r, %t, %x, %g, %x : (tensor<f32>, tensor<i64>, tensor<3xf32>, tensor<3xf64>, tensor<3xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @rank(%r: tensor<f32>, %t: tensor<i64>, %x: tensor<3xf32>, %g: tensor<3x1xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the gradient and the states of a tensor to have its rank}}
  %y:2 = laic.adagrad %r, %t, %x, %g, %x : (tensor<f32>, tensor<i64>, tensor<3xf32>, tensor<3x1xf32>, tensor<3xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @shape(%r: tensor<f32>, %t: tensor<i64>, %x: tensor<3xf32>, %g: tensor<4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the gradient and the states of a tensor to have its shape}}
  %y:2 = laic.adagrad %r, %t, %x, %g, %x : (tensor<f32>, tensor<i64>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}

// -----

func.func @mode(%r: tensor<f32>, %t: tensor<i64>, %x: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects mode 'standard' or 'nesterov', got 'heavy'}}
  %y:2 = laic.momentum %r, %t, %x, %x, %x {alpha = 0.9 : f32, beta = 0.9 : f32, mode = "heavy", norm_coefficient = 0.0 : f32} : (tensor<f32>, tensor<i64>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0 : tensor<*xf32>
}
