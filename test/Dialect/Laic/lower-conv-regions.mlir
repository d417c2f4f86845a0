// A convolution most of whose taps meet padding becomes several without any; one that would save too little stays whole.
// RUN: laic-opt --laic-infer-shapes --laic-lower-to-linalg --split-input-file %s | FileCheck %s

// Rows 0-7 meet taps 1 and 2, rows 8-11 tap 1, rows 12-19 taps 0 and 1.
// CHECK-LABEL: func.func @regions(
// CHECK-NOT: tensor.pad
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0, 0] [1, 128, 20, 20] [1, 1, 1, 1]
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 1, 0] [32, 128, 2, 1] [1, 1, 1, 1]
// CHECK: linalg.generic {{.*}}tensor<1x32x8x20xf32>
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 8, 0] [1, 128, 4, 20] [1, 1, 1, 1]
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 1, 0] [32, 128, 1, 1] [1, 1, 1, 1]
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0, 0] [1, 128, 20, 20] [1, 1, 1, 1]
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0, 0] [32, 128, 2, 1] [1, 1, 1, 1]
// CHECK: tensor.concat dim(2) {{.*}} -> tensor<1x32x20x20xf32>
func.func @regions(%x: tensor<1x128x20x20xf32>) -> tensor<*xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<32x128x3x1xf32>} : tensor<32x128x3x1xf32>
  %none = laic.none : none
  %y = laic.conv %x, %w, %none {dilations = array<i64: 12, 1>, pads = array<i64: 12, 0, 12, 0>} : (tensor<1x128x20x20xf32>, tensor<32x128x3x1xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @little_work(
// CHECK: tensor.pad
// CHECK-NOT: tensor.concat
func.func @little_work(%x: tensor<1x8x20x20xf32>) -> tensor<*xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<8x8x3x1xf32>} : tensor<8x8x3x1xf32>
  %none = laic.none : none
  %y = laic.conv %x, %w, %none {dilations = array<i64: 12, 1>, pads = array<i64: 12, 0, 12, 0>} : (tensor<1x8x20x20xf32>, tensor<8x8x3x1xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// CHECK-LABEL: func.func @few_taps_outside(
// CHECK: tensor.pad
// CHECK-NOT: tensor.concat
func.func @few_taps_outside(%x: tensor<1x128x20x20xf32>) -> tensor<*xf32> {
  %w = laic.constant {value = dense<0.5> : tensor<128x128x3x3xf32>} : tensor<128x128x3x3xf32>
  %none = laic.none : none
  %y = laic.conv %x, %w, %none {dilations = array<i64: 2, 2>, pads = array<i64: 2, 2, 2, 2>} : (tensor<1x128x20x20xf32>, tensor<128x128x3x3xf32>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
