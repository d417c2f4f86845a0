// RUN: laic-opt %s --split-input-file --verify-diagnostics

func.func @tile(%a: tensor<1x8x8x32xf32>, %u: tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  // expected-error @+1 {{expects tiles of 2 or 4 for 3 taps, of 2 for 5 and of 1 for 1, got 3 for 3}}
  %c = laic.winograd %a, %u {tiles = array<i64: 3, 3>, taps = array<i64: 3, 3>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x8x8x32xf32>, tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  ^bb0(%s: f32):
    laic.winograd_yield %s : f32
  }
  return %c : tensor<1x8x8x32xf32>
}

// -----

func.func @element(%a: tensor<1x8x8x32xf16>, %u: tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  // expected-error @+1 {{expects A and its result to be [n, h, w, channels] or [n, l, channels] of known channels, A of f32}}
  %c = laic.winograd %a, %u {tiles = array<i64: 4, 4>, taps = array<i64: 3, 3>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x8x8x32xf16>, tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  ^bb0(%s: f32):
    laic.winograd_yield %s : f32
  }
  return %c : tensor<1x8x8x32xf32>
}

// -----

func.func @channels(%a: tensor<1x8x8x40xf32>, %u: tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  // expected-error @+1 {{expects a multiple of 16 channels and one of 32 filters, got 40 and 32}}
  %c = laic.winograd %a, %u {tiles = array<i64: 4, 4>, taps = array<i64: 3, 3>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x8x8x40xf32>, tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  ^bb0(%s: f32):
    laic.winograd_yield %s : f32
  }
  return %c : tensor<1x8x8x32xf32>
}

// -----

func.func @weights(%a: tensor<1x8x8x32xf32>, %u: tensor<1x16x32x32xf32>) -> tensor<1x8x8x32xf32> {
  // expected-error @+1 {{expects transformed weights 1x36x32x32 of f32, got}}
  %c = laic.winograd %a, %u {tiles = array<i64: 4, 4>, taps = array<i64: 3, 3>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x8x8x32xf32>, tensor<1x16x32x32xf32>) -> tensor<1x8x8x32xf32> {
  ^bb0(%s: f32):
    laic.winograd_yield %s : f32
  }
  return %c : tensor<1x8x8x32xf32>
}

// -----

func.func @pads(%a: tensor<1x8x8x32xf32>, %u: tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  // expected-error @+1 {{expects a tile, taps and a pad, none of them negative, for each of 2 dims}}
  %c = laic.winograd %a, %u {tiles = array<i64: 4, 4>, taps = array<i64: 3, 3>, pads = array<i64: 1, -1>, extra_maps = []} : (tensor<1x8x8x32xf32>, tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  ^bb0(%s: f32):
    laic.winograd_yield %s : f32
  }
  return %c : tensor<1x8x8x32xf32>
}

// -----

func.func @extras(%a: tensor<1x8x8x32xf32>, %u: tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  // expected-error @+1 {{expects a map and an argument of its epilogue for each of its 0 extra operands}}
  %c = laic.winograd %a, %u {tiles = array<i64: 4, 4>, taps = array<i64: 3, 3>, pads = array<i64: 1, 1>, extra_maps = [affine_map<(n, h, w, f) -> (f)>]} : (tensor<1x8x8x32xf32>, tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  ^bb0(%s: f32):
    laic.winograd_yield %s : f32
  }
  return %c : tensor<1x8x8x32xf32>
}

// -----

func.func @epilogue(%a: tensor<1x8x8x32xf32>, %u: tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  // expected-error @+1 {{expects an epilogue that ends in laic.winograd_yield}}
  %c = laic.winograd %a, %u {tiles = array<i64: 4, 4>, taps = array<i64: 3, 3>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x8x8x32xf32>, tensor<1x36x32x32xf32>) -> tensor<1x8x8x32xf32> {
  ^bb0(%s: f32):
    laic.outputs
  }
  return %c : tensor<1x8x8x32xf32>
}

// -----

func.func @dims(%a: tensor<1x8x32xf32>, %u: tensor<1x36x32x32xf32>) -> tensor<1x8x32xf32> {
  // expected-error @+1 {{expects a tile, taps and a pad, none of them negative, for each of 1 dims}}
  %c = laic.winograd %a, %u {tiles = array<i64: 4, 4>, taps = array<i64: 3, 3>, pads = array<i64: 1, 1>, extra_maps = []} : (tensor<1x8x32xf32>, tensor<1x36x32x32xf32>) -> tensor<1x8x32xf32> {
  ^bb0(%s: f32):
    laic.winograd_yield %s : f32
  }
  return %c : tensor<1x8x32xf32>
}
