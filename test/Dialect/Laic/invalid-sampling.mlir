// What shape inference refuses: sampling at fractional positions.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @mode(%x: tensor<2x3x5x6xf32>, %g: tensor<2x4x7x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{unknown mode 'area'}}
  %y = laic.grid_sample %x, %g {mode = "area"} : (tensor<2x3x5x6xf32>, tensor<2x4x7x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @padding_mode(%x: tensor<2x3x5x6xf32>, %g: tensor<2x4x7x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{unknown padding_mode 'wrap'}}
  %y = laic.grid_sample %x, %g {padding_mode = "wrap"} : (tensor<2x3x5x6xf32>, tensor<2x4x7x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rank(%x: tensor<2x3xf32>, %g: tensor<2x1xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the input to have at least 3 dims, got 2}}
  %y = laic.grid_sample %x, %g : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @grid_rank(%x: tensor<2x3x5x6xf32>, %g: tensor<2x4x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the grid to have rank 4, got rank 3}}
  %y = laic.grid_sample %x, %g : (tensor<2x3x5x6xf32>, tensor<2x4x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @grid_element(%x: tensor<2x3x5x6xf32>, %g: tensor<2x4x7x2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects floats in the grid}}
  %y = laic.grid_sample %x, %g : (tensor<2x3x5x6xf32>, tensor<2x4x7x2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @grid_batch(%x: tensor<2x3x5x6xf32>, %g: tensor<3x4x7x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of the grid to be 2 (as the input), got 3}}
  %y = laic.grid_sample %x, %g : (tensor<2x3x5x6xf32>, tensor<3x4x7x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @grid_last(%x: tensor<2x3x5x6xf32>, %g: tensor<2x4x7x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the last dim of the grid to be 2 (spatial dims), got 3}}
  %y = laic.grid_sample %x, %g : (tensor<2x3x5x6xf32>, tensor<2x4x7x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @empty(%x: tensor<2x3x0x6xf32>, %g: tensor<2x4x7x2xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an input with elements}}
  %y = laic.grid_sample %x, %g : (tensor<2x3x0x6xf32>, tensor<2x4x7x2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @theta_rank(%t: tensor<2x3xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[2, 3, 5, 6]> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+1 {{expects theta to have rank 3, got rank 2}}
  %y = laic.affine_grid %t, %s : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @theta_batch(%t: tensor<3x2x3xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[2, 3, 5, 6]> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+1 {{expects dim 0 of theta to be 2 ('size'), got 3}}
  %y = laic.affine_grid %t, %s : (tensor<3x2x3xf32>, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @theta_rows(%t: tensor<2x3x3xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[2, 3, 5, 6]> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+1 {{expects dim 1 of theta to be 2 (spatial dims), got 3}}
  %y = laic.affine_grid %t, %s : (tensor<2x3x3xf32>, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @theta_columns(%t: tensor<2x2x4xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[2, 3, 5, 6]> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+1 {{expects dim 2 of theta to be 3 (spatial dims and the translation), got 4}}
  %y = laic.affine_grid %t, %s : (tensor<2x2x4xf32>, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @size_count(%t: tensor<2x2x3xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<[2, 3, 5]> : tensor<3xi64>} : tensor<3xi64>
  // expected-error @+1 {{expects 'size' to have 4 or 5 values, got 3}}
  %y = laic.affine_grid %t, %s : (tensor<2x2x3xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @offset_rank(%x: tensor<2x4x7x8xf32>, %w: tensor<6x4x3x3xf32>, %o: tensor<2x18x5xf32>) -> tensor<*xf32> {
  %b = laic.none : none
  %m = laic.none : none
  // expected-error @+1 {{expects the offsets to have rank 4, got rank 3}}
  %y = laic.deform_conv %x, %w, %o, %b, %m : (tensor<2x4x7x8xf32>, tensor<6x4x3x3xf32>, tensor<2x18x5xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @offset_count(%x: tensor<2x4x7x8xf32>, %w: tensor<6x4x3x3xf32>, %o: tensor<2x9x5x6xf32>) -> tensor<*xf32> {
  %b = laic.none : none
  %m = laic.none : none
  // expected-error @+1 {{expects dim 1 of the offsets to be 18 (the kernel's elements in all offset groups), got 9}}
  %y = laic.deform_conv %x, %w, %o, %b, %m : (tensor<2x4x7x8xf32>, tensor<6x4x3x3xf32>, tensor<2x9x5x6xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @offset_batch(%x: tensor<2x4x7x8xf32>, %w: tensor<6x4x3x3xf32>, %o: tensor<1x18x5x6xf32>) -> tensor<*xf32> {
  %b = laic.none : none
  %m = laic.none : none
  // expected-error @+1 {{expects dim 0 of the offsets to be 2 (as the input), got 1}}
  %y = laic.deform_conv %x, %w, %o, %b, %m : (tensor<2x4x7x8xf32>, tensor<6x4x3x3xf32>, tensor<1x18x5x6xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @offset_place(%x: tensor<2x4x7x8xf32>, %w: tensor<6x4x3x3xf32>, %o: tensor<2x18x5x5xf32>) -> tensor<*xf32> {
  %b = laic.none : none
  %m = laic.none : none
  // expected-error @+1 {{expects dim 3 of the offsets to be 6 (as the result), got 5}}
  %y = laic.deform_conv %x, %w, %o, %b, %m : (tensor<2x4x7x8xf32>, tensor<6x4x3x3xf32>, tensor<2x18x5x5xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @mask(%x: tensor<2x4x7x8xf32>, %w: tensor<6x4x3x3xf32>, %o: tensor<2x18x5x6xf32>, %m: tensor<2x8x5x6xf32>) -> tensor<*xf32> {
  %b = laic.none : none
  // expected-error @+1 {{expects dim 1 of the mask to be 9 (the kernel's elements in all offset groups), got 8}}
  %y = laic.deform_conv %x, %w, %o, %b, %m : (tensor<2x4x7x8xf32>, tensor<6x4x3x3xf32>, tensor<2x18x5x6xf32>, none, tensor<2x8x5x6xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @offset_group(%x: tensor<2x4x7x8xf32>, %w: tensor<6x4x3x3xf32>, %o: tensor<2x18x5x6xf32>) -> tensor<*xf32> {
  %b = laic.none : none
  %m = laic.none : none
  // expected-error @+1 {{expects attribute 'offset_group' to be at least 1, got 0}}
  %y = laic.deform_conv %x, %w, %o, %b, %m {offset_group = 0 : i64} : (tensor<2x4x7x8xf32>, tensor<6x4x3x3xf32>, tensor<2x18x5x6xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @offset_groups(%x: tensor<2x4x7x8xf32>, %w: tensor<6x4x3x3xf32>, %o: tensor<2x18x5x6xf32>) -> tensor<*xf32> {
  %b = laic.none : none
  %m = laic.none : none
  // expected-error @+1 {{expects input channels to be a multiple of offset_group 3, got 4}}
  %y = laic.deform_conv %x, %w, %o, %b, %m {offset_group = 3 : i64} : (tensor<2x4x7x8xf32>, tensor<6x4x3x3xf32>, tensor<2x18x5x6xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
