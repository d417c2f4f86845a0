// What operators on strings, and functions of the runtime, refuse.
// RUN: laic-opt %s --laic-infer-shapes --split-input-file --verify-diagnostics

func.func @concat_numbers(%x: tensor<3x!laic.string>, %y: tensor<3xf32>) -> tensor<*x!laic.string> {
  // expected-error @+1 {{expects two tensors of strings}}
  %z = laic.string_concat %x, %y : (tensor<3x!laic.string>, tensor<3xf32>) -> tensor<*x!laic.string>
  return %z : tensor<*x!laic.string>
}

// -----

func.func @sum(%x: tensor<3x!laic.string>) -> tensor<*x!laic.string> {
  // expected-error @+1 {{expects its operand to have one of the element types f32 f16 bf16 f64 i8 i16 i32 i64 u8 u16 u32 u64, got string}}
  %z = laic.add %x, %x : (tensor<3x!laic.string>, tensor<3x!laic.string>) -> tensor<*x!laic.string>
  return %z : tensor<*x!laic.string>
}

// -----

func.func @equal_to_numbers(%x: tensor<3x!laic.string>, %y: tensor<3xf32>) -> tensor<*xi1> {
  // expected-error @+1 {{expects operands of one element type, got !laic.string and f32}}
  %z = laic.equal %x, %y : (tensor<3x!laic.string>, tensor<3xf32>) -> tensor<*xi1>
  return %z : tensor<*xi1>
}

// -----

func.func @scatter_sums(%x: tensor<3x!laic.string>, %i: tensor<1xi64>, %u: tensor<1x!laic.string>) -> tensor<*x!laic.string> {
  // expected-error @+1 {{reduces booleans or strings, which ONNX does not define}}
  %z = laic.scatter_elements %x, %i, %u {reduction = "add"}
       : (tensor<3x!laic.string>, tensor<1xi64>, tensor<1x!laic.string>) -> tensor<*x!laic.string>
  return %z : tensor<*x!laic.string>
}

// -----

func.func @normalize_cube(%x: tensor<1x2x3x!laic.string>) -> tensor<*x!laic.string> {
  // expected-error @+1 {{expects an input of rank 1 or 2, got rank 3}}
  %z = laic.string_normalizer %x : (tensor<1x2x3x!laic.string>) -> tensor<*x!laic.string>
  return %z : tensor<*x!laic.string>
}

// -----

func.func @normalize_rows(%x: tensor<2x3x!laic.string>) -> tensor<*x!laic.string> {
  // expected-error @+1 {{expects dim 0 to be 1}}
  %z = laic.string_normalizer %x : (tensor<2x3x!laic.string>) -> tensor<*x!laic.string>
  return %z : tensor<*x!laic.string>
}

// -----

func.func @normalize_case(%x: tensor<3x!laic.string>) -> tensor<*x!laic.string> {
  // expected-error @+1 {{unknown case_change_action 'TITLE'}}
  %z = laic.string_normalizer %x {case_change_action = "TITLE"} : (tensor<3x!laic.string>) -> tensor<*x!laic.string>
  return %z : tensor<*x!laic.string>
}

// -----

func.func @image_rank(%x: tensor<2x3xui8>) -> tensor<*xui8> {
  // expected-error @+1 {{expects a vector of bytes, got rank 2}}
  %z = laic.image_decoder %x : (tensor<2x3xui8>) -> tensor<*xui8>
  return %z : tensor<*xui8>
}

// -----

func.func @image_format(%x: tensor<9xui8>) -> tensor<*xui8> {
  // expected-error @+1 {{unknown pixel_format 'CMYK'}}
  %z = laic.image_decoder %x {pixel_format = "CMYK"} : (tensor<9xui8>) -> tensor<*xui8>
  return %z : tensor<*xui8>
}

// -----

func.func @results(%x: tensor<3x!laic.string>) -> tensor<*xi64> {
  // expected-error @+1 {{expects a shape and an element type for each of its 1 results}}
  %z = laic.host_function %x {function = "core.f", parameters = array<i64>, result_shapes = [], result_elements = [i64]}
       : (tensor<3x!laic.string>) -> tensor<*xi64>
  return %z : tensor<*xi64>
}

// -----

func.func @result_rank(%x: tensor<3x!laic.string>) -> tensor<*xi64> {
  // expected-error @+1 {{has a result whose shape needs more dims or sizes than its operands have}}
  %z = laic.host_function %x
       {function = "core.f", parameters = array<i64>, result_shapes = [affine_map<(d0)[s0] -> (s0)>], result_elements = [i64]}
       : (tensor<3x!laic.string>) -> tensor<*xi64>
  return %z : tensor<*xi64>
}

// -----

func.func @bias(%x: tensor<2x3xf32>, %b: tensor<3x!laic.string>) -> tensor<*xf32> {
  // expected-error @+1 {{does not take strings, which operand 1 has}}
  %y = laic.add %x, %b : (tensor<2x3xf32>, tensor<3x!laic.string>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
