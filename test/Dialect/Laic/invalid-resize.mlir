// What shape inference refuses: Resize.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @resize_mode(%x: tensor<1x1x4x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %c2 = laic.constant {value = dense<2.0> : tensor<4xf32>} : tensor<4xf32>
  // expected-error @+1 {{unknown mode 'area'}}
  %y = laic.resize %x, %none, %c2, %none {mode = "area"} : (tensor<1x1x4x4xf32>, none, tensor<4xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @resize_nearest_mode(%x: tensor<1x1x4x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %c2 = laic.constant {value = dense<2.0> : tensor<4xf32>} : tensor<4xf32>
  // expected-error @+1 {{unknown nearest_mode 'round'}}
  %y = laic.resize %x, %none, %c2, %none {nearest_mode = "round"} : (tensor<1x1x4x4xf32>, none, tensor<4xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @resize_coordinates(%x: tensor<1x1x4x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %c2 = laic.constant {value = dense<2.0> : tensor<4xf32>} : tensor<4xf32>
  // expected-error @+1 {{unknown coordinate_transformation_mode 'full'}}
  %y = laic.resize %x, %none, %c2, %none {coordinate_transformation_mode = "full"} : (tensor<1x1x4x4xf32>, none, tensor<4xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @resize_neither(%x: tensor<1x1x4x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects either 'scales' or 'sizes'}}
  %y = laic.resize %x, %none, %none, %none : (tensor<1x1x4x4xf32>, none, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @resize_scale_count(%x: tensor<1x1x4x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %c2 = laic.constant {value = dense<2.0> : tensor<3xf32>} : tensor<3xf32>
  // expected-error @+1 {{expects 'scales' to have 4 values, got 3}}
  %y = laic.resize %x, %none, %c2, %none : (tensor<1x1x4x4xf32>, none, tensor<3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @resize_scale(%x: tensor<1x1x4x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %c2 = laic.constant {value = dense<-1.0> : tensor<4xf32>} : tensor<4xf32>
  // expected-error @+1 {{expects scales above 0, got -1.0}}
  %y = laic.resize %x, %none, %c2, %none : (tensor<1x1x4x4xf32>, none, tensor<4xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @resize_axes(%x: tensor<1x1x4x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %c2 = laic.constant {value = dense<2.0> : tensor<1xf32>} : tensor<1xf32>
  // expected-error @+1 {{expects attribute 'axes' to lie within rank 4, got 4}}
  %y = laic.resize %x, %none, %c2, %none {axes = array<i64: 4>} : (tensor<1x1x4x4xf32>, none, tensor<1xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @resize_policy(%x: tensor<1x1x4x4xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %c3 = laic.constant {value = dense<8> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+1 {{unknown keep_aspect_ratio_policy 'fit'}}
  %y = laic.resize %x, %none, %none, %c3 {keep_aspect_ratio_policy = "fit"} : (tensor<1x1x4x4xf32>, none, none, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @resize_no_roi(%x: tensor<1x1x4x4xf32>) -> tensor<*xf32> {
  %r = laic.none : none
  %c = laic.none : none
  %z = laic.constant {value = dense<8> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+1 {{needs 'roi', since coordinate_transformation_mode is tf_crop_and_resize}}
  %y = laic.resize %x, %r, %c, %z {coordinate_transformation_mode = "tf_crop_and_resize"} : (tensor<1x1x4x4xf32>, none, none, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @resize_roi_of_unknown_size(%x: tensor<1x1x4x4xf32>, %r: tensor<?xf32>) -> tensor<*xf32> {
  %c = laic.none : none
  %z = laic.constant {value = dense<8> : tensor<4xi64>} : tensor<4xi64>
  // expected-error @+1 {{needs the size of 'roi' to be known when compiling}}
  %y = laic.resize %x, %r, %c, %z {coordinate_transformation_mode = "tf_crop_and_resize"} : (tensor<1x1x4x4xf32>, tensor<?xf32>, none, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
