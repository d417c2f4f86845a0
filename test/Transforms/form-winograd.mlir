// RUN: laic-opt %s --laic-form-winograd --split-input-file --verify-diagnostics | FileCheck %s

// Padding and epilogue come along; the weights are transformed in f64 and rounded once.
// CHECK-LABEL: func.func @tiles_of_four(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x16x16x32xf32>, %[[BIAS:[^:]*]]: tensor<64xf32>
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}}"reduction", "reduction"]} ins({{.*}} : tensor<2x3x3x32x32xf32>, tensor<6x3xf64>, tensor<6x3xf64>)
// CHECK: arith.truncf
// CHECK: %[[U:.*]] = tensor.collapse_shape {{.*}} into tensor<2x36x32x32xf32>
// CHECK: laic.winograd %[[X]], %[[U]] extras %[[BIAS]] {{.*}}pads = array<i64: 1, 1>, tile = 4
// CHECK: %[[Y:.*]] = arith.addf
// CHECK: laic.winograd_yield %[[Y]]
func.func @tiles_of_four(%x: tensor<2x16x16x32xf32>, %bias: tensor<64xf32>) -> tensor<2x16x16x64xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<2x32x32x3x3xf32>} : tensor<2x32x32x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x16x16x32xf32> to tensor<2x18x18x32xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x18x18x32xf32> into tensor<2x18x576xf32>
  %e = tensor.empty() : tensor<2x3x3x32x32xf32>
  %t = linalg.transpose ins(%w : tensor<2x32x32x3x3xf32>) outs(%e : tensor<2x3x3x32x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x3x3x32x32xf32> into tensor<2x3x96x32xf32>
  // expected-remark @+1 {{3x3 convolution by Winograd F(4x4,3x3): each output within 2.0e-06 of the largest sum of |input * weight| in its tile}}
  %r = laic.contract %a, %b extras %bias {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 32 + c)>, b_batch = array<i64>, extra_maps = [affine_map<(n, h, w, f) -> (f)>]}
      : (tensor<2x18x576xf32>, tensor<2x3x96x32xf32>, tensor<64xf32>) -> tensor<2x16x16x64xf32> {
  ^bb0(%s: f32, %v: f32):
    %y = arith.addf %s, %v : f32
    laic.yield %y : f32
  }
  return %r : tensor<2x16x16x64xf32>
}

// -----

// Few outputs: the weights of larger tiles would be read for too little. What was not padded here stays as it is.
// CHECK-LABEL: func.func @tiles_of_two(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x9x9x32xf32>
// CHECK: laic.winograd %[[X]], {{.*}}pads = array<i64: 0, 0>, tile = 2
func.func @tiles_of_two(%x: tensor<2x9x9x32xf32>) -> tensor<2x7x7x64xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<2x32x32x3x3xf32>} : tensor<2x32x32x3x3xf32>
  %a = tensor.collapse_shape %x [[0], [1], [2, 3]] : tensor<2x9x9x32xf32> into tensor<2x9x288xf32>
  %e = tensor.empty() : tensor<2x3x3x32x32xf32>
  %t = linalg.transpose ins(%w : tensor<2x32x32x3x3xf32>) outs(%e : tensor<2x3x3x32x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x3x3x32x32xf32> into tensor<2x3x96x32xf32>
  // expected-remark @+1 {{3x3 convolution by Winograd F(2x2,3x3): each output within}}
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 32 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x9x288xf32>, tensor<2x3x96x32xf32>) -> tensor<2x7x7x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x7x7x64xf32>
}

// -----

// CHECK-LABEL: func.func @few_outputs(
// CHECK-NOT: laic.winograd
// CHECK: laic.contract
func.func @few_outputs(%x: tensor<2x6x6x32xf32>) -> tensor<2x6x6x64xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<2x32x32x3x3xf32>} : tensor<2x32x32x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x6x6x32xf32> to tensor<2x8x8x32xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x8x8x32xf32> into tensor<2x8x256xf32>
  %e = tensor.empty() : tensor<2x3x3x32x32xf32>
  %t = linalg.transpose ins(%w : tensor<2x32x32x3x3xf32>) outs(%e : tensor<2x3x3x32x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x3x3x32x32xf32> into tensor<2x3x96x32xf32>
  // expected-remark @+1 {{3x3 convolution stays direct: it has fewer than 49 outputs}}
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 32 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x8x256xf32>, tensor<2x3x96x32xf32>) -> tensor<2x6x6x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x6x6x64xf32>
}

// -----

// One row of outputs: most of each tile would be thrown away.
// CHECK-LABEL: func.func @narrow(
// CHECK-NOT: laic.winograd
// CHECK: laic.contract
func.func @narrow(%x: tensor<2x1x64x32xf32>) -> tensor<2x1x64x64xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<2x32x32x3x3xf32>} : tensor<2x32x32x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x1x64x32xf32> to tensor<2x3x66x32xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x3x66x32xf32> into tensor<2x3x2112xf32>
  %e = tensor.empty() : tensor<2x3x3x32x32xf32>
  %t = linalg.transpose ins(%w : tensor<2x32x32x3x3xf32>) outs(%e : tensor<2x3x3x32x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x3x3x32x32xf32> into tensor<2x3x96x32xf32>
  // expected-remark @+1 {{3x3 convolution stays direct: its tiles reach too far beyond its border}}
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 32 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x3x2112xf32>, tensor<2x3x96x32xf32>) -> tensor<2x1x64x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x1x64x64xf32>
}

// -----

