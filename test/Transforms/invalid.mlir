// What the passes of the schedule refuse in modules that somebody wrote or changed by hand.
// RUN: laic-opt %s --laic-schedule-program -split-input-file -verify-diagnostics

// expected-error @below {{argument 0 is no ranked tensor but 'f32'}}
func.func @main(%x: f32) -> tensor<f32> {
  %0 = laic.constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  return %0 : tensor<f32>
}

// -----

// expected-error @below {{no size symbol stands for dim 0 of argument 0}}
func.func @main(%x: tensor<?xf32> {laic.name = "x"}) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x"}) -> tensor<4xf32> {
  // expected-error @below {{'arith.addf' is no dispatch; run laic-form-dispatches first}}
  %0 = arith.addf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32> {laic.name = "x"}) -> tensor<4xf32> {
  // expected-error @below {{refers to unknown kernel 'nothing'}}
  %0 = plan.dispatch @nothing(%x) shapes [affine_map<() -> (4)>] : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @k(%a: tensor<4xf32>, %n: index) -> tensor<4xf32>
func.func private @size() -> index

func.func @main(%x: tensor<4xf32> {laic.name = "x"}) -> tensor<4xf32> {
  %n = func.call @size() : () -> index
  // expected-error @below {{one of its sizes is not known before the call}}
  %0 = plan.dispatch @k(%x)[%n] shapes [affine_map<() -> (4)>] : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @count(%a: tensor<4xf32>) -> tensor<1xi64>
func.func private @fill(%a: tensor<4xf32>, %n: index) -> tensor<?xf32>

func.func @main(%x: tensor<4xf32> {laic.name = "x"}) -> tensor<4xf32>
    attributes {laic.symbols = [{kind = "read", arg = 0 : i64, index = 0 : i64}]} {
  %n = laic.size affine_map<()[s0] -> (s0)>
  // expected-error @below {{uses sizes that are read after it}}
  %0 = plan.dispatch @fill(%x)[%n] shapes [affine_map<()[s0] -> (s0)>] : (tensor<4xf32>) -> tensor<?xf32>
  %1 = plan.dispatch @count(%x) shapes [affine_map<() -> (1)>] : (tensor<4xf32>) -> tensor<1xi64>
  laic.read_sizes %1 as 0 : tensor<1xi64>
  return %x : tensor<4xf32>
}
