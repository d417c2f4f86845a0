// RUN: laic-opt %s --laic-form-winograd --split-input-file --verify-diagnostics | FileCheck %s

// Padding and epilogue come along; the weights are transformed in f64 and rounded once.
// CHECK-LABEL: func.func @tiles_of_four(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x16x16x32xf32>, %[[BIAS:[^:]*]]: tensor<64xf32>
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}}"reduction", "reduction"]} ins({{.*}} : tensor<2x3x3x32x32xf32>, tensor<6x3xf64>, tensor<6x3xf64>)
// CHECK: arith.truncf
// CHECK: %[[U:.*]] = tensor.collapse_shape {{.*}} into tensor<2x36x32x32xf32>
// CHECK: laic.winograd %[[X]], %[[U]] extras %[[BIAS]] {{.*}}pads = array<i64: 1, 1>, taps = array<i64: 3, 3>, tiles = array<i64: 4, 4>
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
// CHECK: laic.winograd %[[X]], {{.*}}pads = array<i64: 0, 0>, taps = array<i64: 3, 3>, tiles = array<i64: 2, 2>
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
func.func @channels(%x: tensor<2x16x16x40xf32>) -> tensor<2x16x16x64xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<2x32x40x3x3xf32>} : tensor<2x32x40x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x16x16x40xf32> to tensor<2x18x18x40xf32>
  %a = tensor.collapse_shape %p [[0], [1], [2, 3]] : tensor<2x18x18x40xf32> into tensor<2x18x720xf32>
  %e = tensor.empty() : tensor<2x3x3x40x32xf32>
  %t = linalg.transpose ins(%w : tensor<2x32x40x3x3xf32>) outs(%e : tensor<2x3x3x40x32xf32>) permutation = [0, 3, 4, 2, 1]
  %b = tensor.collapse_shape %t [[0], [1], [2, 3], [4]] : tensor<2x3x3x40x32xf32> into tensor<2x3x120x32xf32>
  // expected-remark @+1 {{3x3 convolution stays direct: its channels are no multiple of 16, or its filters none of 32}}
  %r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w * 40 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x18x720xf32>, tensor<2x3x120x32xf32>) -> tensor<2x16x16x64xf32> {
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
  // expected-remark @+1 {{3x3 convolution stays direct: its weights are no constant, or a part of one}}
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
// CHECK: laic.winograd {{.*}}tiles = array<i64: 2, 2>
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

// -----

// One dim, with its padding.
// CHECK-LABEL: func.func @line(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x?x48xf32>
// CHECK: %[[W:.*]] = tensor.expand_shape {{.*}} into tensor<1x1x3x48x32xf32>
// CHECK: linalg.generic {{.*}} ins(%[[W]], {{.*}} : tensor<1x1x3x48x32xf32>, tensor<1x1xf64>, tensor<6x3xf64>)
// CHECK: laic.winograd %[[X]], {{.*}} sizes {{.*}}pads = array<i64: 1>, taps = array<i64: 3>, tiles = array<i64: 4>
func.func @line(%x: tensor<2x?x48xf32>, %l: index) -> tensor<2x?x32xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<1x3x48x32xf32>} : tensor<1x3x48x32xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 0] high[0, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<2x?x48xf32> to tensor<2x?x48xf32>
  %a = tensor.collapse_shape %p [[0], [1, 2]] : tensor<2x?x48xf32> into tensor<2x?xf32>
  %b = tensor.collapse_shape %w [[0], [1, 2], [3]] : tensor<1x3x48x32xf32> into tensor<1x144x32xf32>
  // expected-remark @+1 {{3-tap convolution by Winograd F(4,3): each output within 5.7e-06 of}}
  %r = laic.contract %a, %b sizes %l {parallel = 3 : i64, a_map = affine_map<(n, l, f, c) -> (n, l * 48 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x?xf32>, tensor<1x144x32xf32>, index) -> tensor<2x?x32xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x?x32xf32>
}

// -----

// A row of taps on images, whose lines are as many images for it. Padding above would be a line more: it stays.
// CHECK-LABEL: func.func @lines_of_images(
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x7x60x32xf32>
// CHECK: %[[LINES:.*]] = tensor.collapse_shape %[[X]] {{\[}}[0, 1], [2], [3]] : tensor<2x7x60x32xf32> into tensor<14x60x32xf32>
// CHECK: laic.winograd %[[LINES]], {{.*}}pads = array<i64: 2>, taps = array<i64: 5>, tiles = array<i64: 2>
// CHECK: tensor.pad {{.*}} low[0, 1, 2, 0]
// CHECK: laic.winograd {{.*}}pads = array<i64: 0>, taps = array<i64: 5>
func.func @lines_of_images(%x: tensor<2x7x60x32xf32>) -> (tensor<14x60x32xf32>, tensor<18x60x32xf32>) {
  %w = laic.constant {value = dense<0.5> : tensor<1x5x32x32xf32>} : tensor<1x5x32x32xf32>
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 0, 2, 0] high[0, 0, 2, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x7x60x32xf32> to tensor<2x7x64x32xf32>
  %a = tensor.collapse_shape %p [[0, 1], [2, 3]] : tensor<2x7x64x32xf32> into tensor<14x2048xf32>
  %b = tensor.collapse_shape %w [[0], [1, 2], [3]] : tensor<1x5x32x32xf32> into tensor<1x160x32xf32>
  // expected-remark @+1 {{5-tap convolution by Winograd F(2,5)}}
  %r = laic.contract %a, %b {parallel = 3 : i64, a_map = affine_map<(n, l, f, c) -> (n, l * 32 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<14x2048xf32>, tensor<1x160x32xf32>) -> tensor<14x60x32xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  %p2 = tensor.pad %x low[0, 1, 2, 0] high[0, 1, 2, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<2x7x60x32xf32> to tensor<2x9x64x32xf32>
  %a2 = tensor.collapse_shape %p2 [[0, 1], [2, 3]] : tensor<2x9x64x32xf32> into tensor<18x2048xf32>
  // expected-remark @+1 {{5-tap convolution by Winograd F(2,5)}}
  %r2 = laic.contract %a2, %b {parallel = 3 : i64, a_map = affine_map<(n, l, f, c) -> (n, l * 32 + c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<18x2048xf32>, tensor<1x160x32xf32>) -> tensor<18x60x32xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r, %r2 : tensor<14x60x32xf32>, tensor<18x60x32xf32>
}

// -----

// A column of taps: the other dim stays as it is.
// CHECK-LABEL: func.func @column(
// CHECK: tensor.expand_shape {{.*}} into tensor<1x5x1x32x32xf32>
// CHECK: laic.winograd %{{.*}}, {{.*}}pads = array<i64: 0, 0>, taps = array<i64: 5, 1>, tiles = array<i64: 2, 1>
func.func @column(%x: tensor<2x60x3x32xf32>) -> tensor<2x56x3x32xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<1x5x32x32xf32>} : tensor<1x5x32x32xf32>
  // expected-remark @+1 {{5x1 convolution by Winograd F(2x1,5x1)}}
  %r = laic.contract %x, %w {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w, c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x60x3x32xf32>, tensor<1x5x32x32xf32>) -> tensor<2x56x3x32xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x56x3x32xf32>
}

// -----

// Seven taps have no transform: nothing to say.
// CHECK-LABEL: func.func @seven_taps(
// CHECK-NOT: laic.winograd
func.func @seven_taps(%x: tensor<2x60x3x32xf32>) -> tensor<2x54x3x32xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<1x7x32x32xf32>} : tensor<1x7x32x32xf32>
  %r = laic.contract %x, %w {parallel = 4 : i64, a_map = affine_map<(n, h, w, f, y, c) -> (n, h + y, w, c)>, b_batch = array<i64>, extra_maps = []}
      : (tensor<2x60x3x32xf32>, tensor<1x7x32x32xf32>) -> tensor<2x54x3x32xf32> {
  ^bb0(%s: f32):
    laic.yield %s : f32
  }
  return %r : tensor<2x54x3x32xf32>
}
