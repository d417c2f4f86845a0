// What operators of decoders refuse: rotary positions, n-grams that repeat.
// RUN: laic-opt %s --laic-infer-shapes --split-input-file --verify-diagnostics

func.func @caches(%x: tensor<2x3x5x8xf32>, %c: tensor<20x2xf32>, %s: tensor<20x4xf32>, %p: tensor<2x5xi64>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the last dim of sin_cache to be 2 (as cos_cache), got 4}}
  %y = laic.rotary_embedding %x, %c, %s, %p {rotary_embedding_dim = 4 : i64} : (tensor<2x3x5x8xf32>, tensor<20x2xf32>, tensor<20x4xf32>, tensor<2x5xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @gram(%i: tensor<2x5xi64>, %s: tensor<2x9xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects ngram_size in [1, 64], got 0}}
  %y = laic.ngram_repeat_block %i, %s {ngram_size = 0 : i64} : (tensor<2x5xi64>, tensor<2x9xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @batch(%i: tensor<2x5xi64>, %s: tensor<3x9xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the batch of scores to be 2 (as that of input_ids), got 3}}
  %y = laic.ngram_repeat_block %i, %s {ngram_size = 2 : i64} : (tensor<2x5xi64>, tensor<3x9xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
