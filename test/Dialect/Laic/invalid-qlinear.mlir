// What shape inference refuses: quantised operators of com.microsoft.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @element_type(%a: tensor<2x3x8xi16>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects its operand to have one of the element types i8 u8, got i16}}
  %y = laic.qlinear_sigmoid %a, %b, %c, %d, %e : (tensor<2x3x8xi16>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scale_type(%a: tensor<2x3x8xi8>, %b: tensor<f16>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the scale of X to have element type f32, got f16}}
  %y = laic.qlinear_sigmoid %a, %b, %c, %d, %e : (tensor<2x3x8xi8>, tensor<f16>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @scale_per_channel(%a: tensor<2x3x8xi8>, %b: tensor<3xf32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the scale of X to have one element, got shape [3]}}
  %y = laic.qlinear_leaky_relu %a, %b, %c, %d, %e : (tensor<2x3x8xi8>, tensor<3xf32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @zero_point_type(%a: tensor<2x3x8xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<ui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the zero point of Y to have element type i8, got u8}}
  %y = laic.qlinear_sigmoid %a, %b, %c, %d, %e : (tensor<2x3x8xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @zero_point_per_channel(%a: tensor<2x3x8xi8>, %b: tensor<f32>, %c: tensor<?xi8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the zero point of X to have one element, got shape [?]}}
  %y = laic.qlinear_sigmoid %a, %b, %c, %d, %e : (tensor<2x3x8xi8>, tensor<f32>, tensor<?xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @add_types(%a: tensor<2x3xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<2x3xui8>, %e: tensor<f32>, %f: tensor<ui8>, %g: tensor<f32>, %h: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects B to have element type i8, got u8}}
  %y = laic.qlinear_add %a, %b, %c, %d, %e, %f, %g, %h : (tensor<2x3xi8>, tensor<f32>, tensor<i8>, tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @add_scale_of_b(%a: tensor<2x3xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<2x3xi8>, %e: tensor<1x3xf32>, %f: tensor<i8>, %g: tensor<f32>, %h: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the scale of B to have one element, got shape [1, 3]}}
  %y = laic.qlinear_add %a, %b, %c, %d, %e, %f, %g, %h : (tensor<2x3xi8>, tensor<f32>, tensor<i8>, tensor<2x3xi8>, tensor<1x3xf32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @mul_shapes(%a: tensor<2x3xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<2x4xi8>, %e: tensor<f32>, %f: tensor<i8>, %g: tensor<f32>, %h: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{cannot broadcast a dim of size 3 with one of size 4}}
  %y = laic.qlinear_mul %a, %b, %c, %d, %e, %f, %g, %h : (tensor<2x3xi8>, tensor<f32>, tensor<i8>, tensor<2x4xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @mul_zero_point_of_c(%a: tensor<2x3xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<2x3xi8>, %e: tensor<f32>, %f: tensor<i8>, %g: tensor<f32>, %h: tensor<i32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the zero point of C to have element type i8, got i32}}
  %y = laic.qlinear_mul %a, %b, %c, %d, %e, %f, %g, %h : (tensor<2x3xi8>, tensor<f32>, tensor<i8>, tensor<2x3xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @softmax_axis(%a: tensor<2x3x8xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an axis in [-3, 2], got 3}}
  %y = laic.qlinear_softmax %a, %b, %c, %d, %e {axis = 3 : i64, opset = 13 : i64} : (tensor<2x3x8xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @softmax_of_scalar(%a: tensor<i8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an axis in [0, -1], got -1}}
  %y = laic.qlinear_softmax %a, %b, %c, %d, %e {opset = 12 : i64} : (tensor<i8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pool_channels_last(%a: tensor<2x3x8xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{does not support channels_last = 1; expects the channels in dim 1}}
  %y = laic.qlinear_average_pool %a, %b, %c, %d, %e {channels_last = 1 : i64, kernel_shape = array<i64: 2>} : (tensor<2x3x8xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pool_rank(%a: tensor<2x3xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the input to have at least 3 dims, got 2}}
  %y = laic.qlinear_average_pool %a, %b, %c, %d, %e {kernel_shape = array<i64: 2>} : (tensor<2x3xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pool_window(%a: tensor<2x3x8xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{the window is larger than the padded input in spatial dim 0}}
  %y = laic.qlinear_average_pool %a, %b, %c, %d, %e {kernel_shape = array<i64: 9>} : (tensor<2x3x8xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @pool_unknown_ceiling(%a: tensor<2x3x?xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{needs all spatial dims to be known when compiling, for ceil_mode with count_include_pad}}
  %y = laic.qlinear_average_pool %a, %b, %c, %d, %e {ceil_mode = 1 : i64, count_include_pad = 1 : i64, kernel_shape = array<i64: 2>, strides = array<i64: 3>} : (tensor<2x3x?xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @global_pool_channels_last(%a: tensor<2x3x8xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{does not support channels_last = 1; expects the channels in dim 1}}
  %y = laic.qlinear_global_average_pool %a, %b, %c, %d, %e {channels_last = 1 : i64} : (tensor<2x3x8xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @reduce_mean_axis(%a: tensor<2x3x8xi8>, %b: tensor<f32>, %c: tensor<i8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects an axis in [-3, 2], got 4}}
  %y = laic.qlinear_reduce_mean %a, %b, %c, %d, %e {axes = array<i64: 4>} : (tensor<2x3x8xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_operands(%a: tensor<f32>, %b: tensor<i8>, %c: tensor<2x3x8xi8>, %d: tensor<f32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects a tensor, its scale and its zero point for every input, got 2 operands}}
  %y = laic.qlinear_concat %a, %b, %c, %d {axis = 0 : i64} : (tensor<f32>, tensor<i8>, tensor<2x3x8xi8>, tensor<f32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_no_tensor(%a: tensor<f32>, %b: tensor<i8>, %c: tensor<2x3x8xi8>, %e: tensor<i8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects operands 2 and 3 (a tensor and its scale), got none}}
  %y = laic.qlinear_concat %a, %b, %c, %none, %e {axis = 0 : i64} : (tensor<f32>, tensor<i8>, tensor<2x3x8xi8>, none, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_scale(%a: tensor<f32>, %b: tensor<i8>, %c: tensor<2x3x8xi8>, %d: tensor<f32>, %e: tensor<i8>, %f: tensor<2x3x8xi8>, %g: tensor<2xf32>, %h: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the scale of input 1 to have one element, got shape [2]}}
  %y = laic.qlinear_concat %a, %b, %c, %d, %e, %f, %g, %h {axis = 0 : i64} : (tensor<f32>, tensor<i8>, tensor<2x3x8xi8>, tensor<f32>, tensor<i8>, tensor<2x3x8xi8>, tensor<2xf32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_types(%a: tensor<f32>, %b: tensor<i8>, %c: tensor<2x3x8xi8>, %d: tensor<f32>, %e: tensor<i8>, %f: tensor<2x3x8xui8>, %g: tensor<f32>, %h: tensor<ui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects operands of one element type}}
  %y = laic.qlinear_concat %a, %b, %c, %d, %e, %f, %g, %h {axis = 0 : i64} : (tensor<f32>, tensor<i8>, tensor<2x3x8xi8>, tensor<f32>, tensor<i8>, tensor<2x3x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_dims(%a: tensor<f32>, %b: tensor<i8>, %c: tensor<2x3x8xi8>, %d: tensor<f32>, %e: tensor<i8>, %f: tensor<2x4x8xi8>, %g: tensor<f32>, %h: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects operands that agree in dim 1, got 3 and 4}}
  %y = laic.qlinear_concat %a, %b, %c, %d, %e, %f, %g, %h {axis = 0 : i64} : (tensor<f32>, tensor<i8>, tensor<2x3x8xi8>, tensor<f32>, tensor<i8>, tensor<2x4x8xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @concat_zero_point_of_y(%a: tensor<f32>, %b: tensor<ui8>, %c: tensor<2x3x8xi8>, %d: tensor<f32>, %e: tensor<i8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the zero point of Y to have element type i8, got u8}}
  %y = laic.qlinear_concat %a, %b, %c, %d, %e {axis = 0 : i64} : (tensor<f32>, tensor<ui8>, tensor<2x3x8xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_b(%a: tensor<2x3xui8>, %b: tensor<f32>, %c: tensor<ui8>, %d: tensor<3x4xi16>, %e: tensor<f32>, %f: tensor<i16>, %g: tensor<4xi32>, %h: tensor<f32>, %i: tensor<ui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects B to be int8 or uint8, got i16}}
  %y = laic.qgemm %a, %b, %c, %d, %e, %f, %g, %h, %i : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi16>, tensor<f32>, tensor<i16>, tensor<4xi32>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_c(%a: tensor<2x3xui8>, %b: tensor<f32>, %c: tensor<ui8>, %d: tensor<3x4xi8>, %e: tensor<f32>, %f: tensor<i8>, %g: tensor<4xf32>, %h: tensor<f32>, %i: tensor<ui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects C to have element type i32, got f32}}
  %y = laic.qgemm %a, %b, %c, %d, %e, %f, %g, %h, %i : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_half_of_y(%a: tensor<2x3xui8>, %b: tensor<f32>, %c: tensor<ui8>, %d: tensor<3x4xi8>, %e: tensor<f32>, %f: tensor<i8>, %g: tensor<4xi32>, %h: tensor<f32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects both a scale and a zero point of Y, or neither}}
  %y = laic.qgemm %a, %b, %c, %d, %e, %f, %g, %h, %none : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, tensor<4xi32>, tensor<f32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_zero_point_of_y(%a: tensor<2x3xui8>, %b: tensor<f32>, %c: tensor<ui8>, %d: tensor<3x4xi8>, %e: tensor<f32>, %f: tensor<i8>, %g: tensor<4xi32>, %h: tensor<f32>, %i: tensor<i32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the zero point of Y to be int8 or uint8, got i32}}
  %y = laic.qgemm %a, %b, %c, %d, %e, %f, %g, %h, %i : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, tensor<4xi32>, tensor<f32>, tensor<i32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_inner(%a: tensor<2x3xui8>, %b: tensor<f32>, %c: tensor<ui8>, %d: tensor<5x4xi8>, %e: tensor<f32>, %f: tensor<i8>, %g: tensor<4xi32>, %h: tensor<f32>, %i: tensor<ui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of B to be 3 (dim 1 of A), got 5}}
  %y = laic.qgemm %a, %b, %c, %d, %e, %f, %g, %h, %i : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<5x4xi8>, tensor<f32>, tensor<i8>, tensor<4xi32>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_scale_of_a(%a: tensor<2x3xui8>, %b: tensor<2xf32>, %c: tensor<ui8>, %d: tensor<3x4xi8>, %e: tensor<f32>, %f: tensor<i8>, %g: tensor<4xi32>, %h: tensor<f32>, %i: tensor<ui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the scale of A to have one element, got shape [2]}}
  %y = laic.qgemm %a, %b, %c, %d, %e, %f, %g, %h, %i : (tensor<2x3xui8>, tensor<2xf32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, tensor<4xi32>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_scale_of_b(%a: tensor<2x3xui8>, %b: tensor<f32>, %c: tensor<ui8>, %d: tensor<3x4xi8>, %e: tensor<3xf32>, %f: tensor<i8>, %g: tensor<4xi32>, %h: tensor<f32>, %i: tensor<ui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of the scale of B to be 4 (columns of B), got 3}}
  %y = laic.qgemm %a, %b, %c, %d, %e, %f, %g, %h, %i : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<3xf32>, tensor<i8>, tensor<4xi32>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_zero_point_of_b(%a: tensor<2x3xui8>, %b: tensor<f32>, %c: tensor<ui8>, %d: tensor<3x4xi8>, %e: tensor<f32>, %f: tensor<4xi8>, %g: tensor<4xi32>, %h: tensor<f32>, %i: tensor<ui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the zero point of B to have one element, got shape [4]}}
  %y = laic.qgemm %a, %b, %c, %d, %e, %f, %g, %h, %i : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<4xi8>, tensor<4xi32>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gemm_zero_points_of_b(%a: tensor<2x3xui8>, %b: tensor<f32>, %c: tensor<ui8>, %d: tensor<4x3xi8>, %e: tensor<4xf32>, %f: tensor<3xi8>, %g: tensor<4xi32>, %h: tensor<f32>, %i: tensor<ui8>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of the zero point of B to be 4 (columns of B), got 3}}
  %y = laic.qgemm %a, %b, %c, %d, %e, %f, %g, %h, %i {transB = 1 : i64} : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<4x3xi8>, tensor<4xf32>, tensor<3xi8>, tensor<4xi32>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
