// RUN: laic-opt %s --split-input-file --verify-diagnostics

func.func @no_rows(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{expects at least one row dim and a body that ends in laic.outputs}}
  %y = laic.rows {rows = 0 : i64} : tensor<4x8xf32> {
    laic.outputs %x : tensor<4x8xf32>
  }
  return %y : tensor<4x8xf32>
}

// -----

func.func @other_results(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{expects its body to yield its results}}
  %y = laic.rows {rows = 1 : i64} : tensor<4x8xf32> {
    laic.outputs
  }
  return %y : tensor<4x8xf32>
}

// -----

// Reads rows of another order than they were made in.
#id = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
func.func @across(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %y = laic.rows {rows = 1 : i64} : tensor<8x8xf32> {
    %e = tensor.empty() : tensor<8x8xf32>
    %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<8x8xf32>
    // expected-error @+1 {{does not walk the 1 row dims of the laic.rows around it}}
    %b = linalg.generic {indexing_maps = [#id, #turned, #id], iterator_types = ["parallel", "parallel"]} ins(%a, %a : tensor<8x8xf32>, tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
    ^bb0(%in: f32, %other: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<8x8xf32>
    laic.outputs %b : tensor<8x8xf32>
  }
  return %y : tensor<8x8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
func.func @made_across(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %y = laic.rows {rows = 1 : i64} : tensor<8x8xf32> {
    %e = tensor.empty() : tensor<8x8xf32>
    %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<8x8xf32>
    // expected-error @+1 {{makes what another operation of its laic.rows reads, but not row by row}}
    %b = linalg.generic {indexing_maps = [#id, #turned], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<8x8xf32>
    %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%b : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<8x8xf32>
    laic.outputs %c : tensor<8x8xf32>
  }
  return %y : tensor<8x8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @init_from_outside(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %y = laic.rows {rows = 1 : i64} : tensor<8x8xf32> {
    // expected-error @+1 {{starts from values that its laic.rows does not make}}
    %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<8x8xf32>) outs(%x : tensor<8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<8x8xf32>
    laic.outputs %a : tensor<8x8xf32>
  }
  return %y : tensor<8x8xf32>
}

// -----

func.func @nothing(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  // expected-error @+1 {{expects an operation that makes rows in their order}}
  %y = laic.rows {rows = 1 : i64} : tensor<8x8xf32> {
    laic.outputs %x : tensor<8x8xf32>
  }
  return %y : tensor<8x8xf32>
}
