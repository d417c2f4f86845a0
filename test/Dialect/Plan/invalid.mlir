// RUN: laic-opt %s -split-input-file -verify-diagnostics

func.func @unknown_kernel(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{refers to unknown kernel 'nowhere'}}
  %0 = plan.dispatch @nowhere(%x) shapes [affine_map<() -> (4)>] : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @kernel(%a: tensor<8xf32>) -> tensor<4xf32>
func.func @other_type(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{does not fit kernel 'kernel'}}
  %0 = plan.dispatch @kernel(%x) shapes [affine_map<() -> (4)>] : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @kernel(%a: tensor<4xf32>) -> tensor<4xf32>
func.func @shape_count(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects one shape per result, got 0 for 1}}
  %0 = plan.dispatch @kernel(%x) shapes [] : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @kernel(%a: tensor<4xf32>) -> tensor<4xf32>
func.func @shape_rank(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{to be a map over symbols with one result per dim}}
  %0 = plan.dispatch @kernel(%x) shapes [affine_map<() -> (2, 2)>] : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

plan.entry @relation on "cpu" symbols [] inputs [] outputs [] arena [0] host_arena [0] {
  // expected-error @+1 {{expects relation "eq" or "ge", got "lt"}}
  plan.check "lt" [0], [1], "never"
}

// -----

plan.entry @symbols on "cpu" symbols [] inputs [] outputs [] arena [0] host_arena [0] {
  // expected-error @+1 {{uses size symbols that the entry does not have}}
  %a = plan.alloc arena offset [0] size [s0] : <f32, [4]>
}

// -----

plan.entry @kernel on "cpu" symbols [] inputs [] outputs [] arena [0] host_arena [0] {
  // expected-error @+1 {{refers to unknown kernel 'nowhere'}}
  plan.step @nowhere tiles [1] workspace [0] sizes [] ins() outs()
}

// -----

func.func private @k()
plan.entry @tiles on "cpu" symbols [] inputs [] outputs [] arena [0] host_arena [0] {
  // expected-error @+1 {{expects one expression each for tiles and workspace}}
  plan.step @k tiles [] workspace [0] sizes [] ins() outs()
}

// -----

plan.entry @pairs on "cpu" symbols [] inputs [] outputs [] arena [0] host_arena [0] {
  // expected-error @+1 {{compares one expression with one expression}}
  plan.check "eq" [0, 1], [1], "never"
}

// -----

// expected-error @+1 {{expects one expression for the arena}}
plan.entry @arenas on "cpu" symbols [] inputs [] outputs [] arena [0, 1] host_arena [0] {
}

// -----

plan.entry @call_kind on "cpu" symbols [] inputs [] outputs [] arena [0] host_arena [0] {
  // expected-error @+1 {{expects kind "if" or "loop", got "while"}}
  plan.call "while" [@call_kind] ins() outs() {carried = 0 : i64, first = 0 : i64, read = -1 : i64, late = array<i64>}
}

// -----

plan.entry @call_programs on "cpu" symbols [] inputs [] outputs [] arena [0] host_arena [0] {
  // expected-error @+1 {{expects 1 program, got 2}}
  plan.call "loop" [@call_programs, @call_programs] ins() outs() {carried = 0 : i64, first = 0 : i64, read = -1 : i64, late = array<i64>}
}

// -----

plan.entry @call_read on "cpu" symbols [] inputs [] outputs [] arena [0] host_arena [0] {
  // expected-error @+1 {{has late dims, but no read}}
  plan.call "loop" [@call_read] ins() outs() {carried = 0 : i64, first = 0 : i64, read = -1 : i64, late = array<i64: 0>}
}

// -----

plan.entry @call_unknown on "cpu" symbols [] inputs [] outputs [] arena [0] host_arena [0] {
  // expected-error @+1 {{refers to unknown program 'nowhere'}}
  plan.call "loop" [@nowhere] ins() outs() {carried = 0 : i64, first = 0 : i64, read = -1 : i64, late = array<i64>}
}
