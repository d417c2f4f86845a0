// What shape inference refuses: random numbers and dropout.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @size() -> tensor<*xf32> {
  // expected-error @+1 {{expects sizes >= 0 in 'shape', got -2}}
  %y = laic.random_uniform {shape = array<i64: 3, -2>} : () -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @integers() -> tensor<*xf32> {
  // expected-error @+1 {{has an unsupported 'dtype'}}
  %y = laic.random_normal {shape = array<i64: 3>, dtype = 7 : i64} : () -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @multinomial_rank(%x: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the input to have rank 2, got rank 1}}
  %y = laic.multinomial %x : (tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @multinomial_type(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a 'dtype' of int32 or int64}}
  %y = laic.multinomial %x {dtype = 1 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @multinomial_samples(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a 'sample_size' >= 0, got -1}}
  %y = laic.multinomial %x {sample_size = -1 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @multinomial_classes(%x: tensor<2x0xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has no class to choose}}
  %y = laic.multinomial %x : (tensor<2x0xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @dropout_ratio(%x: tensor<2x3xf32>, %ratio: tensor<2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects 'ratio' and 'training_mode' to be scalars}}
  %y:2 = laic.dropout %x, %ratio, %none : (tensor<2x3xf32>, tensor<2xf32>, none) -> (tensor<*xf32>, tensor<*xi1>)
  return %y#0 : tensor<*xf32>
}
