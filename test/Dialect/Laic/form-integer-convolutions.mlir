// Convolutions of dequantised bytes become convolutions of the integers.
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

// Weights around 128 become signed ones around 0: 3 - 128.
// CHECK-LABEL: func.func @conv_of_unsigned_weights
// CHECK: %[[W:.+]] = laic.constant {value = dense<-125> : tensor<8x4x3x3xi8>}
// CHECK: %[[ZW:.+]] = laic.constant {value = dense<0> : tensor<i8>}
// CHECK: laic.qlinear_conv %{{.+}}, %{{.+}}, %{{.+}}, %[[W]], %{{.+}}, %[[ZW]],
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

// A bias at the end of its range, where quantisers clip it: added to the sums in 32 bits it would wrap.
// CHECK-LABEL: func.func @conv_with_a_clipped_bias
// CHECK-NOT: laic.qlinear_conv
// CHECK: %[[S:.+]] = laic.conv_integer
// CHECK: %[[D:.+]] = laic.dequantize_linear %[[S]]
// CHECK: laic.add %[[D]]
// CHECK: laic.quantize_linear
func.func @conv_with_a_clipped_bias(%x: tensor<1x4x6x6xui8>) -> tensor<*xui8> {
  %none = laic.none : none
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %xf = laic.dequantize_linear %x, %sx, %zx : (tensor<1x4x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<*xf32>
  %w = laic.constant {value = dense<3> : tensor<8x4x3x3xi8>} : tensor<8x4x3x3xi8>
  %sw = laic.constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
  %zw = laic.constant {value = dense<0> : tensor<i8>} : tensor<i8>
  %wf = laic.dequantize_linear %w, %sw, %zw : (tensor<8x4x3x3xi8>, tensor<f32>, tensor<i8>) -> tensor<*xf32>
  %b = laic.constant {value = dense<2147483647> : tensor<8xi32>} : tensor<8xi32>
  %sb = laic.constant {value = dense<0.125> : tensor<f32>} : tensor<f32>
  %bf = laic.dequantize_linear %b, %sb, %none : (tensor<8xi32>, tensor<f32>, none) -> tensor<*xf32>
  %sy = laic.constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<9> : tensor<ui8>} : tensor<ui8>
  %yf = laic.conv %xf, %wf, %bf : (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  %y = laic.quantize_linear %yf, %sy, %zy : (tensor<*xf32>, tensor<f32>, tensor<ui8>) -> tensor<*xui8>
  return %y : tensor<*xui8>
}
