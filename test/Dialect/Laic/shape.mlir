// Shapes of reshaping operators follow from the contents of their small integer operands.
// RUN: laic-opt --laic-infer-shapes %s | FileCheck %s

// CHECK-LABEL: func.func @reshape_keeps_and_infers
// CHECK-SAME: -> tensor<?x6x4xf32>
func.func @reshape_keeps_and_infers(%x: tensor<?x3x8xf32> {laic.name = "x", laic.dims = ["n", 3, 8]}) -> tensor<*xf32> {
  %shape = laic.constant {value = dense<[0, -1, 4]> : tensor<3xi64>} : tensor<3xi64>
  %y = laic.reshape %x, %shape : (tensor<?x3x8xf32>, tensor<3xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// The exporters' idiom: read sizes, pick one, put it into a new shape.
// CHECK-LABEL: func.func @sizes_go_into_shapes
// CHECK-SAME: -> tensor<?x24xf32>
func.func @sizes_go_into_shapes(%x: tensor<?x3x8xf32> {laic.name = "x", laic.dims = ["n", 3, 8]}) -> tensor<*xf32> {
  %zero = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  %axes = laic.constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  %rest = laic.constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  %shape = laic.shape %x : (tensor<?x3x8xf32>) -> tensor<*xi64>
  // CHECK: laic.gather {{.*}} -> tensor<i64>
  %n = laic.gather %shape, %zero : (tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  // CHECK: laic.unsqueeze {{.*}} -> tensor<1xi64>
  %row = laic.unsqueeze %n, %axes : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %target = laic.concat %row, %rest {axis = 0 : i64} : (tensor<*xi64>, tensor<1xi64>) -> tensor<*xi64>
  %y = laic.reshape %x, %target : (tensor<?x3x8xf32>, tensor<*xi64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// CHECK-LABEL: func.func @views
// CHECK-SAME: -> (tensor<?x24xf32>, tensor<?x8xf32>, tensor<1x?x1x8xf32>)
func.func @views(%x: tensor<?x1x8xf32> {laic.name = "x", laic.dims = ["n", 1, 8]},
                 %z: tensor<?x3x8xf32> {laic.name = "z", laic.dims = ["n", 3, 8]})
    -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  %none = laic.none : none
  %first = laic.constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  %a = laic.flatten %z : (tensor<?x3x8xf32>) -> tensor<*xf32>
  %b = laic.squeeze %x, %none : (tensor<?x1x8xf32>, none) -> tensor<*xf32>
  %c = laic.unsqueeze %x, %first : (tensor<?x1x8xf32>, tensor<1xi64>) -> tensor<*xf32>
  return %a, %b, %c : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// CHECK-LABEL: func.func @growth
// CHECK-SAME: -> (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x7xf32>)
func.func @growth(%x: tensor<?x1xf32> {laic.name = "x", laic.dims = ["n", 1]}) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>) {
  %none = laic.none : none
  %wide = laic.constant {value = dense<[1, 4]> : tensor<2xi64>} : tensor<2xi64>
  %twice = laic.constant {value = dense<2> : tensor<2xi64>} : tensor<2xi64>
  %pads = laic.constant {value = dense<[0, 2, 0, 4]> : tensor<4xi64>} : tensor<4xi64>
  %a = laic.expand %x, %wide : (tensor<?x1xf32>, tensor<2xi64>) -> tensor<*xf32>
  %b = laic.tile %x, %twice : (tensor<?x1xf32>, tensor<2xi64>) -> tensor<*xf32>
  %c = laic.pad %x, %pads, %none, %none : (tensor<?x1xf32>, tensor<4xi64>, none, none) -> tensor<*xf32>
  return %a, %b, %c : tensor<*xf32>, tensor<*xf32>, tensor<*xf32>
}

// CHECK-LABEL: func.func @made_from_sizes
// CHECK-SAME: -> (tensor<?xi64>, tensor<3x?xf32>, tensor<?x5xf32>)
func.func @made_from_sizes(%x: tensor<?xi64> {laic.name = "x", laic.dims = ["n"]}) -> (tensor<*xi64>, tensor<*xf32>, tensor<*xf32>) {
  %zero = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  %one = laic.constant {value = dense<1> : tensor<i64>} : tensor<i64>
  %three = laic.constant {value = dense<3> : tensor<1xi64>} : tensor<1xi64>
  %depth = laic.constant {value = dense<5> : tensor<i64>} : tensor<i64>
  %values = laic.constant {value = dense<[0.0, 1.0]> : tensor<2xf32>} : tensor<2xf32>
  %n = laic.size_of %x : (tensor<?xi64>) -> tensor<*xi64>
  %a = laic.range %zero, %n, %one : (tensor<i64>, tensor<*xi64>, tensor<i64>) -> tensor<*xi64>
  %shape = laic.shape %x : (tensor<?xi64>) -> tensor<*xi64>
  %target = laic.concat %three, %shape {axis = 0 : i64} : (tensor<1xi64>, tensor<*xi64>) -> tensor<*xi64>
  %b = laic.constant_of_shape %target : (tensor<*xi64>) -> tensor<*xf32>
  %c = laic.one_hot %x, %depth, %values : (tensor<?xi64>, tensor<i64>, tensor<2xf32>) -> tensor<*xf32>
  return %a, %b, %c : tensor<*xi64>, tensor<*xf32>, tensor<*xf32>
}
