// What a laic.call must say of itself.
// RUN: laic-opt --split-input-file --verify-diagnostics %s

func.func @kind(%c: tensor<i1>) {
  // expected-error @+1 {{expects kind "if" or "loop", got "while"}}
  laic.call "while" [@a, @b](%c) {dims = array<i64>, read = -1 : i64} : (tensor<i1>) -> ()
  return
}

// -----

func.func @programs(%c: tensor<i1>) {
  // expected-error @+1 {{expects 2 programs, got 1}}
  laic.call "if" [@a](%c) {dims = array<i64>, read = -1 : i64} : (tensor<i1>) -> ()
  return
}

// -----

func.func @body(%m: tensor<i64>, %c: tensor<i1>) {
  // expected-error @+1 {{expects 1 program, got 2}}
  laic.call "loop" [@a, @b](%m, %c) {dims = array<i64>, read = -1 : i64} : (tensor<i64>, tensor<i1>) -> ()
  return
}

// -----

func.func @carried(%m: tensor<i64>, %c: tensor<i1>) {
  // expected-error @+1 {{expects a condition, and for loops a trip count and carried values, before what it captures}}
  laic.call "loop" [@a](%m, %c) {carried = 1 : i64, dims = array<i64>, read = -1 : i64} : (tensor<i64>, tensor<i1>) -> ()
  return
}

// -----

func.func @rank(%c: tensor<i1>) {
  // expected-error @+1 {{expects results of known rank, got 'tensor<*xf32>'}}
  %y = laic.call "if" [@a, @b](%c) {dims = array<i64>, read = -1 : i64} : (tensor<i1>) -> tensor<*xf32>
  return
}

// -----

func.func @dims(%c: tensor<i1>) {
  // expected-error @+1 {{expects two numbers in 'dims' for each of 1 dims, got 1}}
  %y = laic.call "if" [@a, @b](%c) {dims = array<i64: 0>, read = -1 : i64} : (tensor<i1>) -> tensor<?xf32>
  return
}

// -----

func.func @order(%c: tensor<i1>) {
  // expected-error @+1 {{expects late dims to be numbered in their order}}
  %y = laic.call "if" [@a, @b](%c) {dims = array<i64: -2, 1>, read = 0 : i64} : (tensor<i1>) -> tensor<?xf32>
  return
}

// -----

func.func @no_read(%c: tensor<i1>) {
  // expected-error @+1 {{has late dims, but no read}}
  %y = laic.call "if" [@a, @b](%c) {dims = array<i64: -2, 0>, read = -1 : i64} : (tensor<i1>) -> tensor<?xf32>
  return
}
