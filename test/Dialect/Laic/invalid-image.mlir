// What shape inference refuses: patches, crops, unpooling and determinants.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @col2im_rank(%x: tensor<5x5xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5, 5]> : tensor<2xi64>} : tensor<2xi64>
  %b = laic.constant {value = dense<[1, 5]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects the input to have rank 3, got rank 2}}
  %y = laic.col2im %x, %s, %b : (tensor<5x5xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @col2im_shapes(%x: tensor<1x5x5xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5, 5]> : tensor<2xi64>} : tensor<2xi64>
  %b = laic.constant {value = dense<[5]> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{expects 'image_shape' and 'block_shape' of as many values, got 2 and 1}}
  %y = laic.col2im %x, %s, %b : (tensor<1x5x5xf32>, tensor<2xi64>, tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @col2im_strides(%x: tensor<1x5x5xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5, 5]> : tensor<2xi64>} : tensor<2xi64>
  %b = laic.constant {value = dense<[1, 5]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects attribute 'strides' to have 2 values, got 1}}
  %y = laic.col2im %x, %s, %b {strides = array<i64: 1>} : (tensor<1x5x5xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @col2im_dilations(%x: tensor<1x5x5xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5, 5]> : tensor<2xi64>} : tensor<2xi64>
  %b = laic.constant {value = dense<[1, 5]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects values of attribute 'dilations' to be at least 1, got 0}}
  %y = laic.col2im %x, %s, %b {dilations = array<i64: 1, 0>} : (tensor<1x5x5xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @col2im_block(%x: tensor<1x5x5xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5, 5]> : tensor<2xi64>} : tensor<2xi64>
  %b = laic.constant {value = dense<[0, 5]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects 'block_shape' to be at least 1}}
  %y = laic.col2im %x, %s, %b : (tensor<1x5x5xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @col2im_fit(%x: tensor<1x5x5xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5, 3]> : tensor<2xi64>} : tensor<2xi64>
  %b = laic.constant {value = dense<[1, 5]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects an image that a block fits into, got 3}}
  %y = laic.col2im %x, %s, %b : (tensor<1x5x5xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @col2im_rows(%x: tensor<1x7x5xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5, 5]> : tensor<2xi64>} : tensor<2xi64>
  %b = laic.constant {value = dense<[1, 5]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects dim 1 of the input to be 5 (a multiple of a block's elements), got 7}}
  %y = laic.col2im %x, %s, %b : (tensor<1x7x5xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @col2im_blocks(%x: tensor<1x5x6xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5, 5]> : tensor<2xi64>} : tensor<2xi64>
  %b = laic.constant {value = dense<[1, 5]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects dim 2 of the input to be 5 (blocks of the image), got 6}}
  %y = laic.col2im %x, %s, %b : (tensor<1x5x6xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @crop_count(%x: tensor<5x6xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5]> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{expects 'shape' to have 2 values, got 1}}
  %y = laic.center_crop_pad %x, %s : (tensor<5x6xf32>, tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @crop_axis(%x: tensor<5x6xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5]> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+1 {{expects an axis in [-2, 1], got 2}}
  %y = laic.center_crop_pad %x, %s {axes = array<i64: 2>} : (tensor<5x6xf32>, tensor<1xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @crop_size(%x: tensor<5x6xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[5, -2]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects sizes of at least 0 in 'shape', got -2}}
  %y = laic.center_crop_pad %x, %s : (tensor<5x6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @unpool_rank(%x: tensor<1x2xf32>, %i: tensor<1x2xi64>) -> tensor<*xf32> {
  %s = laic.none : none
  // expected-error @+1 {{expects the input to have at least 3 dims, got 2}}
  %y = laic.max_unpool %x, %i, %s {kernel_shape = array<i64: 2, 2>} : (tensor<1x2xf32>, tensor<1x2xi64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @unpool_indices_rank(%x: tensor<1x1x2x2xf32>, %i: tensor<1x2x2xi64>) -> tensor<*xf32> {
  %s = laic.none : none
  // expected-error @+1 {{expects the indices to have rank 4, got rank 3}}
  %y = laic.max_unpool %x, %i, %s {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x2x2xf32>, tensor<1x2x2xi64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @unpool_indices(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x2xf32>) -> tensor<*xf32> {
  %s = laic.none : none
  // expected-error @+1 {{expects integers in the indices}}
  %y = laic.max_unpool %x, %i, %s {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @unpool_indices_dim(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x3xi64>) -> tensor<*xf32> {
  %s = laic.none : none
  // expected-error @+1 {{expects dim 3 of the indices to be 2 (as the input), got 3}}
  %y = laic.max_unpool %x, %i, %s {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x3xi64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @unpool_shape(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x2xi64>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[1, 1, 5]> : tensor<3xi64>} : tensor<3xi64>
  // expected-error @+1 {{expects 'output_shape' to have 4 values, got 3}}
  %y = laic.max_unpool %x, %i, %s {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @unpool_size(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x2xi64>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[1, 1, 5, 3]> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+1 {{expects dim 3 of the result to be at least 4, got 3}}
  %y = laic.max_unpool %x, %i, %s {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @det_rank(%x: tensor<5xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the input to have at least 2 dims, got 1}}
  %y = laic.det %x : (tensor<5xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @det_square(%x: tensor<2x3x4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the last dim to be 3 (square matrices), got 4}}
  %y = laic.det %x : (tensor<2x3x4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
