// c = a * b as a naive lowering computes it: one invocation per element of c, a loop over k, no tiles, no packing.
//
// A phase dump of laic's. The third operand, of which nobody reads an element, keeps the compiler from seeing a contraction.
#shape = affine_map<() -> (512, 512)>
#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
module attributes {laic.model = "gemm", laic.phase = "dispatch", laic.producer = ""} {
  func.func @main(%a: tensor<512x512xf32> {laic.dims = [512, 512], laic.element = f32, laic.name = "a"},
                  %b: tensor<512x512xf32> {laic.dims = [512, 512], laic.element = f32, laic.name = "b"})
      -> (tensor<512x512xf32> {laic.dims = [512, 512], laic.element = f32, laic.name = "c"}) attributes {laic.symbols = []} {
    %c = plan.dispatch @naive(%a, %b) on "vulkan" shapes [#shape] : (tensor<512x512xf32>, tensor<512x512xf32>) -> tensor<512x512xf32>
    return %c : tensor<512x512xf32>
  }
  func.func private @naive(%a: tensor<512x512xf32>, %b: tensor<512x512xf32>) -> tensor<512x512xf32> {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<512x512xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<512x512xf32>) -> tensor<512x512xf32>
    %c = linalg.generic {indexing_maps = [#a, #b, #c, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b, %empty : tensor<512x512xf32>, tensor<512x512xf32>, tensor<512x512xf32>) outs(%init : tensor<512x512xf32>) {
    ^bb0(%x: f32, %y: f32, %unread: f32, %sum: f32):
      %product = arith.mulf %x, %y : f32
      %next = arith.addf %sum, %product : f32
      linalg.yield %next : f32
    } -> tensor<512x512xf32>
    return %c : tensor<512x512xf32>
  }
}
