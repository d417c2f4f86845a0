// Passes of the HLS target: from the simplified graph to a design, and the depths of its streams.
#ifndef LAIC_HLS_PASSES_TD
#define LAIC_HLS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertGraphToDesign : Pass<"laic-convert-graph-to-design", "::mlir::ModuleOp"> {
  let summary = "Turn the static graph in @main into an hls.design of streaming stages";
  let description = [{
    Quantised tensors (between quantize_linear and dequantize_linear) become integers; the other float tensors fixed-point
    numbers that hold the range in `laic.range`. Unsupported operations are all reported.
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"zu7ev\"", "FPGA part whose resources bound the parallelism">,
    Option<"width", "width", "unsigned", "16", "Bits of fixed-point numbers">,
  ];
  let dependentDialects = ["::laic::hls::HLSDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def SizeStreams : Pass<"laic-size-streams", "::mlir::ModuleOp"> {
  let summary = "Give every stream of a design the least depth without deadlock, by simulation";
  let description = [{
    Every depth is at least 2, which tools take as the default. A stream that needs more gets the least depth such that the
    design runs a frame to its end while the other streams keep theirs.
  }];
  let dependentDialects = ["::laic::hls::HLSDialect"];
}

#endif
