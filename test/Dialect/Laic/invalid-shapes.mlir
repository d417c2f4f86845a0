// What shape inference refuses: shape, data movement and index operators.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @reshape_count(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %t = laic.constant {value = dense<[4, 2]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects 'shape' to have 6 elements as the operand has, got 8}}
  %y = laic.reshape %x, %t : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reshape_two_open(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %t = laic.constant {value = dense<-1> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects at most one -1 in 'shape'}}
  %y = laic.reshape %x, %t : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reshape_indivisible(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %t = laic.constant {value = dense<[4, -1]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{cannot divide 6 elements into rows of 4}}
  %y = laic.reshape %x, %t : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reshape_unknown_zero(%x: tensor<0x3xf32>) -> tensor<*xf32> {
  %t = laic.constant {value = dense<[0, -1]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{cannot tell the size that -1 stands for, since another dim is 0}}
  %y = laic.reshape %x, %t {allowzero = 1 : i64} : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reshape_copied_dim(%x: tensor<6xf32>) -> tensor<*xf32> {
  %t = laic.constant {value = dense<[6, 0]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{copies dim 1 of an operand of rank 1}}
  %y = laic.reshape %x, %t : (tensor<6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reshape_negative(%x: tensor<6xf32>) -> tensor<*xf32> {
  %t = laic.constant {value = dense<[-2, 3]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects sizes >= -1 in 'shape', got -2}}
  %y = laic.reshape %x, %t : (tensor<6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @squeeze_size(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %a = laic.constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{cannot squeeze axis 1 of size 3}}
  %y = laic.squeeze %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @unsqueeze_twice(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  %a = laic.constant {value = dense<[1, -3]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{names an axis twice}}
  %y = laic.unsqueeze %x, %a : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @transpose_permutation(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects 'perm' to be a permutation of the dims 0 to 1}}
  %y = laic.transpose %x {perm = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_dims(%x: tensor<2x3xf32>, %z: tensor<4x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects operands that agree in dim 0, got 2 and 4}}
  %y = laic.concat %x, %z {axis = 1 : i64} : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_axis(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an axis in [-2, 1], got 2}}
  %y = laic.concat %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @split_sum(%x: tensor<5xf32>) -> (tensor<*xf32>, tensor<*xf32>) {
  %s = laic.constant {value = dense<[2, 2]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects 'split' to add up to 5, got 4}}
  %y:2 = laic.split %x, %s : (tensor<5xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  return %y#0, %y#1 : tensor<*xf32>, tensor<*xf32>
}

// -----

func.func @slice_step(%x: tensor<5xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %z = laic.constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{expects 'steps' other than 0}}
  %y = laic.slice %x, %z, %z, %none, %z : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, none, tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// A shape is read in the middle of a call only where the number of its elements, and so the rank, is known.
func.func @shape_from_data(%x: tensor<?xf32>) -> tensor<*xf32> {
  %t2 = laic.sqrt %x : (tensor<?xf32>) -> tensor<*xf32>
  %t3 = laic.cast %t2 {to = 7 : i64} : (tensor<*xf32>) -> tensor<*xi64>
  // expected-error @+1 {{needs 'shape' to be known when compiling, but it depends on data that is computed at run time}}
  %y = laic.reshape %x, %t3 : (tensor<?xf32>, tensor<*xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pad_mode(%x: tensor<5xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %p = laic.constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects mode 'constant', 'reflect', 'edge' or 'wrap', got 'mirror'}}
  %y = laic.pad %x, %p, %none, %none {mode = "mirror"} : (tensor<5xf32>, tensor<2xi64>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pad_count(%x: tensor<5x2xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %p = laic.constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects 4 'pads', two per axis, got 2}}
  %y = laic.pad %x, %p, %none, %none : (tensor<5x2xf32>, tensor<2xi64>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @range_delta() -> tensor<*xi64> {
  %z = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects a 'delta' other than 0}}
  %y = laic.range %z, %z, %z : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  return %y : tensor<*xi64>
}

// -----

func.func @gather_range(%x: tensor<3xf32>) -> tensor<*xf32> {
  %i = laic.constant {value = dense<3> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{index 3 is out of range for axis 0 of size 3}}
  %y = laic.gather %x, %i : (tensor<3xf32>, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gather_nd_tuples(%x: tensor<3xf32>, %i: tensor<4x2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects index tuples of at most 1 elements, got 2}}
  %y = laic.gather_nd %x, %i : (tensor<3xf32>, tensor<4x2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_reduction(%x: tensor<3xf32>, %i: tensor<2xi64>, %u: tensor<2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects reduction 'none', 'add', 'mul', 'max' or 'min', got 'sub'}}
  %y = laic.scatter_elements %x, %i, %u {reduction = "sub"} : (tensor<3xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scatter_nd_updates(%x: tensor<3x5xf32>, %i: tensor<2x1xi64>, %u: tensor<2x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 of 'updates' of size 5, got 4}}
  %y = laic.scatter_nd %x, %i, %u : (tensor<3x5xf32>, tensor<2x1xi64>, tensor<2x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @depth_to_space_channels(%x: tensor<1x6x2x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 to be a multiple of 4, got 6}}
  %y = laic.depth_to_space %x {blocksize = 2 : i64} : (tensor<1x6x2x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @flatten_axis(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @below {{expects an axis in [-2, 2], got 3}}
  %y = laic.flatten %x {axis = 3 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @split_into_nothing(%x: tensor<2x3xf32>) {
  %none = laic.none : none
  // expected-error @below {{expects at least one result}}
  laic.split %x, %none {axis = 0 : i64} : (tensor<2x3xf32>, none) -> ()
  return
}
