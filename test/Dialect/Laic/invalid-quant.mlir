// What shape inference refuses: quantised operators.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @quantize_dtype(%x: tensor<2x3xf32>, %w: tensor<f32>) -> tensor<*xi8> {
  %none = laic.none : none
  // expected-error @+1 {{output_dtype 7 is not supported}}
  %y = laic.quantize_linear %x, %w, %none {output_dtype = 7 : i64} : (tensor<2x3xf32>, tensor<f32>, none) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_zero_point_type(%x: tensor<2x3xf32>, %w: tensor<f32>, %b: tensor<f8E8M0FNU>) -> tensor<*xi8> {
  // expected-error @+1 {{a zero point of type f8E8M0 is not supported}}
  %y = laic.quantize_linear %x, %w, %b : (tensor<2x3xf32>, tensor<f32>, tensor<f8E8M0FNU>) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_scale_type(%x: tensor<2x3xf32>, %w: tensor<i32>, %b: tensor<i8>) -> tensor<*xi8> {
  // expected-error @+1 {{a scale of type i32 is not supported}}
  %y = laic.quantize_linear %x, %w, %b : (tensor<2x3xf32>, tensor<i32>, tensor<i8>) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_zero_point_rank(%x: tensor<2x3xf32>, %w: tensor<f32>, %b: tensor<3xi8>) -> tensor<*xi8> {
  // expected-error @+1 {{expects zero point and scale of equal rank, got 1 and 0}}
  %y = laic.quantize_linear %x, %w, %b : (tensor<2x3xf32>, tensor<f32>, tensor<3xi8>) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_zero_point_size(%x: tensor<2x3xf32>, %w: tensor<3xf32>, %b: tensor<2xi8>) -> tensor<*xi8> {
  // expected-error @+1 {{expects zero point dim 0 to be 3 (as the scale), got 2}}
  %y = laic.quantize_linear %x, %w, %b : (tensor<2x3xf32>, tensor<3xf32>, tensor<2xi8>) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_scale_size(%x: tensor<2x3xf32>, %w: tensor<4xf32>) -> tensor<*xi8> {
  %none = laic.none : none
  // expected-error @+1 {{expects scale dim 0 to be 3 (input dim 1), got 4}}
  %y = laic.quantize_linear %x, %w, %none : (tensor<2x3xf32>, tensor<4xf32>, none) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_scale_rank(%x: tensor<2x3xf32>, %w: tensor<2x3xf32>) -> tensor<*xi8> {
  %none = laic.none : none
  // expected-error @+1 {{expects a scale of rank 0 or 1 without block_size, got rank 2}}
  %y = laic.quantize_linear %x, %w, %none : (tensor<2x3xf32>, tensor<2x3xf32>, none) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_block_size(%x: tensor<2x4xf32>, %w: tensor<2x2xf32>) -> tensor<*xi8> {
  %none = laic.none : none
  // expected-error @+1 {{expects attribute 'block_size' to be positive, got -2}}
  %y = laic.quantize_linear %x, %w, %none {block_size = -2 : i64} : (tensor<2x4xf32>, tensor<2x2xf32>, none) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_blocked_rank(%x: tensor<2x4xf32>, %w: tensor<2xf32>) -> tensor<*xi8> {
  %none = laic.none : none
  // expected-error @+1 {{expects a blocked scale to have rank 2, got 1}}
  %y = laic.quantize_linear %x, %w, %none {block_size = 2 : i64} : (tensor<2x4xf32>, tensor<2xf32>, none) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_blocks(%x: tensor<2x4xf32>, %w: tensor<2x3xf32>) -> tensor<*xi8> {
  %none = laic.none : none
  // expected-error @+1 {{expects scale dim 1 to be 2 (blocks of the input), got 3}}
  %y = laic.quantize_linear %x, %w, %none {block_size = 2 : i64} : (tensor<2x4xf32>, tensor<2x3xf32>, none) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_unblocked(%x: tensor<2x4xf32>, %w: tensor<3x2xf32>) -> tensor<*xi8> {
  %none = laic.none : none
  // expected-error @+1 {{expects scale dim 0 to be 2 (as the input), got 3}}
  %y = laic.quantize_linear %x, %w, %none {block_size = 2 : i64} : (tensor<2x4xf32>, tensor<3x2xf32>, none) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @quantize_precision(%x: tensor<2x3xf32>, %w: tensor<f32>) -> tensor<*xi8> {
  %none = laic.none : none
  // expected-error @+1 {{expects attribute 'precision' to name a float type, got 6}}
  %y = laic.quantize_linear %x, %w, %none {precision = 6 : i64} : (tensor<2x3xf32>, tensor<f32>, none) -> tensor<*xi8>
  return %y : tensor<*xi8>
}

// -----

func.func @dequantize_type(%x: tensor<2x3xi64>, %w: tensor<f32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects its operand to have one of the element types i8 i16 i32 u8 u16 f8E4M3FN f8E4M3FNUZ f8E5M2 f8E5M2FNUZ f4E2M1 i4 u4 i2 u2, got i64}}
  %y = laic.dequantize_linear %x, %w, %none : (tensor<2x3xi64>, tensor<f32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @dequantize_scale(%x: tensor<2x3xi8>, %w: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects a float scale and output_dtype}}
  %y = laic.dequantize_linear %x, %w, %none : (tensor<2x3xi8>, tensor<i32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @matmul_integer_type(%x: tensor<2x3xi8>, %w: tensor<3x2xi16>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects B to be int8 or uint8, got i16}}
  %y = laic.matmul_integer %x, %w, %none, %none : (tensor<2x3xi8>, tensor<3x2xi16>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @matmul_integer_rows(%x: tensor<2x3xi8>, %w: tensor<3x4xi8>, %b: tensor<3xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of A's zero point to be 2 (rows of A), got 3}}
  %y = laic.matmul_integer %x, %w, %b, %none : (tensor<2x3xi8>, tensor<3x4xi8>, tensor<3xi8>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @matmul_integer_columns(%x: tensor<2x3xi8>, %w: tensor<3x4xi8>, %c: tensor<3xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of B's zero point to be 4 (columns of B), got 3}}
  %y = laic.matmul_integer %x, %w, %none, %c : (tensor<2x3xi8>, tensor<3x4xi8>, none, tensor<3xi8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @qlinear_matmul_result(%x: tensor<2x3xi8>, %w: tensor<f32>, %b: tensor<i8>, %c: tensor<3x4xi8>, %d: tensor<f32>, %e: tensor<i8>, %f: tensor<f32>, %g: tensor<i16>) -> tensor<*xf32> {
  // expected-error @+1 {{expects Y's zero point to be int8 or uint8, got i16}}
  %y = laic.qlinear_matmul %x, %w, %b, %c, %d, %e, %f, %g : (tensor<2x3xi8>, tensor<f32>, tensor<i8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i16>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_integer_type(%x: tensor<1x4x8xi8>, %w: tensor<6x4x3xi16>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects weights to be int8 or uint8, got i16}}
  %y = laic.conv_integer %x, %w, %none, %none : (tensor<1x4x8xi8>, tensor<6x4x3xi16>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @conv_integer_zero_point(%x: tensor<1x4x8xi8>, %w: tensor<6x4x3xi8>, %c: tensor<5xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of the weights' zero point to be 6 (output channels), got 5}}
  %y = laic.conv_integer %x, %w, %none, %c : (tensor<1x4x8xi8>, tensor<6x4x3xi8>, none, tensor<5xi8>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @qlinear_conv_result(%x: tensor<1x4x8xi8>, %w: tensor<f32>, %b: tensor<i8>, %c: tensor<6x4x3xi8>, %d: tensor<f32>, %e: tensor<i8>, %f: tensor<f32>, %g: tensor<i32>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects the result's zero point to be int8 or uint8, got i32}}
  %y = laic.qlinear_conv %x, %w, %b, %c, %d, %e, %f, %g, %none : (tensor<1x4x8xi8>, tensor<f32>, tensor<i8>, tensor<6x4x3xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @qlinear_conv_scale(%x: tensor<1x4x8xi8>, %w: tensor<f32>, %b: tensor<i8>, %c: tensor<6x4x3xi8>, %d: tensor<5xf32>, %e: tensor<i8>, %f: tensor<f32>, %g: tensor<i8>) -> tensor<*xf32> {
  %none = laic.none : none
  // expected-error @+1 {{expects dim 0 of the weights' scale to be 6 (output channels), got 5}}
  %y = laic.qlinear_conv %x, %w, %b, %c, %d, %e, %f, %g, %none : (tensor<1x4x8xi8>, tensor<f32>, tensor<i8>, tensor<6x4x3xi8>, tensor<5xf32>, tensor<i8>, tensor<f32>, tensor<i8>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
