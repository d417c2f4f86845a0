// What shape inference refuses: pooling of regions.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @mode(%x: tensor<2x3x5x6xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects mode 'avg' or 'max', got 'sum'}}
  %y = laic.roi_align %x, %r, %b {mode = "sum"} : (tensor<2x3x5x6xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @coordinates(%x: tensor<2x3x5x6xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{unknown coordinate_transformation_mode 'full'}}
  %y = laic.roi_align %x, %r, %b {coordinate_transformation_mode = "full"} : (tensor<2x3x5x6xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @height(%x: tensor<2x3x5x6xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'output_height' to be at least 1, got 0}}
  %y = laic.roi_align %x, %r, %b {output_height = 0 : i64} : (tensor<2x3x5x6xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @width(%x: tensor<2x3x5x6xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'output_width' to be at least 1, got 0}}
  %y = laic.roi_align %x, %r, %b {output_width = 0 : i64} : (tensor<2x3x5x6xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @ratio(%x: tensor<2x3x5x6xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'sampling_ratio' to be at least 0, got -1}}
  %y = laic.roi_align %x, %r, %b {sampling_ratio = -1 : i64} : (tensor<2x3x5x6xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @rank(%x: tensor<2x3x5xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the input to have rank 4, got rank 3}}
  %y = laic.roi_align %x, %r, %b : (tensor<2x3x5xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @regions_rank(%x: tensor<2x3x5x6xf32>, %r: tensor<4xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the regions to have rank 2, got rank 1}}
  %y = laic.roi_align %x, %r, %b : (tensor<2x3x5x6xf32>, tensor<4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @regions(%x: tensor<2x3x5x6xf32>, %r: tensor<2x5xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 1 of the regions to be 4 (numbers of a region), got 5}}
  %y = laic.roi_align %x, %r, %b : (tensor<2x3x5x6xf32>, tensor<2x5xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @regions_element(%x: tensor<2x3x5x6xf32>, %r: tensor<2x4xf64>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects regions of the input's element type}}
  %y = laic.roi_align %x, %r, %b : (tensor<2x3x5x6xf32>, tensor<2x4xf64>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @empty(%x: tensor<2x3x0x6xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an input with elements}}
  %y = laic.roi_align %x, %r, %b : (tensor<2x3x0x6xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @batch_element(%x: tensor<2x3x5x6xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects batch indices of type int64}}
  %y = laic.roi_align %x, %r, %b : (tensor<2x3x5x6xf32>, tensor<2x4xf32>, tensor<2xi32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @batch(%x: tensor<2x3x5x6xf32>, %r: tensor<2x4xf32>, %b: tensor<3xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of the batch indices to be 2 (regions), got 3}}
  %y = laic.roi_align %x, %r, %b : (tensor<2x3x5x6xf32>, tensor<2x4xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pooled_shape(%x: tensor<2x3x5x6xf32>, %r: tensor<2x5xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'pooled_shape' to have 2 values, got 3}}
  %y = laic.max_roi_pool %x, %r {pooled_shape = array<i64: 2, 2, 2>} : (tensor<2x3x5x6xf32>, tensor<2x5xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pooled_size(%x: tensor<2x3x5x6xf32>, %r: tensor<2x5xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'pooled_shape' to be at least 1, got 0}}
  %y = laic.max_roi_pool %x, %r {pooled_shape = array<i64: 2, 0>} : (tensor<2x3x5x6xf32>, tensor<2x5xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
