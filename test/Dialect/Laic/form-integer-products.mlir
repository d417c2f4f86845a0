// Products of dequantised bytes become products of the integers, where the weights are constant bytes around 0 and the scales are known.
// RUN: laic-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-form-integer-products,laic-infer-shapes))' | FileCheck %s

// The bias is in units of the sums: 0.5 * 0.25.
// CHECK-LABEL: func.func @conv_to_bytes
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x4x6x6xui8>
// CHECK-DAG: %[[SX:.+]] = laic.constant {value = dense<5.000000e-01> : tensor<f32>}
// CHECK-DAG: %[[ZX:.+]] = laic.constant {value = dense<7> : tensor<ui8>}
// CHECK-DAG: %[[W:.+]] = laic.constant {value = dense<3>
// CHECK-DAG: %[[SW:.+]] = laic.constant {value = dense<2.500000e-01> : tensor<8xf32>}
// CHECK-DAG: %[[ZW:.+]] = laic.constant {value = dense<0> : tensor<i8>}
// CHECK-DAG: %[[B:.+]] = laic.constant {value = dense<5> : tensor<8xi32>}
// CHECK-DAG: %[[SY:.+]] = laic.constant {value = dense<2.000000e+00> : tensor<f32>}
// CHECK-DAG: %[[ZY:.+]] = laic.constant {value = dense<9> : tensor<ui8>}
// CHECK-NOT: laic.conv 
// CHECK: %[[Y:.+]] = laic.qlinear_conv %[[X]], %[[SX]], %[[ZX]], %[[W]], %[[SW]], %[[ZW]], %[[SY]], %[[ZY]], %[[B]]
// CHECK-SAME: {dilations = array<i64: 1, 2>, kernel_shape = array<i64: 3, 3>, pads = array<i64: 1, 0, 0, 1>, strides = array<i64: 2, 1>}
// CHECK-SAME: -> tensor<1x8x3x3xui8>
// CHECK-NEXT: return %[[Y]]
func.func @conv_to_bytes(%x: tensor<1x4x6x6xui8>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %b = laic.constant {value = dense<5> : tensor<8xi32>} : tensor<8xi32>
  %sb = laic.constant {value = dense<0.125> : tensor<8xf32>} : tensor<8xf32>
  %bf = laic.dequantize_linear %b, %sb, %none {axis = 0 : i64} : (tensor<8xi32>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %bf {dilations = array<i64: 1, 2>, kernel_shape = array<i64: 3, 3>, pads = array<i64: 1, 0, 0, 1>, strides = array<i64: 2, 1>} : (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// One scale for all weights and one for the bias; a zero point of i8 that is there.
// CHECK-LABEL: func.func @conv_of_one_scale
// CHECK-DAG: %[[ZW:.+]] = laic.constant {value = dense<0> : tensor<i8>}
// CHECK: laic.qlinear_conv %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %[[ZW]],
func.func @conv_of_one_scale(%x: tensor<1x4x6x6xui8>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
  %zw = laic.constant {value = dense<0> : tensor<i8>} : tensor<i8>
  %wf = laic.dequantize_linear %w, %sw, %zw : (tensor<8x4x3x3xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %b = laic.constant {value = dense<5> : tensor<8xi32>} : tensor<8xi32>
  %sb = laic.constant {value = dense<0.125> : tensor<f32>} : tensor<f32>
  %bf = laic.dequantize_linear %b, %sb, %none : (tensor<8xi32>, tensor<f32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %bf : (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// CHECK-LABEL: func.func @conv_without_bias
// CHECK: %[[NONE:.+]] = laic.none
// CHECK-NOT: laic.conv 
// CHECK: laic.qlinear_conv {{.+}}, %[[ZY:[^ ,]+]], %{{[^ ,]+}} :
func.func @conv_without_bias(%x: tensor<1x4x6x6xui8>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// CHECK-LABEL: func.func @depthwise_conv
// CHECK: laic.qlinear_conv
// CHECK-SAME: auto_pad = "SAME_UPPER"
// CHECK-SAME: group = 4
func.func @depthwise_conv(%x: tensor<1x4x6x6xui8>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<4x1x3x3xi8>} : tensor<4x1x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<4xf32>} : tensor<4xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<4x1x3x3xi8>, tensor<4xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %none {auto_pad = "SAME_UPPER", group = 4 : i64} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// Weights around 128 stay unsigned.
// CHECK-LABEL: func.func @conv_of_unsigned_weights
// CHECK-DAG: %[[ZW:.+]] = laic.constant {value = dense<128> : tensor<ui8>}
// CHECK: laic.qlinear_conv %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %[[ZW]],
func.func @conv_of_unsigned_weights(%x: tensor<1x4x6x6xui8>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xui8>} : tensor<8x4x3x3xui8>
  %sw = laic.constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
  %zw = laic.constant {value = dense<128> : tensor<ui8>} : tensor<ui8>
  %wf = laic.dequantize_linear %w, %sw, %zw : (tensor<8x4x3x3xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// No quantisation behind it: the sums' scales are those of x times those of the weights, along the channels.
// CHECK-LABEL: func.func @conv_to_floats
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x4x6x6xui8>, %[[B:[^:]+]]: tensor<8xf32>
// CHECK: %[[SUMS:.+]] = laic.conv_integer %[[X]], %{{.+}}, %{{.+}}, %{{.+}} {pads = array<i64: 1, 1, 1, 1>}
// CHECK-SAME: -> tensor<1x8x6x6xi32>
// CHECK: %[[S:.+]] = laic.constant {value = dense<1.250000e-01> : tensor<8xf32>}
// CHECK: %[[F:.+]] = laic.dequantize_linear %[[SUMS]], %[[S]], %{{[^ ]+}} {{.*}}: (tensor<1x8x6x6xi32>, tensor<8xf32>, none)
// CHECK: %[[U:.+]] = laic.unsqueeze %[[B]]
// CHECK-SAME: -> tensor<8x1x1xf32>
// CHECK: %[[Y:.+]] = laic.add %[[F]], %[[U]]
// CHECK-NEXT: return %[[Y]]
func.func @conv_to_floats(%x: tensor<1x4x6x6xui8>, %bf: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %bf {pads = array<i64: 1, 1, 1, 1>} : (tensor<*xf32>, tensor<*xf32>, tensor<8xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @conv_to_floats_without_bias
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x4x6x6xui8>
// CHECK: %[[SUMS:.+]] = laic.conv_integer %[[X]], %{{.+}}, %{{.+}}, %{{.+}} {pads = array<i64: 1, 1, 1, 1>}
// CHECK-SAME: -> tensor<1x8x6x6xi32>
// CHECK: %[[S:.+]] = laic.constant {value = dense<1.250000e-01> : tensor<8xf32>}
// CHECK: %[[F:.+]] = laic.dequantize_linear %[[SUMS]], %[[S]], %{{[^ ]+}} {{.*}}: (tensor<1x8x6x6xi32>, tensor<8xf32>, none)
// CHECK-NEXT: return %[[F]]
func.func @conv_to_floats_without_bias(%x: tensor<1x4x6x6xui8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.conv %xf, %wf, %none {pads = array<i64: 1, 1, 1, 1>} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// A bias of another scale, here of the last channel alone, is added to the dequantised sums.
// CHECK-LABEL: func.func @conv_with_a_bias_of_other_scale
// CHECK-NOT: laic.qlinear_conv
// CHECK: laic.conv_integer
// CHECK: %[[F:.+]] = laic.dequantize_linear
// CHECK: %[[U:.+]] = laic.unsqueeze
// CHECK: %[[Y:.+]] = laic.add %[[F]], %[[U]]
// CHECK-NEXT: laic.quantize_linear %[[Y]]
func.func @conv_with_a_bias_of_other_scale(%x: tensor<1x4x6x6xui8>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %b = laic.constant {value = dense<5> : tensor<8xi32>} : tensor<8xi32>
  %sb = laic.constant {value = dense<[0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.126]> : tensor<8xf32>} : tensor<8xf32>
  %bf = laic.dequantize_linear %b, %sb, %none {axis = 0 : i64} : (tensor<8xi32>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %bf : (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// CHECK-LABEL: func.func @conv_with_a_float_bias
// CHECK-NOT: laic.qlinear_conv
// CHECK: laic.conv_integer
// CHECK: laic.add
// CHECK: laic.quantize_linear
func.func @conv_with_a_float_bias(%x: tensor<1x4x6x6xui8>, %bf: tensor<8xf32>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %bf : (tensor<*xf32>, tensor<*xf32>, tensor<8xf32>) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// The floats are a result as well.
// CHECK-LABEL: func.func @conv_of_two_uses
// CHECK-NOT: laic.qlinear_conv
// CHECK: laic.conv_integer
// CHECK: %[[F:.+]] = laic.dequantize_linear
// CHECK-NEXT: %[[Y:.+]] = laic.quantize_linear %[[F]]
// CHECK-NEXT: return %[[Y]], %[[F]]
func.func @conv_of_two_uses(%x: tensor<1x4x6x6xui8>) -> (tensor<*xui8>, tensor<*xf32>) {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y, %yf : tensor<*xui8>, tensor<*xf32>
}

// -----

// Quantisations that qlinear_conv does not have: a scale per channel, blocks, 16 bits, no zero point.
// CHECK-LABEL: func.func @conv_to_scales_per_channel
// CHECK-NOT: laic.qlinear_conv
// CHECK: laic.conv_integer
// CHECK: laic.dequantize_linear
// CHECK: laic.quantize_linear
func.func @conv_to_scales_per_channel(%x: tensor<1x4x6x6xui8>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<8xf32>} : tensor<8xf32>
  %zy = laic.constant {value = dense<9> : tensor<8xui8>} : tensor<8xui8>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy {axis = 1 : i64} : (tensor<*xf32>, tensor<8xf32>, tensor<8xui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// CHECK-LABEL: func.func @conv_to_16_bits
// CHECK-NOT: laic.qlinear_conv
// CHECK: laic.conv_integer
// CHECK: laic.dequantize_linear
// CHECK: laic.quantize_linear
func.func @conv_to_16_bits(%x: tensor<1x4x6x6xui8>) -> tensor<*xui16> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui16>} : tensor<ui16>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui16>) -> tensor<*xui16>
  return %y : tensor<*xui16>
}

// -----

// CHECK-LABEL: func.func @conv_without_a_zero_point
// CHECK-NOT: laic.qlinear_conv
// CHECK: laic.conv_integer
// CHECK: laic.dequantize_linear
// CHECK: laic.quantize_linear
func.func @conv_without_a_zero_point(%x: tensor<1x4x6x6xui8>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %none : (tensor<*xf32>, tensor<f32>, none) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// CHECK-LABEL: func.func @conv_to_an_unknown_scale
// CHECK-NOT: laic.qlinear_conv
// CHECK: laic.conv_integer
// CHECK: laic.dequantize_linear
// CHECK: laic.quantize_linear
func.func @conv_to_an_unknown_scale(%x: tensor<1x4x6x6xui8>, %sy: tensor<f32>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x4x3x3xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %none : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// CHECK-LABEL: func.func @matmul_to_bytes
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x5x12xi8>
// CHECK-DAG: %[[SX:.+]] = laic.constant {value = dense<5.000000e-01> : tensor<f32>}
// CHECK-DAG: %[[ZX:.+]] = laic.constant {value = dense<-3> : tensor<i8>}
// CHECK-DAG: %[[SW:.+]] = laic.constant {value = dense<2.500000e-01> : tensor<8xf32>}
// CHECK-DAG: %[[ZW:.+]] = laic.constant {value = dense<0> : tensor<i8>}
// CHECK-DAG: %[[SY:.+]] = laic.constant {value = dense<2.000000e+00> : tensor<f32>}
// CHECK-DAG: %[[ZY:.+]] = laic.constant {value = dense<9> : tensor<ui8>}
// CHECK-NOT: laic.matmul
// CHECK: %[[Y:.+]] = laic.qlinear_matmul %[[X]], %[[SX]], %[[ZX]], %{{.+}}, %[[SW]], %[[ZW]], %[[SY]], %[[ZY]]
// CHECK-SAME: -> tensor<?x5x8xui8>
// CHECK-NEXT: return %[[Y]]
func.func @matmul_to_bytes(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}

// -----

// CHECK-LABEL: func.func @matmul_to_floats
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x5x12xi8>
// CHECK-DAG: %[[NONE:.+]] = laic.none
// CHECK-DAG: %[[ZX:.+]] = laic.constant {value = dense<-3> : tensor<i8>}
// CHECK-DAG: %[[W:.+]] = laic.constant {value = dense<3>
// CHECK: %[[SUMS:.+]] = laic.matmul_integer %[[X]], %[[W]], %[[ZX]], %[[NONE]]
// CHECK: %[[S:.+]] = laic.constant {value = dense<1.250000e-01> : tensor<8xf32>}
// CHECK: %[[Y:.+]] = laic.dequantize_linear %[[SUMS]], %[[S]], %{{[^ ]+}} {axis = -1
// CHECK-SAME: -> tensor<?x5x8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @matmul_to_floats(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// A matrix per batch, whose columns have scales; weights around 128.
// CHECK-LABEL: func.func @matmul_of_unsigned_batches
// CHECK: laic.matmul_integer
// CHECK-SAME: (tensor<2x5x12xi8>, tensor<2x12x8xui8>, tensor<i8>, tensor<8xui8>)
// CHECK: laic.dequantize_linear
func.func @matmul_of_unsigned_batches(%x: tensor<2x5x12xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<2x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<2x12x8xui8>} : tensor<2x12x8xui8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %zw = laic.constant {value = dense<128> : tensor<8xui8>} : tensor<8xui8>
  %wf = laic.dequantize_linear %w, %sw, %zw {axis = 2 : i64} : (tensor<2x12x8xui8>, tensor<8xf32>, tensor<8xui8>) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// An axis counted from the end.
// CHECK-LABEL: func.func @matmul_scaled_along_the_last_axis
// CHECK: laic.matmul_integer
func.func @matmul_scaled_along_the_last_axis(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = -1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm
// CHECK-SAME: %[[X:[^:]+]]: tensor<5x12xi8>, %[[C:[^:]+]]: tensor<8xf32>
// CHECK: %[[SUMS:.+]] = laic.matmul_integer %[[X]], %{{.+}} : (tensor<5x12xi8>, tensor<12x8xi8>,
// CHECK: %[[F:.+]] = laic.dequantize_linear %[[SUMS]]
// CHECK: %[[Y:.+]] = laic.add %[[F]], %[[C]]
// CHECK-NEXT: return %[[Y]]
func.func @gemm(%x: tensor<5x12xi8>, %c: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %c : (tensor<*xf32>, tensor<*xf32>, tensor<8xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_of_transposed_weights
// CHECK-SAME: %[[X:[^:]+]]: tensor<5x12xi8>
// CHECK: %[[T:.+]] = laic.transpose
// CHECK-SAME: -> tensor<12x8xi8>
// CHECK: %[[SUMS:.+]] = laic.matmul_integer %[[X]], %[[T]]
// CHECK: %[[Y:.+]] = laic.dequantize_linear %[[SUMS]]
// CHECK-NOT: laic.add
// CHECK: return %[[Y]]
func.func @gemm_of_transposed_weights(%x: tensor<5x12xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x12xi8>} : tensor<8x12xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<8x12xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %none {transB = 1 : i64} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_with_beta
// CHECK-SAME: %[[X:[^:]+]]: tensor<5x12xi8>, %[[C:[^:]+]]: tensor<8xf32>
// CHECK: %[[F:.+]] = laic.dequantize_linear %{{.+}} : (tensor<5x8xi32>
// CHECK: %[[BETA:.+]] = laic.constant {value = dense<2.500000e+00>
// CHECK: %[[SCALED:.+]] = laic.mul %[[C]], %[[BETA]]
// CHECK: laic.add %[[F]], %[[SCALED]]
func.func @gemm_with_beta(%x: tensor<5x12xi8>, %c: tensor<8xf32>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %c {beta = 2.5 : f32} : (tensor<*xf32>, tensor<*xf32>, tensor<8xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

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

// -----

// Scales along the rows of the matrix.
// CHECK-LABEL: func.func @matmul_scaled_along_the_rows
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.matmul 
// CHECK-NOT: integer
func.func @matmul_scaled_along_the_rows(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<12xf32>} : tensor<12xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64} : (tensor<12x8xi8>, tensor<12xf32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @matmul_with_a_vector
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.matmul 
// CHECK-NOT: integer
func.func @matmul_with_a_vector(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12xi8>} : tensor<12xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
  %wf = laic.dequantize_linear %w, %sw, %none : (tensor<12xi8>, tensor<f32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// Blocks along the reduction.
// CHECK-LABEL: func.func @matmul_of_blocks
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.matmul 
// CHECK-NOT: integer
func.func @matmul_of_blocks(%x: tensor<?x5x12xi8> {laic.dims = ["n", 5, 12]}) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<?x5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<3x8xf32>} : tensor<3x8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 0 : i64, block_size = 4 : i64} : (tensor<12x8xi8>, tensor<3x8xf32>, none) -> tensor<*xf32>
  %yf = laic.matmul %xf, %wf : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_of_transposed_rows
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.gemm 
// CHECK-NOT: integer
func.func @gemm_of_transposed_rows(%x: tensor<12x5xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<12x5xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %none {transA = 1 : i64} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_with_alpha
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.gemm 
// CHECK-NOT: integer
func.func @gemm_with_alpha(%x: tensor<5x12xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<12x8xi8>} : tensor<12x8xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<8xf32>} : tensor<8xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<12x8xi8>, tensor<8xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %none {alpha = 0.5 : f32} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @gemm_scaled_along_the_reduction
// CHECK-NOT: integer
// CHECK-NOT: qlinear
// CHECK: laic.gemm 
// CHECK-NOT: integer
func.func @gemm_scaled_along_the_reduction(%x: tensor<5x12xi8>) -> tensor<*xf32> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<5x12xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x12xi8>} : tensor<8x12xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<12xf32>} : tensor<12xf32>
  %wf = laic.dequantize_linear %w, %sw, %none {axis = 1 : i64} : (tensor<8x12xi8>, tensor<12xf32>, none) -> tensor<*xf32>
  %yf = laic.gemm %xf, %wf, %none {transB = 1 : i64} : (tensor<*xf32>, tensor<*xf32>, none) -> tensor<*xf32>
  return %yf : tensor<*xf32>
}
