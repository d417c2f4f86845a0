// Passes that choose layouts and form contractions.
#ifndef LAIC_TRANSFORMS_CONTRACTS_PASSES_TD
#define LAIC_TRANSFORMS_CONTRACTS_PASSES_TD

include "mlir/Pass/PassBase.td"

def PropagateLayout : Pass<"laic-propagate-layout", "::mlir::func::FuncOp"> {
  let summary = "channels-last layouts for convolution nets";
  let description = [{
    Lets convolutions read and write tensors whose channels are innermost and carries that layout through everything between
    them: elementwise operations, pooling, reductions, padding, concatenation, slices, resizes, reshapes. A transpose is left only
    where a layout meets an operation, an argument or a result that needs the original order. A function without convolutions
    stays as it is. A remark tells how many transposes remain.
  }];
  let dependentDialects = ["::laic::LaicDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def FormBlockProducts : Pass<"laic-form-block-products", "::mlir::func::FuncOp"> {
  let summary = "products with matrices of few bits become `laic.block_product`, or their matrices f32";
  let description = [{
    A product with laic.unpack_blocks reads its integers and scales where `products` is set; what else uses an unpacked matrix gets it
    from a linalg.generic. Afterwards no laic.unpack_blocks is left. With `rounding`, products of 4 bits with enough rows, or an unknown
    number, round them where the matrix has `round_rows`; a remark tells which.
  }];
  let options = [Option<"products", "products", "bool", /*default=*/"true", "the target has code for laic.block_product">,
                 Option<"rounding", "rounding", "bool", /*default=*/"true", "rows may be rounded where the model allows it">];
  let dependentDialects = ["::laic::LaicDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def FormContracts : Pass<"laic-form-contracts", "::mlir::func::FuncOp"> {
  let summary = "contractions become a packing of one operand and `laic.contract` with a fused epilogue";
  let description = [{
    Recognises multiply-accumulate generics (matmul, convolution, depthwise), packs the operand that is constant (or the one without
    rows) in panels of 32 columns, absorbs elementwise consumers of a contraction's only use, and merges
    neighbouring loop dims that are contiguous. What does not fit stays a linalg.generic. Before that, transposes between reshapes
    that join and split the same dims stand alone, and scalar factors of operands move behind the product.
  }];
  let options = [Option<"panels", "panels", "bool", /*default=*/"false", "the target has code for laic.pack_panels">,
                 Option<"group", "group", "int64_t", /*default=*/"1",
                        "neighbours along the last reduction over bytes that lie together in constant operands">,
                 Option<"depthwise", "depthwise", "bool", /*default=*/"false",
                        "depthwise products keep their dims apart, as laic-form-depthwise looks for them">];
  let dependentDialects = ["::laic::LaicDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def FormDepthwise : Pass<"laic-form-depthwise", "::mlir::func::FuncOp"> {
  let summary = "depthwise convolutions between transposes become `laic.depthwise`";
  let description = [{
    A depthwise laic.contract of f32 whose input was transposed, and perhaps padded, for it alone and whose result is transposed back for its
    only use: nothing beside it wants channels innermost.
  }];
  let dependentDialects = ["::laic::LaicDialect"];
}

def FormPointwise : Pass<"laic-form-pointwise", "::mlir::func::FuncOp"> {
  let summary = "convolutions of one tap between transposes become products with planes of pixels";
  let description = [{
    A laic.contract of f32 with constant weights whose rows are all pixels, which were transposed for it alone and whose result is transposed back
    for its only use: nothing beside it wants channels innermost. The weights become the rows, and pixels are packed by laic.pack_panels as they
    lie: they are moved once instead of three times.
  }];
  let dependentDialects = ["::laic::LaicDialect", "::mlir::tensor::TensorDialect"];
}

def FormWinograd : Pass<"laic-form-winograd", "::mlir::func::FuncOp"> {
  let summary = "convolutions of stride 1 with 3 or 5 taps become `laic.winograd`";
  let description = [{
    Takes laic.contract of f32 that walks a window of 3 or 5 taps along one or two dims at stride 1, with constant weights, a multiple of 16
    channels and of 32 filters, and takes its epilogue and padding along. For 3 taps tiles of 4 outputs where an image has 14x14 of them or
    an unknown number, of 2 from 49 outputs on, for 5 taps tiles of 2;
    fewer outputs, tiles that reach far beyond the border, and filters with taps of very different size stay direct. A remark tells
    which, and the bound of the error.
  }];
  let dependentDialects = ["::laic::LaicDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def NarrowWeights : Pass<"laic-narrow-weights", "::mlir::func::FuncOp"> {
  let summary = "constant f32 operands of `laic.contract` become bf16";
  let description = [{
    Rounds packed f32 constants to the nearest bf16 (ties to even); products still add up in f32. Where A holds neighbours along the last
    reduction side by side and their number is even, they lie in pairs (`group` = 2), which dot products of bf16 take and other levels
    widen by shifts. Depthwise contractions, reductions of less than 16 and laic.winograd, which read few weights, keep theirs.
  }];
  let dependentDialects = ["::laic::LaicDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def FormRows : Pass<"laic-form-rows", "::mlir::func::FuncOp"> {
  let summary = "chains of reductions and what is between them become `laic.rows`";
  let description = [{
    Starts at a reduction of innermost dims (softmax, the norms) and takes in what makes its rows and what uses them, as long as every
    operation needs its own row only. Products of two activations join, so that attention becomes one operation; products with
    constant weights stay outside, since they read all weights for a few rows.
  }];
  let dependentDialects = ["::laic::LaicDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

#endif
