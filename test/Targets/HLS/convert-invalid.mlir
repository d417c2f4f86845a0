// RUN: laic-opt %s -split-input-file --laic-convert-graph-to-design -verify-diagnostics

// expected-error @+2 {{input 'x' has sizes that are not known}}
// expected-note @+1 {{a design is of one size: bind them with --dim NAME=VALUE}}
func.func @main(%x: tensor<?x4xf32> {laic.name = "x"}) -> (tensor<?x4xf32> {laic.name = "y"}) {
  return %x : tensor<?x4xf32>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x"}, %s: tensor<2xi64> {laic.name = "s"}) -> (tensor<?x?xf32> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: the size of its result depends on data}}
  %y = laic.reshape %x, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

// expected-error @+2 {{input 'x' is a float tensor whose range is not known}}
// expected-note @+1 {{give --calibration=FILE.npz with typical inputs, or quantise the model}}
func.func @main(%x: tensor<4xf32> {laic.name = "x"}) -> (tensor<4xf32> {laic.name = "y"}) {
  %y = laic.relu %x {laic.range = [0.0, 1.0]} : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<4xf32> {laic.name = "y"}) {
  // expected-error @+2 {{its result is a float tensor whose range is not known}}
  // expected-note @+1 {{give --calibration=FILE.npz with typical inputs, or quantise the model}}
  %y = laic.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @+1 {{input 'x' cannot be streamed: expects floats or integers of 2 to 16 bits, got 'i64'}}
func.func @main(%x: tensor<4xi64> {laic.name = "x"}) -> (tensor<4xi64> {laic.name = "y"}) {
  %y = laic.neg %x : (tensor<4xi64>) -> tensor<4xi64>
  return %y : tensor<4xi64>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<4xf32> {laic.name = "y"}) {
  %c = laic.constant {value = dense<1.0> : tensor<4xf32>} : tensor<4xf32>
  // expected-error @+1 {{output 'y' cannot be streamed: it does not depend on any input}}
  return %c : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<1x4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<1x2xf32> {laic.name = "y"}) {
  %c = laic.constant {value = dense<1.0> : tensor<2x4xf32>} : tensor<2x4xf32>
  // expected-error @+1 {{cannot be streamed: expects a tensor that depends on an input where it got a constant}}
  %y = laic.matmul %c, %x : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}, %s: tensor<f32> {laic.name = "s", laic.range = [0.0, 1.0]}) -> (tensor<4xi8> {laic.name = "y"}) {
  %z = laic.constant {value = dense<0> : tensor<i8>} : tensor<i8>
  %t = laic.tanh %x {laic.range = [-1.0, 1.0]} : (tensor<4xf32>) -> tensor<4xf32>
  %u = laic.tanh %x {laic.range = [-1.0, 1.0]} : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{cannot be streamed: expects one positive scale that is known when compiling}}
  %y = laic.quantize_linear %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<4xi32> {laic.name = "y"}) {
  %s = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = laic.constant {value = dense<0> : tensor<i32>} : tensor<i32>
  // expected-error @+1 {{cannot be streamed: expects integers of at most 16 bits}}
  %y = laic.quantize_linear %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xi32>
  return %y : tensor<4xi32>
}

// -----

func.func @main(%x: tensor<1x4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<1x4xf32> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: the target has no stage for this operation}}
  %y = laic.cum_sum %x, %x {laic.range = [-1.0, 1.0]} : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}

// -----

func.func @main(%x: tensor<1x4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<4x4xf32> {laic.name = "y"}) {
  %c = laic.constant {value = dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>} : tensor<4x1xf32>
  // expected-error @+1 {{cannot be streamed: expects a constant that is broadcast to the other operand}}
  %y = laic.add %x, %c {laic.range = [-1.0, 1.0]} : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<4xf32> {laic.name = "y"}) {
  %c = laic.constant {value = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>} : tensor<4xf32>
  // expected-error @+1 {{cannot be streamed: a division by a tensor is not supported}}
  %y = laic.div %c, %x {laic.range = [-1.0, 1.0]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<1x4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}, %z: tensor<4x1xf32> {laic.name = "z", laic.range = [-1.0, 1.0]}) -> (tensor<4x4xf32> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: expects two tensors of one shape; broadcasting one of them is not supported}}
  %y = laic.add %x, %z {laic.range = [-1.0, 1.0]} : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}, %z: tensor<4xf32> {laic.name = "z", laic.range = [-1.0, 1.0]}) -> (tensor<4xf32> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: the target has no stage for this operation on two tensors}}
  %y = laic.pow %x, %z {laic.range = [-1.0, 1.0]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<4xf32> {laic.name = "y"}) {
  %c = laic.constant {value = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>} : tensor<4xf32>
  // expected-error @+1 {{cannot be streamed: the target has no stage for this operation with these operands}}
  %y = laic.pow %x, %c {laic.range = [-1.0, 1.0]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xi8> {laic.name = "x"}) -> (tensor<4xi8> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: its function of one number cannot be computed when compiling}}
  %y = laic.neg %x : (tensor<4xi8>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

func.func @main(%x: tensor<1x2x4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}, %s: tensor<2xf32> {laic.name = "s", laic.range = [0.0, 1.0]}) -> (tensor<1x2x4xf32> {laic.name = "y"}) {
  %c = laic.constant {value = dense<1.0> : tensor<2xf32>} : tensor<2xf32>
  // expected-error @+1 {{cannot be streamed: expects constant statistics}}
  %y, %m, %v = laic.batch_normalization %x, %s, %c, %c, %c {laic.range = [-1.0, 1.0]} : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>)
  return %y : tensor<1x2x4xf32>
}

