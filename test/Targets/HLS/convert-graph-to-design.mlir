// RUN: laic-opt %s -split-input-file --laic-convert-graph-to-design | FileCheck %s

// A quantised product with a fused Relu is one stage with integers; what quantises the input and dequantises the output stands outside.
// CHECK-LABEL: hls.design @top for "zu7ev"
// CHECK: hls.port "x" in at 0 of tensor<1x4xf32> order [4, 1] scale 5.000000e-01 zero_point 3 : <{{[0-9]+}}, <8, 8, signed>>
// CHECK: hls.port "y" out at 0 of tensor<1x2xf32> order [2, 1] scale 2.500000e-01 zero_point -128
// CHECK: hls.rom @weights = dense<{{.*}}> : tensor<{{.*}}xi8>
// CHECK: hls.stage @matmul "matmul"
// CHECK: hls.accumulate {{.*}} terms 4 : <11, 11, signed> into <[{{[0-9]+}}], <14, 14, signed>>
// The bound of Relu is the raw 0: the zero point.
// CHECK: hls.requantize {{.*}} zero_point -128 clamp -128 to 127
// CHECK-NOT: func.func
func.func @main(%x: tensor<1x4xf32> {laic.name = "x"}) -> (tensor<1x2xf32> {laic.name = "y"}) {
  %sx = laic.constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %zx = laic.constant {value = dense<3> : tensor<i8>} : tensor<i8>
  %w = laic.constant {value = dense<[[1, -2], [3, 1], [2, 2], [-1, 0]]> : tensor<4x2xi8>} : tensor<4x2xi8>
  %zw = laic.constant {value = dense<0> : tensor<i8>} : tensor<i8>
  %sy = laic.constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
  %zy = laic.constant {value = dense<-128> : tensor<i8>} : tensor<i8>
  %q = laic.quantize_linear %x, %sx, %zx : (tensor<1x4xf32>, tensor<f32>, tensor<i8>) -> tensor<1x4xi8>
  %d = laic.dequantize_linear %q, %sx, %zx : (tensor<1x4xi8>, tensor<f32>, tensor<i8>) -> tensor<1x4xf32>
  %dw = laic.dequantize_linear %w, %sx, %zw : (tensor<4x2xi8>, tensor<f32>, tensor<i8>) -> tensor<4x2xf32>
  %m = laic.matmul %d, %dw : (tensor<1x4xf32>, tensor<4x2xf32>) -> tensor<1x2xf32>
  %r = laic.relu %m : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %qy = laic.quantize_linear %r, %sy, %zy : (tensor<1x2xf32>, tensor<f32>, tensor<i8>) -> tensor<1x2xi8>
  %y = laic.dequantize_linear %qy, %sy, %zy : (tensor<1x2xi8>, tensor<f32>, tensor<i8>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// Float tensors become fixed point with room for their range: 4 * 3 needs 5 integer bits, with the sign. Two readers get a stream each.
// CHECK-LABEL: hls.design @top
// CHECK: hls.port "x" in at 0 {{.*}} : <1, <16, 5, signed>>
// CHECK: hls.stage @{{.*}} "split"
// CHECK: hls.stage @{{.*}} "add"
// CHECK: hls.convert {{.*}} rnd_conv sat : <17, 6, signed> to <16, 6, signed>
func.func @main(%x: tensor<1x4xf32> {laic.name = "x", laic.range = [-3.0, 1.0]}) -> (tensor<1x4xf32> {laic.name = "y"}) {
  %y = laic.add %x, %x {laic.range = [-6.0, 2.0]} : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}

// -----

// An image port takes the order that its first reader wants: channels last.
// CHECK-LABEL: hls.design @top
// CHECK: hls.port "x" in at 0 of tensor<1x2x4x4xf32> order [16, 1, 2, 16]
// CHECK-NOT: "reorder"
// CHECK: hls.stage @{{.*}} "window"
// CHECK: hls.stage @{{.*}} "max pool"
func.func @main(%x: tensor<1x2x4x4xf32> {laic.name = "x", laic.range = [-1.0, 1.0]}) -> (tensor<1x2x2x2xf32> {laic.name = "y"}) {
  %y, %i = laic.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xi64>)
  return %y : tensor<1x2x2x2xf32>
}
