// What inference cannot tell about images, regions and signals becomes a check of every call.
// RUN: laic-opt --laic-infer-shapes --split-input-file %s | FileCheck %s

// CHECK-LABEL: func.func @stft
// CHECK-SAME: message = "{{[a-z0-9_]+: }}the signal must be at least one frame long"
func.func @stft(%x: tensor<?x?x1xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %s = laic.constant {value = dense<4> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<8> : tensor<i64>} : tensor<i64>
  %y = laic.stft %x, %s, %n, %l : (tensor<?x?x1xf32>, tensor<i64>, none, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @roi
// CHECK-SAME: message = "{{[a-z0-9_]+: }}the input must have elements"
func.func @roi(%x: tensor<?x3x?x6xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) -> tensor<*xf32> {
  %y = laic.roi_align %x, %r, %b : (tensor<?x3x?x6xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @dft_axis
// CHECK-SAME: message = "{{[a-z0-9_]+: }}'axis' must be one of the 2 dims before the last"
func.func @dft_axis(%x: tensor<2x8x2xf32>, %a: tensor<i64>) -> tensor<*xf32> {
  %n = laic.none : none
  %y = laic.dft %x, %n, %a : (tensor<2x8x2xf32>, none, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @window
// CHECK-SAME: message = "{{[a-z0-9_]+: }}'size' must be at least 0"
func.func @window(%s: tensor<i64>) -> tensor<*xf32> {
  %y = laic.hann_window %s : (tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @stft_step
// CHECK-SAME: message = "{{[a-z0-9_]+: }}'frame_step' must be at least 1"
func.func @stft_step(%x: tensor<2x70x1xf32>, %s: tensor<i64>) -> tensor<*xf32> {
  %n = laic.none : none
  %l = laic.constant {value = dense<8> : tensor<i64>} : tensor<i64>
  %y = laic.stft %x, %s, %n, %l : (tensor<2x70x1xf32>, tensor<i64>, none, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @col2im
// CHECK-SAME: message = "{{[a-z0-9_]+: }}'block_shape' must be at least 1"
// CHECK-SAME: message = "{{[a-z0-9_]+: }}a block must fit into the padded image"
func.func @col2im(%x: tensor<1x5x5xf32>, %s: tensor<2xi64>, %b: tensor<2xi64>) -> tensor<*xf32> {
  %y = laic.col2im %x, %s, %b : (tensor<1x5x5xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @crop
// CHECK-SAME: message = "{{[a-z0-9_]+: }}'shape' must not be negative"
func.func @crop(%x: tensor<5x6xf32>, %s: tensor<2xi64>) -> tensor<*xf32> {
  %y = laic.center_crop_pad %x, %s : (tensor<5x6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @unpool
// CHECK-SAME: message = "{{[a-z0-9_]+: }}dim 0 of the result must hold what was pooled"
func.func @unpool(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x2xi64>, %s: tensor<4xi64>) -> tensor<*xf32> {
  %y = laic.max_unpool %x, %i, %s {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>, tensor<4xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
