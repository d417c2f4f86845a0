// RUN: laic-opt %s --laic-convert-graph-to-design=chip=nothing -verify-diagnostics

// expected-error @+1 {{unknown FPGA part 'nothing'}}
module {
  func.func @main(%x: tensor<4xf32> {laic.name = "x"}) -> (tensor<4xf32> {laic.name = "y"}) {
    return %x : tensor<4xf32>
  }
}
