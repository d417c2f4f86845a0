// What shape inference refuses: element types.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @cast_target(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{has an unsupported result type}}
  %y = laic.cast %x {to = 27 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @cast_rounding(%x: tensor<2x3xf32>) -> tensor<*xf8E8M0FNU> {
  // expected-error @+1 {{expects attribute 'round_mode' to be 'up', 'down' or 'nearest', got 'even'}}
  %y = laic.cast %x {to = 24 : i64, round_mode = "even"} : (tensor<2x3xf32>) -> tensor<*xf8E8M0FNU>
  return %y : tensor<*xf8E8M0FNU>
}

// -----

func.func @no_arithmetic(%x: tensor<2x3xi4>) -> tensor<*xi4> {
  // expected-error @+1 {{expects its operand to have one of the element types f32 f16 bf16 f64 i8 i16 i32 i64 u8 u16 u32 u64, got i4}}
  %y = laic.add %x, %x : (tensor<2x3xi4>, tensor<2x3xi4>) -> tensor<*xi4>
  return %y : tensor<*xi4>
}

// -----

func.func @bit_cast_target(%x: tensor<2x3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects attribute 'to' to name an element type, got 8}}
  %y = laic.bit_cast %x {to = 8 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @bit_cast_width(%x: tensor<2x3xui4>) -> tensor<*xf32> {
  // expected-error @+1 {{expects element types of equal width, got u4 and f8E5M2}}
  %y = laic.bit_cast %x {to = 19 : i64} : (tensor<2x3xui4>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
