// Keys and values that are no map. test/Operators/test_refusals.py has what attributes can be wrong.
// RUN: laic-opt %s --laic-infer-shapes --split-input-file --verify-diagnostics

func.func @keys_of_rank_2(%keys: tensor<2x2xi64>, %values: tensor<4xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects the map's keys to have rank 1, got rank 2}}
  %y = laic.cast_map %keys, %values : (tensor<2x2xi64>, tensor<4xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @more_values_than_keys(%keys: tensor<2xi64>, %values: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects dim 0 of the map's values to be 2 (keys), got 3}}
  %y = laic.dict_vectorizer %keys, %values {int64_vocabulary = array<i64: 1>} : (tensor<2xi64>, tensor<3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