// CHECK-LABEL: func.func @channels(
// CHECK-NOT: laic.winograd
// CHECK: laic.contract
func.func @channels(%x: tensor<2x16x16x48xf32>) -> tensor<2x16x16x64xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<2x32x48x3x3xf32>} : tensor<2x32x48x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x16x16x48xf32> to tensor<2x18x18x48xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x18x18x48xf32> into tensor<2x18x864xf32>
  %e = tensor.empty() : tensor<2x3x3x48x32xf32>
  %t = linalg.transpose ins(%w : tensor<2x32x48x3x3xf32>) outs(%e : tensor<2x3x3x48x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x3x3x48x32xf32> into tensor<2x3x144x32xf32>
  // expected-remark @+1 {{3x3 convolution stays direct: its channels are no multiples of 32}}
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 48 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x18x864xf32>, tensor<2x3x144x32xf32>) -> tensor<2x16x16x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x16x16x64xf32>
}

// -----

// CHECK-LABEL: func.func @computed_weights(
// CHECK-NOT: laic.winograd
// CHECK: laic.contract
func.func @computed_weights(%x: tensor<2x16x16x32xf32>, %w: tensor<2x32x32x3x3xf32>) -> tensor<2x16x16x64xf32> {
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x16x16x32xf32> to tensor<2x18x18x32xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x18x18x32xf32> into tensor<2x18x576xf32>
  %e = tensor.empty() : tensor<2x3x3x32x32xf32>
  %t = linalg.transpose ins(%w : tensor<2x32x32x3x3xf32>) outs(%e : tensor<2x3x3x32x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x3x3x32x32xf32> into tensor<2x3x96x32xf32>
  // expected-remark @+1 {{3x3 convolution stays direct: its weights are not constant}}
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 32 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x18x576xf32>, tensor<2x3x96x32xf32>) -> tensor<2x16x16x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x16x16x64xf32>
}

// -----

// Where weights are no numbers, no ratio of taps holds.
// CHECK-LABEL: func.func @no_finite_taps(
// CHECK-NOT: laic.winograd
// CHECK: laic.contract
func.func @no_finite_taps(%x: tensor<2x16x16x32xf32>) -> tensor<2x16x16x64xf32> {
  %w = laic.constant {value = dense<0x7FC00000> : tensor<2x32x32x3x3xf32>} : tensor<2x32x32x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x16x16x32xf32> to tensor<2x18x18x32xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x18x18x32xf32> into tensor<2x18x576xf32>
  %e = tensor.empty() : tensor<2x3x3x32x32xf32>
  %t = linalg.transpose ins(%w : tensor<2x32x32x3x3xf32>) outs(%e : tensor<2x3x3x32x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x3x3x32x32xf32> into tensor<2x3x96x32xf32>
  // expected-remark @+1 {{3x3 convolution stays direct: taps of a filter differ by more than 10 times}}
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 32 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x18x576xf32>, tensor<2x3x96x32xf32>) -> tensor<2x16x16x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x16x16x64xf32>
}

// -----

// Transformed for tiles of 4, these weights would have 56 MiB.
// CHECK-LABEL: func.func @wide(
// CHECK: laic.winograd {{.*}}tile = 2
func.func @wide(%x: tensor<2x16x16x640xf32>) -> tensor<2x16x16x640xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<20x32x640x3x3xf32>} : tensor<20x32x640x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x16x16x640xf32> to tensor<2x18x18x640xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x18x18x640xf32> into tensor<2x18x11520xf32>
  %e = tensor.empty() : tensor<20x3x3x640x32xf32>
  %t = linalg.transpose ins(%w : tensor<20x32x640x3x3xf32>) outs(%e : tensor<20x3x3x640x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<20x3x3x640x32xf32> into tensor<20x3x1920x32xf32>
  // expected-remark @+1 {{3x3 convolution by Winograd F(2x2,3x3): each output within}}
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 640 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x18x11520xf32>, tensor<20x3x1920x32xf32>) -> tensor<2x16x16x640xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x16x16x640xf32>
}

// -----

// CHECK-LABEL: func.func @too_wide(
// CHECK-NOT: laic.winograd
// CHECK: laic.contract
func.func @too_wide(%x: tensor<2x16x16x1280xf32>) -> tensor<2x16x16x640xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<20x32x1280x3x3xf32>} : tensor<20x32x1280x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x16x16x1280xf32> to tensor<2x18x18x1280xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x18x18x1280xf32> into tensor<2x18x23040xf32>
  %e = tensor.empty() : tensor<20x3x3x1280x32xf32>
  %t = linalg.transpose ins(%w : tensor<20x32x1280x3x3xf32>) outs(%e : tensor<20x3x3x1280x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<20x3x3x1280x32xf32> into tensor<20x3x3840x32xf32>
  // expected-remark @+1 {{3x3 convolution stays direct: its transformed weights are too large}}
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 1280 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x18x23040xf32>, tensor<20x3x3840x32xf32>) -> tensor<2x16x16x640xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x16x16x640xf32>
}

// -----

// Not a convolution of stride 1: nothing to say.
// CHECK-LABEL: func.func @strided(
// CHECK-NOT: laic.winograd
// CHECK: laic.contract
func.func @strided(%x: tensor<2x32x32x32xf32>) -> tensor<2x16x16x64xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<2x32x32x3x3xf32>} : tensor<2x32x32x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x32x32x32xf32> to tensor<2x34x34x32xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x34x34x32xf32> into tensor<2x34x1088xf32>
  %e = tensor.empty() : tensor<2x3x3x32x32xf32>
  %t = linalg.transpose ins(%w : tensor<2x32x32x3x3xf32>) outs(%e : tensor<2x3x3x32x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x3x3x32x32xf32> into tensor<2x3x96x32xf32>
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h * 2 + y, w * 64 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x34x1088xf32>, tensor<2x3x96x32xf32>) -> tensor<2x16x16x64xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x16x16x64xf32>
}
