// Strings are moved as 16 bytes; what looks into them calls functions of the runtime.
// RUN: laic-opt %s --laic-infer-shapes | FileCheck %s
// RUN: laic-opt %s --laic-infer-shapes --laic-lower-to-linalg | FileCheck %s --check-prefix=LOWERED

// CHECK-LABEL: @moved
// CHECK: laic.transpose {{.*}} -> tensor<3x2x!laic.string>
// LOWERED-LABEL: @moved
// LOWERED: linalg.transpose ins({{.*}}tensor<2x3xi128>)
func.func @moved(%x: tensor<2x3x!laic.string>) -> tensor<*x!laic.string> {
  %y = laic.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3x!laic.string>) -> tensor<*x!laic.string>
  return %y : tensor<*x!laic.string>
}

// CHECK-LABEL: @compared
// CHECK: laic.string_equal {{.*}} -> tensor<2x3xi1>
// LOWERED-LABEL: @compared
// LOWERED: laic.host_call {{.*}}"core.equal"{{.*}} -> tensor<2x3xi8>
func.func @compared(%x: tensor<2x3x!laic.string>, %y: tensor<3x!laic.string>) -> tensor<*xi1> {
  %z = laic.equal %x, %y : (tensor<2x3x!laic.string>, tensor<3x!laic.string>) -> tensor<*xi1>
  return %z : tensor<*xi1>
}

// How many columns there are is read in the middle of the call.
// CHECK-LABEL: @split
// CHECK: %[[COUNTS:.*]]:2 = laic.host_function {{.*}}"core.count_parts"{{.*}} -> (tensor<4xi64>, tensor<1xi64>)
// CHECK: laic.read_sizes %[[COUNTS]]#1 as 0
// CHECK: laic.host_function {{.*}}"core.split"{{.*}} -> tensor<4x?x!laic.string>
// LOWERED-LABEL: @split
// LOWERED: laic.host_call {{.*}}"core.split"{{.*}} -> tensor<4x?xi128>
func.func @split(%x: tensor<4x!laic.string>) -> (tensor<*x!laic.string>, tensor<*xi64>) {
  %y, %z = laic.string_split %x {delimiter = ","} : (tensor<4x!laic.string>) -> (tensor<*x!laic.string>, tensor<*xi64>)
  return %y, %z : tensor<*x!laic.string>, tensor<*xi64>
}

// Types that text is not written in go through f32.
// CHECK-LABEL: @cast
// CHECK: laic.host_function {{.*}}"text.to_numbers", parameters = array<i64: 1>{{.*}} -> tensor<?xf32>
// CHECK: laic.cast {{.*}} -> tensor<?xf16>
func.func @cast(%x: tensor<?x!laic.string>) -> tensor<*xf16> {
  %y = laic.cast %x {to = 10 : i64} : (tensor<?x!laic.string>) -> tensor<*xf16>
  return %y : tensor<*xf16>
}
