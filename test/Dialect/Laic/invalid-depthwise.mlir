// RUN: laic-opt %s --split-input-file --verify-diagnostics

func.func @channels(%a: tensor<1x40x8x8xf32>, %w: tensor<2x3x3x32xf32>) -> tensor<1x41x8x8xf32> {
  // expected-error @+1 {{expects A and its result to be f32 [n, channels, h, w] or [n, channels, l] of as many known channels}}
  %c = laic.depthwise %a, %w {taps = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x40x8x8xf32>, tensor<2x3x3x32xf32>) -> tensor<1x41x8x8xf32> {
  ^bb0(%s: f32):
    laic.depthwise_yield %s : f32
  }
  return %c : tensor<1x41x8x8xf32>
}

// -----

func.func @strides(%a: tensor<1x40x8x8xf32>, %w: tensor<2x3x3x32xf32>) -> tensor<1x40x8x8xf32> {
  // expected-error @+1 {{expects positive taps, strides and dilations and a pad that is not negative for each of 2 dims}}
  %c = laic.depthwise %a, %w {taps = array<i64: 3, 3>, strides = array<i64: 1, 0>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x40x8x8xf32>, tensor<2x3x3x32xf32>) -> tensor<1x40x8x8xf32> {
  ^bb0(%s: f32):
    laic.depthwise_yield %s : f32
  }
  return %c : tensor<1x40x8x8xf32>
}

// -----

func.func @weights(%a: tensor<1x40x8x8xf32>, %w: tensor<1x3x3x32xf32>) -> tensor<1x40x8x8xf32> {
  // expected-error @+1 {{expects weights of 576 f32 in panels of 32 channels, got}}
  %c = laic.depthwise %a, %w {taps = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x40x8x8xf32>, tensor<1x3x3x32xf32>) -> tensor<1x40x8x8xf32> {
  ^bb0(%s: f32):
    laic.depthwise_yield %s : f32
  }
  return %c : tensor<1x40x8x8xf32>
}

// -----

func.func @extras(%a: tensor<1x40x8x8xf32>, %w: tensor<2x3x3x32xf32>, %e: tensor<40xf32>) -> tensor<1x40x8x8xf32> {
  // expected-error @+1 {{expects a map and an argument of its epilogue for each of its 1 extra operands}}
  %c = laic.depthwise %a, %w extras %e {taps = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x40x8x8xf32>, tensor<2x3x3x32xf32>, tensor<40xf32>) -> tensor<1x40x8x8xf32> {
  ^bb0(%s: f32):
    laic.depthwise_yield %s : f32
  }
  return %c : tensor<1x40x8x8xf32>
}

// -----

func.func @columns(%a: tensor<1x40x8x8xf32>, %w: tensor<2x3x3x32xf32>, %e: tensor<8xf32>) -> tensor<1x40x8x8xf32> {
  // expected-error @+1 {{expects extra operands to be indexed by its dims, and the same along the last one}}
  %c = laic.depthwise %a, %w extras %e {taps = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>, extra_maps = [affine_map<(n, c, h, w) -> (w)>]} : (tensor<1x40x8x8xf32>, tensor<2x3x3x32xf32>, tensor<8xf32>) -> tensor<1x40x8x8xf32> {
  ^bb0(%s: f32, %x: f32):
    laic.depthwise_yield %s : f32
  }
  return %c : tensor<1x40x8x8xf32>
}

// -----

func.func @terminator(%a: tensor<1x40x8x8xf32>, %w: tensor<2x3x3x32xf32>) -> tensor<1x40x8x8xf32> {
  // expected-error @+1 {{expects an epilogue that ends in laic.depthwise_yield of f32}}
  %c = "laic.depthwise"(%a, %w) <{taps = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>, extra_maps = [], operandSegmentSizes = array<i32: 1, 1, 0, 0>}> ({
  ^bb0(%s: f32):
    cf.br ^bb0(%s : f32)
  }) : (tensor<1x40x8x8xf32>, tensor<2x3x3x32xf32>) -> tensor<1x40x8x8xf32>
  return %c : tensor<1x40x8x8xf32>
}

// -----

func.func @yields_f16(%a: tensor<1x40x8x8xf32>, %w: tensor<2x3x3x32xf32>) -> tensor<1x40x8x8xf32> {
  // expected-error @+1 {{expects an epilogue that ends in laic.depthwise_yield of f32}}
  %c = laic.depthwise %a, %w {taps = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x40x8x8xf32>, tensor<2x3x3x32xf32>) -> tensor<1x40x8x8xf32> {
  ^bb0(%s: f32):
    %h = arith.truncf %s : f32 to f16
    laic.depthwise_yield %h : f16
  }
  return %c : tensor<1x40x8x8xf32>
}

// -----

func.func @sizes(%a: tensor<?x40x8x8xf32>, %w: tensor<2x3x3x32xf32>) -> tensor<?x40x8x8xf32> {
  // expected-error @+1 {{expects a size for each of the 1 unknown dims of its result}}
  %c = laic.depthwise %a, %w {taps = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<?x40x8x8xf32>, tensor<2x3x3x32xf32>) -> tensor<?x40x8x8xf32> {
  ^bb0(%s: f32):
    laic.depthwise_yield %s : f32
  }
  return %c : tensor<?x40x8x8xf32>
}
