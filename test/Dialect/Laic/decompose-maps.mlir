// Operators on maps become what sorts, looks up and scatters vectors; ZipMap leaves its input where it lies.
// RUN: laic-opt %s --pass-pipeline='builtin.module(func.func(laic-infer-shapes,laic-decompose-ops,laic-infer-shapes))' | FileCheck %s

// CHECK-LABEL: func.func @dense
// CHECK-SAME: %[[KEYS:[^:]+]]: tensor<?xi64> {{.*}}, %[[VALUES:[^:]+]]: tensor<?xf32>
// CHECK: %{{.*}}, %[[ORDER:.+]] = laic.top_k %[[KEYS]], %{{.*}} {axis = 0 : i64, {{.*}}largest = 0 : i64
// CHECK-NEXT: %[[ROW:.+]] = laic.gather %[[VALUES]], %[[ORDER]]
// CHECK: laic.unsqueeze %[[ROW]], {{.*}} -> tensor<1x?xf32>
func.func @dense(%keys: tensor<?xi64> {laic.dims = ["N"]}, %values: tensor<?xf32> {laic.dims = ["N"]}) -> tensor<*xf32> {
  %y = laic.cast_map %keys, %values : (tensor<?xi64>, tensor<?xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// CHECK-LABEL: func.func @vectorize
// CHECK-SAME: %[[KEYS:[^:]+]]: tensor<?x!laic.string> {{.*}}, %[[VALUES:[^:]+]]: tensor<?xf64>
// CHECK: %[[PLACES:.+]] = laic.label_encoder %[[KEYS]] {default_int64 = 2 : i64, keys_strings = ["b", "a"], {{.*}}values_int64s = array<i64: 0, 1>}
// CHECK: %[[ROW:.+]] = laic.scatter_elements %{{.*}}, %[[PLACES]], %[[VALUES]] {{.*}} -> tensor<3xf64>
// CHECK: laic.slice %[[ROW]], {{.*}} -> tensor<2xf64>
func.func @vectorize(%keys: tensor<?x!laic.string> {laic.dims = ["N"]}, %values: tensor<?xf64> {laic.dims = ["N"]}) -> tensor<*xf32> {
  %y = laic.dict_vectorizer %keys, %values {string_vocabulary = ["b", "a"]} : (tensor<?x!laic.string>, tensor<?xf64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// CHECK-LABEL: func.func @zip
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x2xf32>
// CHECK-NEXT: %[[KEYS:.+]] = laic.constant {value = dense<[7, 3]>
// CHECK-NEXT: return %[[KEYS]], %[[X]]
func.func @zip(%x: tensor<?x2xf32> {laic.dims = ["N", 2]}) -> (tensor<*xi64>, tensor<*xf32>) {
  %keys, %values = laic.zip_map %x {classlabels_int64s = array<i64: 7, 3>} : (tensor<?x2xf32>) -> (tensor<*xi64>, tensor<*xf32>)
  return %keys, %values : tensor<*xi64>, tensor<*xf32>
}

// A number of columns that only the call knows is the number of labels, or the call is refused.
// CHECK-LABEL: func.func @zip_unknown_columns
// CHECK: laic.reshape %{{.*}} -> tensor<?x2xf32>
func.func @zip_unknown_columns(%x: tensor<?x?xf32> {laic.dims = ["N", "C"]}) -> (tensor<*xi64>, tensor<*xf32>) {
  %keys, %values = laic.zip_map %x {classlabels_int64s = array<i64: 7, 3>} : (tensor<?x?xf32>) -> (tensor<*xi64>, tensor<*xf32>)
  return %keys, %values : tensor<*xi64>, tensor<*xf32>
}
