// Convolutions of dequantised tensors that stay in floats.
// RUN: laic-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-form-integer-products,laic-infer-shapes))' | FileCheck %s

// Weights that a call brings.
// CHECK-LABEL: func.func @weights_not_constant
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @weights_not_constant(%x: tensor<1x4x6x6xui8>, %w: tensor<8x4x3x3xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// Signed weights around another number than 0.
// CHECK-LABEL: func.func @weights_around_3
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @weights_around_3(%x: tensor<1x4x6x6xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %zw = laic.constant {value = dense<[0, 0, 0, 0, 0, 0, 0, 3]> : tensor<8xi8>} : tensor<8xi8>
  %wf = laic.dequantize_linear %w, %sw, %zw {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, tensor<8xi8>) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// Unsigned weights around another number than 128; without a zero point they are around 0.
// CHECK-LABEL: func.func @unsigned_weights_around_127
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @unsigned_weights_around_127(%x: tensor<1x4x6x6xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xui8>} : tensor<8x4x3x3xui8>
  %sw = laic.constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
  %zw = laic.constant {value = dense<127> : tensor<ui8>} : tensor<ui8>
  %wf = laic.dequantize_linear %w, %sw, %zw : (tensor<8x4x3x3xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @unsigned_weights_without_a_zero_point
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @unsigned_weights_without_a_zero_point(%x: tensor<1x4x6x6xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xui8>} : tensor<8x4x3x3xui8>
  %sw = laic.constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
  %wf = laic.dequantize_linear %w, %sw, %none : (tensor<8x4x3x3xui8>, tensor<f32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @weights_of_an_unknown_scale
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @weights_of_an_unknown_scale(%x: tensor<1x4x6x6xui8>, %sw: tensor<f32>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %wf = laic.dequantize_linear %w, %sw, %none : (tensor<8x4x3x3xi8>, tensor<f32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// Scales along the input channels.
// CHECK-LABEL: func.func @weights_scaled_along_the_inputs
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @weights_scaled_along_the_inputs(%x: tensor<1x4x6x6xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<4xf32>} : tensor<4xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<8x4x3x3xi8>, tensor<4xf32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @an_infinite_scale
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @an_infinite_scale(%x: tensor<1x4x6x6xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0x7F800000> : tensor<f32>} : tensor<f32>
  %wf = laic.dequantize_linear %w, %sw, %none : (tensor<8x4x3x3xi8>, tensor<f32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @activation_scaled_per_channel
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @activation_scaled_per_channel(%x: tensor<1x4x6x6xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<4xf32>} : tensor<4xf32>
  %zx = laic.constant {value = dense<7> : tensor<4xui8>} : tensor<4xui8>
  %xf = laic.dequantize_linear %x, %sx, %zx {axis = 1 : i64} : (tensor<1x4x6x6xui8>, tensor<4xf32>, tensor<4xui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @activation_of_an_unknown_zero_point
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @activation_of_an_unknown_zero_point(%x: tensor<1x4x6x6xui8>, %zx: tensor<ui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @activation_of_16_bits
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @activation_of_16_bits(%x: tensor<1x4x6x6xui16>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui16>} : tensor<ui16>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui16>, tensor<f32>, tensor<ui16>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @half_precision
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.conv 
// CHECK-NOT: integer
func.func @half_precision(%x: tensor<1x4x6x6xui8>) -> tensor<*xf16> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f16>} : tensor<f16>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f16>, tensor<ui8>) -> tensor<*xf16>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf16>} : tensor<8xf16>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf16>, none) -> tensor<*xf16>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf16>, tensor<*xf16>, none) -> tensor<*xf16>
  return %yf : tensor<*xf16>
}