// -----

func.func @main(%x: tensor<2x1xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}, %w: tensor<2x2xf32> {laic.name = "w", laic.range = [0.0, 1.0]}) -> (tensor<2x2xf32> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: expects a constant matrix as its second operand}}
  %y = laic.matmul %w, %w {laic.range = [-1.0, 1.0]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

func.func @main(%x: tensor<2x3xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}, %c: tensor<2xf32> {laic.name = "c", laic.range = [0.0, 1.0]}) -> (tensor<3x2xf32> {laic.name = "y"}) {
  %w = laic.constant {value = dense<1.0> : tensor<2x2xf32>} : tensor<2x2xf32>
  %n = laic.none : none
  // expected-error @+1 {{cannot be streamed: a transposed first operand is not supported}}
  %y = laic.gemm %x, %w, %n {transA = 1 : i64, laic.range = [-1.0, 1.0]} : (tensor<2x3xf32>, tensor<2x2xf32>, none) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

func.func @main(%x: tensor<3x2xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}, %c: tensor<2xf32> {laic.name = "c", laic.range = [0.0, 1.0]}) -> (tensor<3x2xf32> {laic.name = "y"}) {
  %w = laic.constant {value = dense<1.0> : tensor<2x2xf32>} : tensor<2x2xf32>
  // expected-error @+1 {{cannot be streamed: expects a constant bias with one number per output channel}}
  %y = laic.gemm %x, %w, %c {laic.range = [-1.0, 1.0]} : (tensor<3x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

func.func @main(%x: tensor<1x1x3x3xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}, %w: tensor<1x1x3x3xf32> {laic.name = "w", laic.range = [0.0, 1.0]}) -> (tensor<1x1x1x1xf32> {laic.name = "y"}) {
  %n = laic.none : none
  // expected-error @+1 {{cannot be streamed: expects constant weights}}
  %y = laic.conv %x, %w, %n {laic.range = [-1.0, 1.0]} : (tensor<1x1x3x3xf32>, tensor<1x1x3x3xf32>, none) -> tensor<1x1x1x1xf32>
  return %y : tensor<1x1x1x1xf32>
}

// -----

func.func @main(%x: tensor<2x1x3x3xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<2x1x1x1xf32> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: expects one image with one or two spatial dims, got 2 with 2}}
  %y = laic.average_pool %x {kernel_shape = array<i64: 3, 3>, laic.range = [-1.0, 1.0]} : (tensor<2x1x3x3xf32>) -> tensor<2x1x1x1xf32>
  return %y : tensor<2x1x1x1xf32>
}

// -----

func.func @main(%x: tensor<2x1x3x3xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<2x1x1x1xf32> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: expects one image, got 2 of rank 4}}
  %y = laic.global_average_pool %x {laic.range = [-1.0, 1.0]} : (tensor<2x1x3x3xf32>) -> tensor<2x1x1x1xf32>
  return %y : tensor<2x1x1x1xf32>
}

// -----

func.func @main(%x: tensor<1x1x3x3xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<1x1x1x1xi64> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: indices of the greatest elements are not supported}}
  %y, %i = laic.max_pool %x {kernel_shape = array<i64: 3, 3>} : (tensor<1x1x3x3xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1x1xi64>)
  return %i : tensor<1x1x1x1xi64>
}

// -----

func.func @main(%x: tensor<1x2x3x3xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<1x1x3x3xf32> {laic.name = "y"}) {
  %a = laic.constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{cannot be streamed: expects a mean over all spatial dims of N x C x spatial}}
  %y = laic.reduce_mean %x, %a {laic.range = [-1.0, 1.0]} : (tensor<1x2x3x3xf32>, tensor<1xi64>) -> tensor<1x1x3x3xf32>
  return %y : tensor<1x1x3x3xf32>
}

// -----

func.func @main(%x: tensor<1x2xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<1x2xf32> {laic.name = "y"}) {
  // expected-error @+1 {{cannot be streamed: an activation on a softmax is not supported}}
  %c = laic.softmax %x : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %y = laic.relu %c {laic.range = [0.0, 1.0]} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @main(%x: tensor<2xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}, %b: tensor<f32> {laic.name = "b", laic.range = [-1.0, 1.0]}) -> (tensor<2xf32> {laic.name = "y"}) {
  %n = laic.none : none
  // expected-error @+1 {{cannot be streamed: expects constant bounds}}
  %y = laic.clip %x, %b, %n {laic.range = [-1.0, 1.0]} : (tensor<2xf32>, tensor<f32>, none) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// A quantum of 2^-45 leaves no room for the quotient.
func.func @main(%x: tensor<1x2xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<1x2xi8> {laic.name = "y"}) {
  %s = laic.constant {value = dense<2.8e-14> : tensor<f32>} : tensor<f32>
  %z = laic.constant {value = dense<0> : tensor<i8>} : tensor<i8>
  // expected-error @+1 {{cannot be streamed: its result has too many bits behind the binary point}}
  %c = laic.softmax %x : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %y = laic.quantize_linear %c, %s, %z : (tensor<1x2xf32>, tensor<f32>, tensor<i8>) -> tensor<1x2xi8>
  return %y : tensor<1x2xi8>
}
